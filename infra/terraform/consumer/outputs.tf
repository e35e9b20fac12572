output "environment" {
  description = "Variables for the function's environment. Sensitive, because the API key is one of them."
  sensitive   = true
  value = {
    CONFIGSVC_URL        = data.aws_ssm_parameter.output["ApiUrl"].insecure_value
    CONFIGSVC_API_KEY    = data.aws_api_gateway_api_key.reader.value
    CONFIGSVC_NAMESPACES = join(",", var.namespaces)
    CONFIGSVC_KMS_KEYS   = join(",", local.kms_keys)
  }
}

output "principal" {
  description = "Grant this principal the action read: configsvc grant PRINCIPAL -a read -n NAMESPACE."
  value       = "api-key:${data.aws_api_gateway_api_key.reader.id}"
}
