"""The table of other tools' containers: the name of each, the texts it contains, and how to extract its values."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from configsvc_client.cli.foreign import _shapes, _shapes_of_tools
from configsvc_client.cli.foreign._shapes import ForeignTree
from configsvc_client.cli.foreign._source import Extraction


class Shape(NamedTuple):
    """A container: its name, texts in every such file, the function that extracts its values, and its producer."""

    what: str
    words: tuple[str, ...]
    extract: Callable[[ForeignTree], Extraction | None]
    producer: str


_GET_PARAMETERS = "aws ssm get-parameters-by-path --path PATH --recursive --with-decryption"

SHAPES = (
    Shape(
        "a secret printed by Vault (KV version 2)", ("metadata", "created_time"), _shapes.vault_kv2,
        "vault kv get -format=json PATH",
    ),
    Shape("a secret printed by Vault", ("request_id", "lease_id"), _shapes.vault_kv1, "vault read -format=json PATH"),
    Shape("parameters printed by SSM", ("Parameters",), _shapes_of_tools.ssm_parameters, _GET_PARAMETERS),
    Shape(
        "a parameter printed by SSM", ("Parameter", "Type"), _shapes_of_tools.ssm_parameter,
        "aws ssm get-parameter --name NAME --with-decryption",
    ),
    Shape(
        "a secret printed by Secrets Manager", ("ARN", "Secret"), _shapes_of_tools.secrets_manager,
        "aws secretsmanager get-secret-value --secret-id NAME",
    ),
    Shape(
        "secrets printed by Secrets Manager", ("SecretValues",), _shapes_of_tools.secrets_manager_batch,
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
    Shape("keys exported from Consul", ("flags",), _shapes.consul, "consul kv export PREFIX"),
    Shape("keys exported from Consul", ("ModifyIndex",), _shapes.consul, "consul kv export PREFIX"),
    Shape("keys printed by etcd", ("kvs", "mod_revision"), _shapes.etcd, "etcdctl get --prefix PREFIX -w json"),
    Shape("secrets printed by Doppler", ("computed", "raw"), _shapes.doppler, "doppler secrets --json"),
    Shape(
        "secrets from the Doppler API", ("computed", "raw", "secrets"), _shapes_of_tools.doppler_answer,
        "doppler secrets --json | jq '{secrets: .}'",
    ),
    Shape(
        "configuration printed by Pulumi", ("secret",), _shapes_of_tools.pulumi_config,
        "pulumi config --json --show-secrets",
    ),
    Shape(
        "a Nomad variable", ("Items", "ModifyIndex"), _shapes_of_tools.nomad_variable,
        "nomad var get -out json PATH",
    ),
    Shape("a Bitwarden export", ("encrypted",), _shapes_of_tools.bitwarden_export, "bw export --format json --raw"),
    Shape("Terraform outputs", ("sensitive", "value"), _shapes.terraform_outputs, "terraform output -json"),
    Shape("Terraform state", ("terraform_version",), _shapes.terraform_state, "terraform show -json"),
    Shape("a 1Password item", ("category", "fields"), _shapes.one_password, "op item get NAME --format json"),
    Shape("Azure Functions settings", ("IsEncrypted", "Values"), _shapes.azure_settings, "cat local.settings.json"),
    Shape(
        "Azure Resource Manager parameters", ("$schema", "contentVersion"), _shapes.azure_parameters,
        "cat parameters.json",
    ),
    Shape(
        "a secret printed by Azure Key Vault", ("vault.azure.net", "value"), _shapes.azure_secret,
        "az keyvault secret show --id ID",
    ),
    Shape(
        "a secret printed by Google Secret Manager", ("payload", "data"), _shapes.google_secret,
        "gcloud secrets versions access latest --secret NAME --format json",
    ),
    Shape("a response from Spring Cloud Config", ("propertySources",), _shapes.spring_cloud_config, "curl -s URL"),
    Shape("a Postman environment", ("_postman_variable_scope",), _shapes.postman, "cat environment.json"),
    Shape(
        "CloudFormation outputs", ("Stacks", "StackId"), _shapes_of_tools.stack_outputs,
        "aws cloudformation describe-stacks --stack-name NAME",
    ),
    Shape("CloudFormation parameters", ("ParameterKey",), _shapes_of_tools.stack_parameters, "cat parameters.json"),
    Shape("output of docker inspect", ("Config", "Env"), _shapes.docker_inspect, "docker inspect NAME"),
    Shape("a list of names and values", ("alue",), _shapes.pairs, "cat FILE"),
    Shape("a list of names and values", ("alue",), _shapes_of_tools.wrapped_pairs, "cat FILE"),
)  # fmt: skip
