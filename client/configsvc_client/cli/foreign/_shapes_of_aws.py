"""What AWS's command line prints, known by its members and their types."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from configsvc_client.cli.foreign._shapes import Tree, by_path, each_has, has
from configsvc_client.cli.foreign._source import Taken, quoted

_SSM = frozenset({"String", "StringList", "SecureString"})


def ssm_parameters(tree: Tree) -> Taken | None:
    """`aws ssm get-parameters-by-path` and `get-parameters`."""
    if not has(tree, Parameters=list) or not set(tree) <= {"Parameters", "InvalidParameters", "NextToken"}:
        return None
    found = tree["Parameters"]
    if not each_has(found, Name=str, Type=str) or not {each["Type"] for each in found} <= _SSM:
        return None
    return Taken(".Parameters | from_entries", by_path([each["Name"] for each in found]), _undecrypted(found))


def ssm_parameter(tree: Tree) -> Taken | None:
    """`aws ssm get-parameter`."""
    if not has(tree, Parameter=dict) or set(tree) != {"Parameter"}:
        return None
    found = tree["Parameter"]
    if not has(found, Name=str, Type=str, Value=str) or found["Type"] not in _SSM:
        return None
    return Taken("[.Parameter] | from_entries", by_path([found["Name"]]), _undecrypted([found]))


def secrets_manager(tree: Tree) -> Taken | None:
    """`aws secretsmanager get-secret-value`."""
    if not has(tree, ARN=str) or ":secretsmanager:" not in tree["ARN"]:
        return None
    if "SecretString" in tree:
        return Taken(".SecretString", decoded=None if is_json_object(tree["SecretString"]) else "")
    return Taken(".SecretBinary", decoded="base64 -d", binary=True) if "SecretBinary" in tree else None


def is_json_object(text: object) -> bool:
    """Whether a text is a JSON object, as Secrets Manager's console stores pairs."""
    try:
        return isinstance(text, str) and isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def secrets_manager_batch(tree: Tree) -> Taken | None:
    """`aws secretsmanager batch-get-secret-value`."""
    if not has(tree, SecretValues=list) or not each_has(tree["SecretValues"], ARN=str, Name=str):
        return None
    value = '(.SecretString // {"$base64": .SecretBinary})'
    names = [each["Name"] for each in tree["SecretValues"]]
    return Taken(f".SecretValues | map({{key: .Name, value: {value}}}) | from_entries", by_path(names))


def lambda_environment(tree: Tree) -> Taken | None:
    """`aws lambda get-function-configuration`, `get-function`, and the file of `--environment`."""
    if has(tree, Configuration=dict) and _is_function(tree["Configuration"]):
        return Taken(".Configuration.Environment.Variables // {}")
    if _is_function(tree):
        return Taken(".Environment.Variables // {}")
    if has(tree, Environment=dict) and set(tree) == {"Environment"} and _is_variables(tree["Environment"]):
        return Taken(".Environment.Variables")
    return Taken(".Variables") if _is_variables(tree) else None


def ecs_task(tree: Tree) -> Taken | None:
    """`aws ecs describe-task-definition`, and the file of `register-task-definition`."""
    at = ".taskDefinition" if has(tree, taskDefinition=dict) else ""
    held = tree["taskDefinition"] if at else tree
    if not has(held, containerDefinitions=list) or not each_has(held["containerDefinitions"], name=str):
        return None
    containers = sorted(held["containerDefinitions"], key=lambda each: not each.get("environment"))
    name = quoted(containers[0]["name"])
    program = f"{at}.containerDefinitions[] | select(.name == {name}) | .environment // [] | from_entries"
    others = ", ".join(each["name"] for each in containers[1:])
    return Taken(program, note=f"Other containers in it: {others}." if others else "")


def stack_outputs(tree: Tree) -> Taken | None:
    """`aws cloudformation describe-stacks`."""
    if not has(tree, Stacks=list) or not each_has(tree["Stacks"], StackId=str, StackName=str):
        return None
    return Taken("[.Stacks[].Outputs[]? | {key: .OutputKey, value: .OutputValue}] | from_entries")


def stack_parameters(tree: Tree) -> Taken | None:
    """A file of parameters of CloudFormation."""
    known = isinstance(tree, list) and each_has(tree, ParameterKey=str, ParameterValue=str)
    return Taken("map({key: .ParameterKey, value: .ParameterValue}) | from_entries") if known else None


def _is_function(tree: Tree) -> bool:
    return has(tree, FunctionName=str, FunctionArn=str) and ":lambda:" in tree["FunctionArn"]


def _is_variables(tree: Tree) -> bool:
    found = tree.get("Variables") if isinstance(tree, dict) and set(tree) == {"Variables"} else None
    return isinstance(found, dict) and bool(found) and all(isinstance(each, str) for each in found.values())


def _undecrypted(found: Sequence[Mapping[str, object]]) -> str:
    """A value that SSM did not decrypt is KMS's ciphertext in base64, which begins the same for every key."""
    sealed = any(each["Type"] == "SecureString" and str(each.get("Value", "")).startswith("AQICA") for each in found)
    missing = any("Value" not in each for each in found)
    if missing:
        return "It holds no values: get them by get-parameters-by-path --with-decryption."
    return "Some values are still encrypted: get them with --with-decryption." if sealed else ""
