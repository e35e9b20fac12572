"""The containers of other tools: what each is called, which texts it has, and what takes its values out."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from configsvc_client.cli.foreign import _shapes, _shapes_of_tools
from configsvc_client.cli.foreign._shapes import ForeignTree
from configsvc_client.cli.foreign._source import TakenOut


class Shape(NamedTuple):
    """A container: its name, texts that each such file has, what takes the values out, and what prints one as JSON."""

    what: str
    words: tuple[str, ...]
    taken: Callable[[ForeignTree], TakenOut | None]
    producer: str


_GET_PARAMETERS = "aws ssm get-parameters-by-path --path PATH --recursive --with-decryption"

SHAPES = (
    Shape(
        "a secret that Vault printed (KV version 2)", ("metadata", "created_time"), _shapes.vault_kv2,
        "vault kv get -format=json PATH",
    ),
    Shape("a secret that Vault printed", ("request_id", "lease_id"), _shapes.vault_kv1, "vault read -format=json PATH"),
    Shape("parameters that SSM printed", ("Parameters",), _shapes_of_tools.ssm_parameters, _GET_PARAMETERS),
    Shape(
        "a parameter that SSM printed", ("Parameter", "Type"), _shapes_of_tools.ssm_parameter,
        "aws ssm get-parameter --name NAME --with-decryption",
    ),
    Shape(
        "a secret that Secrets Manager printed", ("ARN", "Secret"), _shapes_of_tools.secrets_manager,
        "aws secretsmanager get-secret-value --secret-id NAME",
    ),
    Shape(
        "secrets that Secrets Manager printed", ("SecretValues",), _shapes_of_tools.secrets_manager_batch,
        "aws secretsmanager batch-get-secret-value --secret-id-list NAMES",
    ),
    Shape(
        "the environment of a Lambda function", ("Function",), _shapes_of_tools.lambda_environment,
        "aws lambda get-function-configuration --function-name NAME",
    ),
    Shape(
        "the environment of a Lambda function", ("Variables",), _shapes_of_tools.lambda_environment,
        "aws lambda get-function-configuration --function-name NAME",
    ),
    Shape(
        "an ECS task definition", ("containerDefinitions",), _shapes_of_tools.ecs_task,
        "aws ecs describe-task-definition --task-definition NAME",
    ),
    Shape("keys that Consul exported", ("flags",), _shapes.consul, "consul kv export PREFIX"),
    Shape("keys that Consul exported", ("ModifyIndex",), _shapes.consul, "consul kv export PREFIX"),
    Shape("keys that etcd printed", ("kvs", "mod_revision"), _shapes.etcd, "etcdctl get --prefix PREFIX -w json"),
    Shape("secrets that Doppler printed", ("computed", "raw"), _shapes.doppler, "doppler secrets --json"),
    Shape(
        "secrets that Doppler answered", ("computed", "raw", "secrets"), _shapes_of_tools.doppler_answer,
        "doppler secrets --json | jq '{secrets: .}'",
    ),
    Shape(
        "configuration that Pulumi printed", ("secret",), _shapes_of_tools.pulumi_config,
        "pulumi config --json --show-secrets",
    ),
    Shape(
        "a variable of Nomad", ("Items", "ModifyIndex"), _shapes_of_tools.nomad_variable,
        "nomad var get -out json PATH",
    ),
    Shape("an export of Bitwarden", ("encrypted",), _shapes_of_tools.bitwarden, "bw export --format json --raw"),
    Shape("outputs of Terraform", ("sensitive", "value"), _shapes.terraform_outputs, "terraform output -json"),
    Shape("the state of Terraform", ("terraform_version",), _shapes.terraform_state, "terraform show -json"),
    Shape("an item of 1Password", ("category", "fields"), _shapes.one_password, "op item get NAME --format json"),
    Shape("settings of Azure Functions", ("IsEncrypted", "Values"), _shapes.azure_settings, "cat local.settings.json"),
    Shape(
        "parameters of Azure Resource Manager", ("$schema", "contentVersion"), _shapes.azure_parameters,
        "cat parameters.json",
    ),
    Shape(
        "a secret that Azure Key Vault printed", ("vault.azure.net", "value"), _shapes.azure_secret,
        "az keyvault secret show --id ID",
    ),
    Shape(
        "a secret that Google Secret Manager printed", ("payload", "data"), _shapes.google_secret,
        "gcloud secrets versions access latest --secret NAME --format json",
    ),
    Shape("what Spring Cloud Config answers", ("propertySources",), _shapes.spring_config, "curl -s URL"),
    Shape("an environment of Postman", ("_postman_variable_scope",), _shapes.postman, "cat environment.json"),
    Shape(
        "outputs of CloudFormation", ("Stacks", "StackId"), _shapes_of_tools.stack_outputs,
        "aws cloudformation describe-stacks --stack-name NAME",
    ),
    Shape("parameters of CloudFormation", ("ParameterKey",), _shapes_of_tools.stack_parameters, "cat parameters.json"),
    Shape("containers that Docker inspected", ("Config", "Env"), _shapes.docker_inspect, "docker inspect NAME"),
    Shape("a list of names and values", ("alue",), _shapes.pairs, "cat FILE"),
    Shape("a list of names and values", ("alue",), _shapes_of_tools.listed, "cat FILE"),
)  # fmt: skip
