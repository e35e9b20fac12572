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

variable "role" {
  description = "Name of the function's role."
  type        = string
}

variable "api_key_output" {
  description = "Output of the stack that holds the API key's id: ReaderKeyId, or ApiKeyIdOf… of a group."
  type        = string
  default     = "ReaderKeyId"
}
