"""Kubernetes Secrets, read as kubectl and the API server read them.

Content types other than text are in an annotation. `data` is base64 as Go decodes it: padded, line breaks ignored. If
a key is in both, `stringData` wins, as in the API server (k8s.io/api/core/v1, Secret). Duplicate keys and unknown
fields are refused, as by kubectl's strict validation.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from configsvc.model import limits
from configsvc.model.content_types import BYTES, TEXT
from configsvc.model.snapshot import ContentType, is_content_type
from configsvc_client.cli.formats import _yaml
from configsvc_client.cli.formats._common import (
    FileRow,
    FormattedFile,
    Problem,
    ReadResult,
    WritableValue,
    split_problems,
)
from configsvc_client.cli.formats._k8s_manifest import (
    ManifestMember,
    NotOneManifest,
    list_members,
    read_fields,
    render_scalar,
)

ANNOTATION = "configsvc/content-types"

_KEY = 253
_BYTES = limits.MIB
"""Limits: characters of a key and bytes of all values (Kubernetes, core/v1: IsConfigMapKey, MaxSecretSize)."""

_FIELDS = ("apiVersion", "kind", "metadata", "type", "immutable", "data", "stringData")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", re.ASCII)
_ADVICE_FOR_OTHERS = "put it in quotes to make it a string"
_ADVICE = {
    "binary": "remove the tag",
    "mapping": f"render templates ({{{{ … }}}}) first, or {_ADVICE_FOR_OTHERS}",
}
_A_KIND = re.compile(r"[A-Za-z]{1,63}")


def read(text: str) -> ReadResult:
    """Reads the rows of `data` and `stringData`."""
    try:
        found = read_fields(text)
    except NotOneManifest as error:
        return [], [error.problem]
    refused = _explain_refusal(found)
    if refused:
        return [], [refused]
    types, problems = _read_types(found), list(_iter_misplaced(found))
    rows: dict[str, FileRow] = {}
    for field in ("data", "stringData"):
        held, more = split_problems(_iter_rows(found, field, types))
        rows |= {row.key: row for row in held}
        problems += more
    return list(rows.values()), problems


def write(values: Sequence[WritableValue], namespace: str) -> FormattedFile:
    """Writes an Opaque Secret, named after the namespace."""
    problems = [
        Problem("", each.key, "longer than 253 characters, the limit of Kubernetes")
        for each in values
        if _is_too_long(each)
    ]
    if sum(len(each.data) for each in values) > _BYTES:
        problems.append(Problem("", None, "larger than 1 MiB, the limit for a Secret"))
    types = {each.key: each.content_type for each in values if each.content_type != TEXT}
    annotations = {"annotations": {ANNOTATION: json.dumps(types)}} if types else {}
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": _make_name(namespace), **annotations},
        "type": "Opaque",
    }
    data = "".join(
        f"  {render_scalar(each.key)}: {render_scalar(base64.b64encode(each.data).decode())}\n" for each in values
    )
    return _yaml.render_tree(manifest) + (f"data:\n{data}" if data else "data: {}\n"), problems


def _explain_refusal(found: Sequence[ManifestMember]) -> Problem | None:
    """Why this is not a Secret; None if it is."""
    kind = _get_text(found, "kind")
    if kind == "Secret" and _get_text(found, "apiVersion") in (None, "v1"):
        return None
    named = f", but kind: {kind}" if kind and _A_KIND.fullmatch(kind) and kind != "Secret" else ""
    return Problem("", None, f"not a Kubernetes Secret (apiVersion: v1, kind: Secret){named}")


def _get_text(found: Sequence[ManifestMember], key: str) -> str | None:
    return next((each.value for each in found if each.key == key and each.kind == "text"), None)


def _iter_rows(
    manifest: Sequence[ManifestMember], field: str, types: Mapping[str, ContentType]
) -> Iterator[FileRow | Problem]:
    for held in manifest:
        if held.key != field:
            continue
        if held.kind not in ("mapping", "null"):
            yield Problem(held.place, field, f"must be a mapping, but is a {held.kind}")
        for each in list_members(held):
            yield _read_row(each, types, encoded=field == "data")


def _iter_misplaced(manifest: Sequence[ManifestMember]) -> Iterator[Problem]:
    """Yields unknown fields, and fields that appear twice."""
    for each in manifest:
        if each.key not in _FIELDS:
            yield Problem(each.place, each.key, f"not a field of a Secret ({', '.join(_FIELDS)})")
    for one, other in pairwise(sorted(manifest, key=lambda each: each.key or "")):
        if one.key == other.key and one.key in _FIELDS:
            yield Problem(other.place, other.key, "the field appears twice")


def _read_row(member: ManifestMember, types: Mapping[str, ContentType], *, encoded: bool) -> FileRow | Problem:
    place, key, kind, value = member
    if key is None:
        return Problem(place, None, "kubectl would rename this key, as it renames NO to false; put it in quotes")
    if kind not in ("text", "null"):
        return Problem(place, key, f"kubectl refuses a {kind} here; {_ADVICE.get(kind, _ADVICE_FOR_OTHERS)}")
    text = value if kind == "text" else ""
    try:
        data = _decode_base64(text) if encoded else text.encode()
    except ValueError:
        return Problem(place, key, "not base64; plain text belongs under stringData" if encoded else "not text")
    return FileRow(place, key, data, types.get(key) or (TEXT if _is_text(data) else BYTES))


def _decode_base64(text: str) -> bytes:
    """Decodes as Go's `base64.StdEncoding` does: it skips line breaks, and nothing else."""
    whole = text.replace("\r", "").replace("\n", "")
    if not _BASE64.fullmatch(whole):  # Python accepts padding after a complete group
        raise ValueError
    return base64.b64decode(whole)


def _read_types(manifest: Sequence[ManifestMember]) -> dict[str, ContentType]:
    annotations = [
        each
        for field in manifest if field.key == "metadata"
        for held in list_members(field) if held.key == "annotations"
        for each in list_members(held)
    ]  # fmt: skip
    try:
        found = json.loads(_get_text(annotations, ANNOTATION) or "{}")
        return {key: kind for key, kind in found.items() if is_content_type(kind)}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _is_text(data: bytes) -> bool:
    try:
        return bool(data.decode() or True)
    except UnicodeDecodeError:
        return False


def _is_too_long(value: WritableValue) -> bool:
    return len(value.key) > _KEY


def _make_name(namespace: str) -> str:
    """The namespace as a DNS subdomain (RFC 1123), which names of Secrets must be."""
    return re.sub(r"-*\.[.-]*", ".", namespace.replace("_", "-")).strip(".-")
