variable "stack" {
  description = "Name of the service's stack, in the same account and region. Its outputs are read from Systems Manager."
  type        = string
}

variable "namespaces" {
  description = "Namespaces that the function reads, the first one first. Its role may open these and no others."
  type        = list(string)

  validation {
    condition     = length(var.namespaces) > 0 && alltrue([for each in var.namespaces : can(regex("^[a-z0-9][a-z0-9._-]{0,62}$", each))])
    error_message = "Name at least one namespace, each in full: a pattern would open more than the function reads."
  }
}

variable "further_kms_keys" {
  description = "ARNs of further KMS keys that data keys are wrapped under, as in further_kms_keys of the stage file."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for each in var.further_kms_keys : can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-z0-9-]+$", each))])
    error_message = "Name each KMS key by its ARN: an alias, or a pattern, would open under keys that nobody named."
  }
}

variable "role" {
  description = "Name of the function's role."
  type        = string
}

variable "api_key_output" {
  description = "Output of the stack that holds the API key's id: ReaderKeyId, or ApiKeyIdOf… of a group."
  type        = string
  default     = "ReaderKeyId"
}
