"""Recognizes the output of other tools by its members and their types; one key alone is never enough."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from configsvc_client.cli.foreign._source import Extraction

ForeignTree = Any
"""JSON or YAML: None, a bool, a number, a string, a list or a dict."""

_BYTES = '({0} | @base64d) as $text | (if ($text | @base64) == {0} then $text else {{"$base64": {0}}} end)'
"""Text if the bytes are text, which jq checks by encoding them again; else base64."""


def has(tree: ForeignTree, **members: type | tuple[type, ...]) -> bool:
    """Whether a mapping has these members, of these types."""
    return isinstance(tree, dict) and all(isinstance(tree.get(name), kind) for name, kind in members.items())


def each_has(found: object, **members: type | tuple[type, ...]) -> bool:
    """Whether this is a list or mapping of at least one mapping, and each has these members."""
    held = list(found.values()) if isinstance(found, dict) else found
    return isinstance(held, list) and bool(held) and all(has(each, **members) for each in held)


def is_sops(tree: ForeignTree) -> bool:
    """Whether it contains the metadata of sops, even if no value is encrypted."""
    found = tree["sops"] if has(tree, sops=dict) else None
    return has(found, mac=str) and bool({"version", "lastmodified"} & set(found or ()))


def vault_kv2(tree: ForeignTree) -> Extraction | None:
    """`vault kv get -format=json` and the HTTP API, version 2 of the engine."""
    if has(tree, request_id=str, data=dict) and has(tree["data"], data=dict, metadata=dict):
        return Extraction(".data.data") if "created_time" in tree["data"]["metadata"] else None
    if has(tree, data=dict, metadata=dict) and set(tree) == {"data", "metadata"}:
        return Extraction(".data") if {"created_time", "destroyed", "version"} <= set(tree["metadata"]) else None
    return None


def vault_kv1(tree: ForeignTree) -> Extraction | None:
    """`vault kv get -format=json`, version 1, and `vault read`."""
    known = has(tree, request_id=str, data=dict) and {"lease_id", "lease_duration", "renewable"} <= set(tree)
    return Extraction(".data") if known else None


def consul(tree: ForeignTree) -> Extraction | None:
    """`consul kv export`, and Consul's HTTP API."""
    if each_has(tree, key=str, flags=(int, str), value=str) and isinstance(tree, list):
        key, value = ".key", ".value"
    elif isinstance(tree, list) and each_has(tree, Key=str, LockIndex=(int, str), ModifyIndex=(int, str)):
        key, value = ".Key", '(.Value // "")'
    else:
        return None
    program = (
        f'map(select({key} | endswith("/") | not) | {{key: {key}, value: ({_BYTES.format(value)})}}) | from_entries'
    )
    return Extraction(program, choose_path_options([each[key[1:]] for each in tree]))


def etcd(tree: ForeignTree) -> Extraction | None:
    """`etcdctl get --prefix / -w json`."""
    if not has(tree, header=dict, kvs=list) or not each_has(tree["kvs"], key=str, mod_revision=(int, str)):
        return None
    value = _BYTES.format('(.value // "")')
    return Extraction(f".kvs | map({{key: (.key | @base64d), value: ({value})}}) | from_entries", "--separator / ")


def doppler(tree: ForeignTree) -> Extraction | None:
    """`doppler secrets --json`."""
    known = (
        isinstance(tree, dict) and bool(tree) and all({"computed", "raw"} <= set(_list_keys(v)) for v in tree.values())
    )
    return Extraction("map_values(.computed)") if known else None


def terraform_outputs(tree: ForeignTree) -> Extraction | None:
    """`terraform output -json`, and OpenTofu's."""
    known = isinstance(tree, dict) and each_has(tree, sensitive=(bool, str))
    is_all = known and all({"type", "value"} <= set(each) for each in tree.values())
    return Extraction("map_values(.value)") if is_all else None


def terraform_state(tree: ForeignTree) -> Extraction | None:
    """A `terraform.tfstate`, and `terraform show -json`."""
    if has(tree, terraform_version=str, lineage=str, outputs=dict):
        return Extraction(".outputs | map_values(.value)")
    if not has(tree, terraform_version=str, format_version=str):
        return None
    return Extraction("(.values // .planned_values).outputs // {} | map_values(.value)")


def one_password(tree: ForeignTree) -> Extraction | None:
    """`op item get --format json`."""
    if not has(tree, id=str, category=str, fields=list) or not each_has(tree["fields"], id=str, type=str):
        return None
    if not all(each.isupper() for each in (tree["category"], *(field["type"] for field in tree["fields"]))):
        return None
    names = [str(each.get("label") or each["id"]) for each in tree["fields"] if each.get("value")]
    return Extraction(
        "[.fields[] | select(.value) | {key: (.label // .id), value}] | from_entries", note=warn_duplicates(names)
    )


