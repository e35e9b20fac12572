variable "stack" {
  description = "Name of the CloudFormation stack. Must be the one in the stage file, which the package was built for."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,59}$", var.stack))
    error_message = "A stack name has at most 60 letters, digits and hyphens, and begins with a letter."
  }
}

variable "package" {
  description = "Folder that `make package STAGE=…` wrote: deployment.zip and expanded.json."
  type        = string
}

variable "bucket" {
  description = "An existing bucket in this region for code and template. Keep it private and versioned."
  type        = string
}

variable "parameters" {
  description = "Parameters of the template that differ from those of the stage file. Not for the gateway's proof."
  type        = map(string)
  default     = {}

  validation {
    condition     = length([for name in keys(var.parameters) : name if startswith(name, "GatewayProof") || startswith(name, "Code")]) == 0
    error_message = "This module sets the parameters of the code and of the gateway's proof."
  }
}

variable "accept_previous_proof" {
  description = "Whether the function accepts the previous proof too. Apply with false once every request shows the new one."
  type        = bool
  default     = true
}

variable "previous_proof_sha256" {
  description = "SHA-256 of the proof that the stack has, for the first apply to a stack that `make deploy` made."
  type        = string
  default     = ""
}

variable "cloudformation_role" {
  description = "ARN of a role with which CloudFormation works on the stack; by default it uses your identity."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of the stack, which CloudFormation passes on to its resources."
  type        = map(string)
  default     = {}
}
