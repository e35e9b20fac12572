# What a function needs to read its config: a policy for its role, and variables for its environment.

data "aws_ssm_parameter" "output" {
  for_each = toset(["ApiUrl", "KmsKeyArn", var.api_key_output])

  name = "/configsvc/${var.stack}/${each.key}"
}

locals {
  kms_keys = concat([data.aws_ssm_parameter.output["KmsKeyArn"].insecure_value], var.further_kms_keys)
}

data "aws_api_gateway_api_key" "reader" {
  id = data.aws_ssm_parameter.output[var.api_key_output].insecure_value
}

data "aws_iam_policy_document" "open" {
  statement {
    sid       = "OnlyTheseNamespaces"
    actions   = ["kms:Decrypt"]
    resources = local.kms_keys

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:configsvc:namespace"
      values   = var.namespaces
    }
  }
}

resource "aws_iam_role_policy" "open" {
  name   = "configsvc"
  role   = var.role
  policy = data.aws_iam_policy_document.open.json
}
