"""Recognizes the output of the AWS CLI, deployment platforms and password managers by its members and their types."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from configsvc_client.cli.foreign._shapes import ForeignTree, choose_path_options, each_has, has, warn_duplicates
from configsvc_client.cli.foreign._source import Extraction, quote_for_jq

_SSM = frozenset({"String", "StringList", "SecureString"})


def ssm_parameters(tree: ForeignTree) -> Extraction | None:
    """`aws ssm get-parameters-by-path` and `get-parameters`."""
    if not has(tree, Parameters=list) or not set(tree) <= {"Parameters", "InvalidParameters", "NextToken"}:
        return None
    found = tree["Parameters"]
    if not each_has(found, Name=str, Type=str) or not {each["Type"] for each in found} <= _SSM:
        return None
    return Extraction(
        ".Parameters | from_entries", choose_path_options([each["Name"] for each in found]), _warn_undecrypted(found)
    )


def ssm_parameter(tree: ForeignTree) -> Extraction | None:
    """`aws ssm get-parameter`."""
    if not has(tree, Parameter=dict) or set(tree) != {"Parameter"}:
        return None
    found = tree["Parameter"]
    if not has(found, Name=str, Type=str, Value=str) or found["Type"] not in _SSM:
        return None
    return Extraction("[.Parameter] | from_entries", choose_path_options([found["Name"]]), _warn_undecrypted([found]))


def secrets_manager(tree: ForeignTree) -> Extraction | None:
    """`aws secretsmanager get-secret-value`."""
    if not has(tree, ARN=str) or ":secretsmanager:" not in tree["ARN"]:
        return None
    if "SecretString" in tree:
        return Extraction(".SecretString", decoded=None if is_json_object(tree["SecretString"]) else "")
    return Extraction(".SecretBinary", decoded="base64 -d", binary=True) if "SecretBinary" in tree else None


def is_json_object(text: object) -> bool:
    """Whether a text is a JSON object, which is how the Secrets Manager console stores pairs."""
    try:
        return isinstance(text, str) and isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def secrets_manager_batch(tree: ForeignTree) -> Extraction | None:
    """`aws secretsmanager batch-get-secret-value`."""
    if not has(tree, SecretValues=list) or not each_has(tree["SecretValues"], ARN=str, Name=str):
        return None
    value = '(.SecretString // {"$base64": .SecretBinary})'
    names = [each["Name"] for each in tree["SecretValues"]]
    return Extraction(f".SecretValues | map({{key: .Name, value: {value}}}) | from_entries", choose_path_options(names))


def lambda_environment(tree: ForeignTree) -> Extraction | None:
    """`aws lambda get-function-configuration`, `get-function`, and the file of `--environment`."""
    if has(tree, Configuration=dict) and _is_function(tree["Configuration"]):
        return Extraction(".Configuration.Environment.Variables // {}")
    if _is_function(tree):
        return Extraction(".Environment.Variables // {}")
    if has(tree, Environment=dict) and set(tree) == {"Environment"} and _is_variables(tree["Environment"]):
        return Extraction(".Environment.Variables")
    return Extraction(".Variables") if _is_variables(tree) else None


def ecs_task(tree: ForeignTree) -> Extraction | None:
    """`aws ecs describe-task-definition`, and the file of `register-task-definition`."""
    at = ".taskDefinition" if has(tree, taskDefinition=dict) else ""
    held = tree["taskDefinition"] if at else tree
    if not has(held, containerDefinitions=list) or not each_has(held["containerDefinitions"], name=str):
        return None
    containers = sorted(held["containerDefinitions"], key=lambda each: not each.get("environment"))
    name = quote_for_jq(containers[0]["name"])
    program = f"{at}.containerDefinitions[] | select(.name == {name}) | .environment // [] | from_entries"
    others = ", ".join(each["name"] for each in containers[1:])
    return Extraction(program, note=f"Other containers in the file: {others}." if others else "")


def stack_outputs(tree: ForeignTree) -> Extraction | None:
    """`aws cloudformation describe-stacks`."""
    if not has(tree, Stacks=list) or not each_has(tree["Stacks"], StackId=str, StackName=str):
        return None
    return Extraction("[.Stacks[].Outputs[]? | {key: .OutputKey, value: .OutputValue}] | from_entries")


def stack_parameters(tree: ForeignTree) -> Extraction | None:
    """A CloudFormation parameter file."""
    known = isinstance(tree, list) and each_has(tree, ParameterKey=str, ParameterValue=str)
    return Extraction("map({key: .ParameterKey, value: .ParameterValue}) | from_entries") if known else None


def _is_function(tree: ForeignTree) -> bool:
    return has(tree, FunctionName=str, FunctionArn=str) and ":lambda:" in tree["FunctionArn"]


def _is_variables(tree: ForeignTree) -> bool:
    found = tree.get("Variables") if isinstance(tree, dict) and set(tree) == {"Variables"} else None
    return isinstance(found, dict) and bool(found) and all(isinstance(each, str) for each in found.values())


def _warn_undecrypted(found: Sequence[Mapping[str, object]]) -> str:
    """A note about values that SSM did not decrypt: KMS ciphertext in base64 starts the same for every key."""
    sealed = any(each["Type"] == "SecureString" and str(each.get("Value", "")).startswith("AQICA") for each in found)
    missing = any("Value" not in each for each in found)
    if missing:
        return "It has no values: get them with get-parameters-by-path --with-decryption."
    return "Some values are still encrypted: get them with --with-decryption." if sealed else ""


_PAIRS = (
    ("key", "value"),
    ("name", "value"),
    ("Name", "Value"),
    ("secretKey", "secretValue"),
    ("OutputKey", "OutputValue"),
)
_WRAPPERS = ("secrets", "variables", "envs", "Exports", "Outputs")
_BESIDE = frozenset({
    "total_count", "totalCount", "count", "success", "message", "imports", "pagination", "next", "nextToken",
    "NextToken",
})  # fmt: skip
"""Further members of a response, besides the list."""


def wrapped_pairs(tree: ForeignTree) -> Extraction | None:
    """A list of pairs under one name, as HTTP APIs return: GitHub, Vercel, Infisical, CloudFormation exports."""
    names = set(tree) - _BESIDE if isinstance(tree, dict) else set()
    if len(names) != 1 or not names <= set(_WRAPPERS):
        return None
    (at,) = names
    for name, value in _PAIRS:
        held = tree[at]
        if isinstance(held, list) and each_has(held, **{name: str}) and all(value in each for each in held):
            keys = [each[name] for each in held]
            program = f".{at} | map({{key: .{name}, value: .{value}}}) | from_entries"
            return Extraction(program, choose_path_options(keys), warn_duplicates(keys))
    return None


def doppler_answer(tree: ForeignTree) -> Extraction | None:
    """Doppler's HTTP API."""
    if not has(tree, secrets=dict) or not set(tree) <= {"secrets", "success"}:
        return None
    known = each_has(tree["secrets"]) and all({"computed", "raw"} <= set(each) for each in tree["secrets"].values())
    return Extraction(".secrets | map_values(.computed)") if known else None


