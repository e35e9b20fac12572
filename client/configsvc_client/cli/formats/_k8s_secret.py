"""A Secret of Kubernetes: `data` in base64, content types that are no text in an annotation."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence

from configsvc.model import limits
from configsvc.model.entry import ContentType, is_content_type
from configsvc_client.cli.formats import _yaml
from configsvc_client.cli.formats._row import Problem, Read, Row, Value, Written, from_base64, once

ANNOTATION = "configsvc/content-types"

_KEY = 253
_BYTES = limits.MIB
"""Characters of a key and bytes of all values (Kubernetes, core/v1: IsConfigMapKey, MaxSecretSize)."""


def read(text: str) -> Read:
    """The rows of `data` and `stringData`."""
    import yaml

    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, *_yaml.FAULTS):
        return [], [Problem("", None, "not YAML")]
    if not isinstance(found, dict) or found.get("kind") != "Secret":
        return [], [Problem("", None, "not a Secret of Kubernetes (kind: Secret)")]
    return once(_found(found))


def write(values: Sequence[Value], namespace: str) -> Written:
    """A manifest of an Opaque Secret, named as the namespace is."""
    problems = [Problem("", each.key, "longer than Kubernetes' 253 characters") for each in values if _long(each)]
    if sum(len(each.data) for each in values) > _BYTES:
        problems.append(Problem("", None, "more than a Secret's 1 MiB"))
    types = {each.key: each.content_type for each in values if each.content_type != "text/plain"}
    annotations = {"annotations": {ANNOTATION: json.dumps(types)}} if types else {}
    manifest = {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": _name(namespace), **annotations}, "type": "Opaque",
        "data": {each.key: base64.b64encode(each.data).decode() for each in values},
    }  # fmt: skip
    return _yaml.dumped(manifest), problems


def _found(manifest: Mapping[str, object]) -> Iterator[Row | Problem]:
    types = _types(manifest)
    for key, text in _members(manifest, "data"):
        try:
            yield _row(key, from_base64(text), types)
        except ValueError:
            yield Problem("", key, "no base64")
    for key, text in _members(manifest, "stringData"):
        yield _row(key, text.encode(), types)


def _members(manifest: Mapping[str, object], name: str) -> list[tuple[str, str]]:
    found = manifest.get(name)
    return [(str(key), str(text)) for key, text in found.items()] if isinstance(found, dict) else []


def _row(key: str, data: bytes, types: Mapping[str, ContentType]) -> Row:
    return Row("", key, data, types.get(key) or ("text/plain" if _is_text(data) else "application/octet-stream"))


def _types(manifest: Mapping[str, object]) -> dict[str, ContentType]:
    metadata = manifest.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    try:
        found = json.loads(annotations[ANNOTATION]) if isinstance(annotations, dict) else {}
        return {key: kind for key, kind in found.items() if is_content_type(kind)}
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}


def _is_text(data: bytes) -> bool:
    try:
        return bool(data.decode() or True)
    except UnicodeDecodeError:
        return False


def _long(value: Value) -> bool:
    return len(value.key) > _KEY


def _name(namespace: str) -> str:
    """A DNS subdomain (RFC 1123), as names of Secrets are."""
    return re.sub(r"-*\.[.-]*", ".", namespace.replace("_", "-")).strip(".-")
