"""Recognizes Kubernetes objects, and names the command that imports a Secret among them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from configsvc_client.cli.foreign._shapes import ForeignTree, has
from configsvc_client.cli.foreign._source import IMPORT, ForeignSource, Recognized, quote_for_jq

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_KIND = re.compile(r"[A-Z][A-Za-z0-9]{0,62}")
_VERSION = re.compile(r"(?:[a-z0-9.-]+/)?v[0-9]+(?:(?:alpha|beta)[0-9]+)?")
_SECRET = "k8s-secret"  # noqa: S105  # a format
_PLAIN = ("Secret", "ConfigMap", "List")
_OTHERS = {
    "SealedSecret": "Only its controller can open it. Import the Secret that the controller creates",
    "ExternalSecret": "It has no values. Import the Secret that its operator creates",
}


def recognize_objects(documents: Sequence[ForeignTree], source: ForeignSource) -> Recognized | None:
    """The objects, and how to import them; None if there are none, or the only one can be read as it is."""
    objects = [each for each in documents if _is_object(each)]
    if not objects or len(objects) != len(documents):
        return None
    if len(objects) > 1 or objects[0]["kind"].endswith("List"):
        return _describe_several(objects if len(objects) > 1 else _list_items(objects[0]), source)
    kind = objects[0]["kind"]
    if kind == "Secret":
        return None if source.format == _SECRET else _describe_secret(source)
    if kind == "ConfigMap":
        return _describe_config_map(objects[0], source)
    advice = _OTHERS.get(kind, "Import a Secret from the cluster")
    article = "an" if kind[0] in "AEIO" else "a"
    what = f"{article} {kind} (Kubernetes)"
    return Recognized(what, f"{advice}:", (_render_fetch(objects[0]),), own_keys=True)


def _list_items(tree: ForeignTree) -> object:
    """The objects of a list. In a SecretList from the API they have no kind."""
    items = tree.get("items")
    kind = tree["kind"].removesuffix("List")
    return [{"kind": kind, **each} for each in items if has(each)] if isinstance(items, list) else None


def _is_object(tree: ForeignTree) -> bool:
    """Whether it has the members of every object: a kind, a Kubernetes version, and more than these two."""
    if not has(tree, apiVersion=str, kind=str) or not _KIND.fullmatch(tree["kind"]):
        return False
    known = tree["kind"] in _PLAIN or "/" in tree["apiVersion"] or {"metadata", "spec", "items"} & set(tree)
    return bool(known and _VERSION.fullmatch(tree["apiVersion"]))


def _describe_secret(source: ForeignSource) -> Recognized:
    return Recognized(
        "a Kubernetes Secret", "Add --format k8s-secret:",
        (f"{IMPORT} -f {_SECRET} {'-' if source.name is None else source.file}",), own_keys=True,
    )  # fmt: skip


def _describe_config_map(tree: ForeignTree, source: ForeignSource) -> Recognized:
    program = ".data" if not tree.get("binaryData") else '.data + (.binaryData | map_values({"$base64": .}))'
    command = source.through(f"{_render_conversion(source)} | jq {shlex.quote(program)}", "json")
    return Recognized("a Kubernetes ConfigMap", "Import its data:", (command,), own_keys=True)


def _describe_several(objects: object, source: ForeignSource) -> Recognized:
    secrets = (
        [each for each in objects if has(each, kind=str) and each["kind"] == "Secret"]
        if isinstance(objects, list)
        else []
    )
    commands = tuple(
        source.through(f"{_render_conversion(source)} | jq {shlex.quote(_render_filter(name))}", _SECRET)
        for each in secrets
        if (name := _get_name(each))
    )
    advice = "Import one Secret at a time:" if secrets else "None of them is a Secret. Import one from the cluster:"
    return Recognized("several Kubernetes objects", advice, commands or (_render_fetch({}),), own_keys=True)


def _render_filter(name: str) -> str:
    """The jq program that selects one Secret from what `_render_conversion` prints: the objects, or a list of them."""
    return (
        f'(if .items then .items[] else . end) | select(.kind == "Secret" and .metadata.name == {quote_for_jq(name)})'
    )


def _render_conversion(source: ForeignSource) -> str:
    """The command that prints a manifest as JSON. It works without a cluster."""
    return f"kubectl patch --local --type merge -p '{{}}' -o json -f {'-' if source.name is None else source.file}"


def _render_fetch(tree: ForeignTree) -> str:
    metadata = tree.get("metadata")
    namespace = metadata.get("namespace") if isinstance(metadata, dict) else None
    at = f" -n {namespace}" if isinstance(namespace, str) and _NAME.fullmatch(namespace) else ""
    return f"kubectl get secret{at} {_get_name(tree) or 'NAME'} -o json | {IMPORT} -f {_SECRET} -"


def _get_name(tree: ForeignTree) -> str | None:
    metadata = tree.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) and _NAME.fullmatch(name) else None