def pulumi_config(tree: ForeignTree) -> Extraction | None:
    """`pulumi config --json`, whose keys are `project:name`."""
    if not isinstance(tree, dict) or not each_has(tree, secret=bool):
        return None
    held: Mapping[str, Mapping[str, object]] = tree
    if not all(set(each) <= {"secret", "value", "objectValue"} for each in held.values()):
        return None
    hidden = any(each["secret"] and "value" not in each for each in held.values())
    note = "The secrets are missing: print it again with --show-secrets." if hidden else ""
    program = 'map_values(select(has("value")) | .objectValue // .value)'
    return Extraction(program, "--separator : " if any(":" in key for key in held) else "", note)


def nomad_variable(tree: ForeignTree) -> Extraction | None:
    """`nomad var get -out json`."""
    return Extraction(".Items") if has(tree, Namespace=str, Path=str, Items=dict, ModifyIndex=(int, str)) else None


def bitwarden_export(tree: ForeignTree) -> Extraction | None:
    """A Bitwarden export: the password of each login under its name."""
    if not has(tree, encrypted=bool):
        return None
    if tree["encrypted"]:
        note = "It is encrypted: export it again as unencrypted JSON."
        return Extraction(".items // {}", note=note) if "encKeyValidation_DO_NOT_EDIT" in tree else None
    if not has(tree, items=list) or not each_has(tree["items"], name=str, type=int):
        return None
    keys = [each["name"] for each in tree["items"] if has(each, login=dict)]
    program = "[.items[] | select(.login.password) | {key: .name, value: .login.password}] | from_entries"
    return Extraction(program, note=warn_duplicates(keys))
