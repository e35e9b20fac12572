# What the resources are made of. It names the package, the drawn proofs and the bucket, and no other resource.

locals {
  zip        = "${var.package}/deployment.zip"
  built      = file("${var.package}/expanded.json")
  defaults   = { for name, about in jsondecode(local.built).Parameters : name => tostring(about.Default) if can(about.Default) }
  stage      = merge(local.defaults, var.parameters)
  handler    = jsondecode(local.built).Resources.APIHandler.Properties
  generation = tonumber(local.stage.GatewayProofGeneration)

  # The current proof first. The previous one stays accepted while requests may still show it.
  current  = sha256(random_password.proof[tostring(local.generation)].result)
  previous = var.previous_proof_sha256 != "" ? var.previous_proof_sha256 : local.generation > 1 ? sha256(random_password.proof[tostring(local.generation - 1)].result) : ""
  digests  = compact([local.current, var.accept_previous_proof ? local.previous : ""])

  # What anybody may read.
  shown = merge(local.stage, {
    CodeBucket         = data.aws_s3_bucket.code.bucket
    CodeKey            = "${var.stack}/${filesha256(local.zip)}.zip"
    GatewayProofMode   = "enforce"
    GatewayProofSha256 = nonsensitive(join(",", local.digests))
  })
  parameters = merge(local.shown, { GatewayProof = random_password.proof[tostring(local.generation)].result })

  # CloudFormation publishes a version when its logical id is a new one. So the id is made of what a version holds: the
  # code, the function's properties, and the values of the parameters that these name.
  function = { for name, value in local.handler : name => value if !contains(["ReservedConcurrentExecutions", "Tags"], name) }
  named    = toset([for each in regexall("\"Ref\":\"(\\w+)\"", jsonencode(local.function)) : each[0]])
  held     = { for name in local.named : name => local.shown[name] if contains(keys(local.shown), name) }
  release  = sha256(jsonencode([filesha256(local.zip), local.function, local.held]))
  template = replace(
    replace(local.built, local.handler.Description, local.release),
    "APIHandlerVersion${substr(local.handler.Description, 0, 10)}",
    "APIHandlerVersion${substr(local.release, 0, 10)}",
  )
}
