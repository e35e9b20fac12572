# The service's stack, from what `make package STAGE=…` built. CloudFormation does the work: canary, rollback, retention.

data "aws_s3_bucket" "code" {
  bucket = var.bucket
}

resource "aws_s3_object" "code" {
  bucket      = data.aws_s3_bucket.code.bucket
  key         = local.shown.CodeKey
  source      = local.zip
  source_hash = filesha256(local.zip)

  lifecycle {
    create_before_destroy = true # an update that rolls back, as a canary does, still needs the code before it
  }
}

resource "aws_s3_object" "template" {
  bucket       = data.aws_s3_bucket.code.bucket
  key          = "${var.stack}/${sha256(local.template)}.json"
  content      = local.template
  content_type = "application/json"

  lifecycle {
    create_before_destroy = true
  }
}

# 64 letters and digits. The value is in the state, as the README explains.
resource "random_password" "proof" {
  for_each = toset([for each in [local.generation - 1, local.generation] : tostring(each) if each > 0])

  length  = 64
  special = false
}

resource "aws_cloudformation_stack" "service" {
  name         = var.stack
  template_url = "https://${data.aws_s3_bucket.code.bucket_regional_domain_name}/${aws_s3_object.template.key}"
  parameters   = local.parameters
  capabilities = ["CAPABILITY_IAM"]
  iam_role_arn = var.cloudformation_role
  tags         = var.tags
  depends_on   = [aws_s3_object.code]

  timeouts {
    create = "60m"
    update = "60m" # a canary shifts for minutes
    delete = "30m"
  }

  lifecycle {
    prevent_destroy = true # remove this line to destroy the stack; table, KMS key and logs are kept even then
  }
}
