output "outputs" {
  description = "Every output of the stack. They hold ids and ARNs, and no secret."
  value       = aws_cloudformation_stack.service.outputs
}

output "url" {
  description = "CONFIGSVC_URL of consumers and developers."
  value       = aws_cloudformation_stack.service.outputs["ApiUrl"]
}

output "kms_key_arn" {
  description = "CONFIGSVC_KMS_KEYS of consumers and developers."
  value       = aws_cloudformation_stack.service.outputs["KmsKeyArn"]
}
