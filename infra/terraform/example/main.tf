# Both modules in use. `make package STAGE=prod` first.

terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0, < 7.0"
    }
  }
}

variable "bucket" {
  description = "An existing private bucket for code and template."
  type        = string
}

variable "role" {
  description = "Name of the role of a function that reads payments.prod."
  type        = string
}

module "configsvc" {
  source = "../service"

  stack   = "configsvc-prod"
  package = "${path.module}/../../../build/prod"
  bucket  = var.bucket
}

module "payments" {
  source     = "../consumer"
  depends_on = [module.configsvc] # it reads what the stack publishes

  stack      = "configsvc-prod"
  namespaces = ["payments.prod"]
  role       = var.role
}

output "payments_environment" {
  description = "For `environment { variables = … }` of the function."
  sensitive   = true
  value       = module.payments.environment
}