def azure_settings(tree: ForeignTree) -> Extraction | None:
    """The `local.settings.json` of Azure Functions."""
    return Extraction(".Values") if has(tree, IsEncrypted=(bool, str), Values=dict) else None


def azure_parameters(tree: ForeignTree) -> Extraction | None:
    """An Azure Resource Manager parameter file."""
    if not has(tree, contentVersion=str, parameters=dict) or "$schema" not in tree or not each_has(tree["parameters"]):
        return None
    held = tree["parameters"].values()
    if not all({"value", "reference"} & set(each) for each in held):
        return None
    note = "Some are Key Vault references and have no values." if any("value" not in each for each in held) else ""
    return Extraction('.parameters | map_values(select(has("value")) | .value)', note=note)


def azure_secret(tree: ForeignTree) -> Extraction | None:
    """`az keyvault secret show`."""
    is_secret = has(tree, id=str, value=str, attributes=dict) and ".vault.azure.net/secrets/" in tree["id"]
    return Extraction(".value", decoded="") if is_secret else None


def google_secret(tree: ForeignTree) -> Extraction | None:
    """`gcloud secrets versions access --format json`, which prints base64 for URLs."""
    known = has(tree, name=str, payload=dict) and has(tree["payload"], data=str) and "/secrets/" in tree["name"]
    return Extraction(".payload.data", decoded="tr -- -_ +/ | base64 -d") if known else None


def spring_cloud_config(tree: ForeignTree) -> Extraction | None:
    """A response from Spring Cloud Config."""
    known = has(tree, name=str, profiles=list, propertySources=list) and each_has(tree["propertySources"], source=dict)
    return Extraction("[.propertySources[].source] | reverse | add") if known else None


def postman(tree: ForeignTree) -> Extraction | None:
    """A Postman environment."""
    if not has(tree, values=list, _postman_variable_scope=str):
        return None
    return Extraction(".values | map(select(.enabled != false)) | from_entries")


def docker_inspect(tree: ForeignTree) -> Extraction | None:
    """`docker inspect` of a container."""
    held = [tree] if isinstance(tree, dict) else tree
    if not each_has(held, Id=str, Config=dict):
        return None
    at = "" if isinstance(tree, dict) else ".[0]"
    note = "" if len(held) == 1 else f"It has {len(held)} containers; this command reads the first."
    program = (
        f'[{at}.Config.Env // [] | .[] | index("=") as $at | {{key: .[:$at], value: .[$at + 1 :]}}] | from_entries'
    )
    return Extraction(program, note=note)


def pairs(tree: ForeignTree) -> Extraction | None:
    """A list of names and values: `infisical export`, `az webapp config appsettings list`, CI variables of GitLab."""
    for name, value in (("key", "value"), ("name", "value"), ("Key", "Value"), ("Name", "Value")):
        if isinstance(tree, list) and each_has(tree, **{name: str}) and all(value in each for each in tree):
            names = [each[name] for each in tree]
            return Extraction("from_entries", choose_path_options(names), warn_duplicates(names))
    return None


def find_compose_service(tree: ForeignTree) -> str | None:
    """The first service of a Compose file that has an environment; "" if none has one, None for other files."""
    if not has(tree, services=dict) or not each_has(tree["services"]):
        return None
    known = {"version", "name", "services", "networks", "volumes", "configs", "secrets", "include"}
    if not all(key in known or str(key).startswith("x-") for key in tree):
        return None
    services: Mapping[str, Mapping[str, object]] = tree["services"]
    if not any(has(each, image=str) or has(each, build=(str, dict)) for each in services.values()):
        return None
    return next((name for name, each in services.items() if {"environment", "env_file"} & set(each)), "")


def warn_duplicates(names: Sequence[str]) -> str:
    """A warning about a list in which a name appears twice; else empty."""
    return "" if len(set(names)) == len(names) else "Some names appear twice; the last value wins."


def _list_keys(found: object) -> Sequence[str]:
    return list(found) if isinstance(found, dict) else []


def choose_path_options(names: Sequence[str]) -> str:
    """The options that turn paths into keys with dots."""
    if not any("/" in name for name in names):
        return ""
    folders = zip(*(name.split("/")[:-1] for name in names), strict=False)  # up to the shortest path
    shared = "/".join(each[0] for each in takewhile(lambda each: len(set(each)) == 1, folders))
    stripped = f"--strip-prefix {shlex.quote(shared + '/')} " if shared else ""
    left = any("/" in name.removeprefix(f"{shared}/").lstrip("/") for name in names)
    return stripped + ("--separator / " if left or not shared else "")
