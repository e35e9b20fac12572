"""What deployment platforms and password managers print, known by their members and their types."""

from __future__ import annotations

from collections.abc import Mapping

from configsvc_client.cli.foreign._shapes import Tree, by_path, each_has, has, twice
from configsvc_client.cli.foreign._source import Taken

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
"""What the answer to a request has beside the list."""


def listed(tree: Tree) -> Taken | None:
    """A list of pairs under one name, as HTTP APIs answer: GitHub, Vercel, Infisical, CloudFormation's exports."""
    names = set(tree) - _BESIDE if isinstance(tree, dict) else set()
    if len(names) != 1 or not names <= set(_WRAPPERS):
        return None
    (at,) = names
    for name, value in _PAIRS:
        held = tree[at]
        if isinstance(held, list) and each_has(held, **{name: str}) and all(value in each for each in held):
            keys = [each[name] for each in held]
            program = f".{at} | map({{key: .{name}, value: .{value}}}) | from_entries"
            return Taken(program, by_path(keys), twice(keys))
    return None


def doppler_answer(tree: Tree) -> Taken | None:
    """Doppler's HTTP API."""
    if not has(tree, secrets=dict) or not set(tree) <= {"secrets", "success"}:
        return None
    known = each_has(tree["secrets"]) and all({"computed", "raw"} <= set(each) for each in tree["secrets"].values())
    return Taken(".secrets | map_values(.computed)") if known else None


def pulumi_config(tree: Tree) -> Taken | None:
    """`pulumi config --json`, whose keys are `project:name`."""
    if not isinstance(tree, dict) or not each_has(tree, secret=bool):
        return None
    held: Mapping[str, Mapping[str, object]] = tree
    if not all(set(each) <= {"secret", "value", "objectValue"} for each in held.values()):
        return None
    hidden = any(each["secret"] and "value" not in each for each in held.values())
    note = "It lacks the secrets: print it again with --show-secrets." if hidden else ""
    program = 'map_values(select(has("value")) | .objectValue // .value)'
    return Taken(program, "--separator : " if any(":" in key for key in held) else "", note)


def nomad_variable(tree: Tree) -> Taken | None:
    """`nomad var get -out json`."""
    return Taken(".Items") if has(tree, Namespace=str, Path=str, Items=dict, ModifyIndex=(int, str)) else None


def bitwarden(tree: Tree) -> Taken | None:
    """An export of Bitwarden: the password of each login under its name."""
    if not has(tree, encrypted=bool):
        return None
    if tree["encrypted"]:
        note = "It is encrypted: export it again as unencrypted JSON."
        return Taken(".items // {}", note=note) if "encKeyValidation_DO_NOT_EDIT" in tree else None
    if not has(tree, items=list) or not each_has(tree["items"], name=str, type=int):
        return None
    keys = [each["name"] for each in tree["items"] if has(each, login=dict)]
    program = "[.items[] | select(.login.password) | {key: .name, value: .login.password}] | from_entries"
    return Taken(program, note=twice(keys))
