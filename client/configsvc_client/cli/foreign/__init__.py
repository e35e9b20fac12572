"""Recognizes files of other tools, and names the command that imports their keys and values.

Otherwise another tool's container would be imported as a few keys with JSON values, or its ciphertext as secrets. A
file is recognized by its first bytes, by markers of encryption, by its ending if no format was passed, or by its shape:
the members that a tool prints, and their types. Pure: it reads only its arguments.
"""

from __future__ import annotations

import json
import shlex
from pathlib import PurePath

from configsvc_client.cli.foreign import _contents, _kubernetes, _shapes, _shapes_of_tools
from configsvc_client.cli.foreign._shapes import ForeignTree
from configsvc_client.cli.foreign._source import IMPORT, Extraction, ForeignSource, Recognized, changes_numbers
from configsvc_client.cli.foreign._table import SHAPES, Shape

__all__ = ["SHAPES", "ForeignSource", "Recognized", "recognize"]

_OLD_JQ = "It has numbers that jq before 1.7 spells differently: use a newer one."
_COMPRESSED = frozenset({".gz", ".bz2", ".xz", ".zst", ".gpg", ".asc", ".age"})


def recognize(content: bytes, source: ForeignSource) -> Recognized | None:
    """The kind of a file that does not match its format; None for a file of keys and values."""
    known = _contents.recognize_start(content)
    if known:
        return known(_unpack_format(source))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _recognize_ending(source)
    known = _contents.recognize_marker(text)
    if known:
        return known(
            source
            if source.name or not source.guessed
            else source._replace(format=_contents.guess_encrypted_format(text))
        )
    return _recognize_ending(source) or _recognize_shape(text, source) or _contents.recognize_sections(text, source)


def _recognize_ending(source: ForeignSource) -> Recognized | None:
    known = _contents.recognize_ending(source.name) if source.guessed and source.name else None
    return known(_unpack_format(source)) if known else None


def _unpack_format(source: ForeignSource) -> ForeignSource:
    """The source with the format of its compressed or encrypted content."""
    from configsvc_client.cli.formats import guess_format

    path = PurePath(source.name or "")
    is_packed = source.guessed and path.suffix.lower() in _COMPRESSED
    return source._replace(format=guess_format(path.stem)) if is_packed else source


def _recognize_shape(text: str, source: ForeignSource) -> Recognized | None:
    if text.lstrip()[:1] in ("{", "["):
        tree = _parse_json(text)
        if tree is not None:
            return _recognize_tree(text, [tree], source, is_json=True)
    if source.format not in ("yaml", "k8s-secret"):
        return None
    is_worth_it = any(all(word in text for word in words) for words in _YAML_WORDS)
    documents = _parse_yaml(text) if is_worth_it else []
    return _recognize_tree(text, documents, source, is_json=False)


_YAML_WORDS = (
    ("apiVersion", "kind"), ("services",), ("sops",),
    *(each.words for each in SHAPES if each.producer.startswith(("aws ", "vault "))),
)  # fmt: skip
"""Texts of the shapes that occur in YAML. A file without them is parsed only once, by its reader."""


def _recognize_tree(
    text: str, documents: list[ForeignTree], source: ForeignSource, *, is_json: bool
) -> Recognized | None:
    found = _kubernetes.recognize_objects(documents, source)
    if found or source.format == "k8s-secret" or len(documents) != 1:
        return found
    tree = documents[0]
    if _shapes.is_sops(tree):
        return _contents.describe_sops(source)
    service = _shapes.find_compose_service(tree)
    if service is not None:
        return _describe_compose(service, source)
    for shape in SHAPES:
        taken = shape.extract(tree) if all(word in text for word in shape.words) else None
        if taken:
            is_typed = is_json and taken.decoded is None and not shape.producer.startswith("aws ")
            if is_typed and changes_numbers(text):
                taken = taken._replace(note=f"{taken.note} {_OLD_JQ}".lstrip())
            return _describe_shape(shape, taken, source, is_json=is_json)
    if is_json and source.guessed and source.format == "dotenv":
        file = "-" if source.name is None else source.file
        return Recognized("JSON", "Add --format json:", (f"{IMPORT} -f json {file}",))
    return None


def _describe_shape(shape: Shape, taken: Extraction, source: ForeignSource, *, is_json: bool) -> Recognized:
    if taken.decoded is not None:
        raw = "jq -j" if not taken.decoded else "jq -r"
        printed = _render_producer(f"{raw} {taken.program}", shape, source, is_json=is_json)
        decoded = f" | {taken.decoded}" if taken.decoded else ""
        command = f"{printed}{decoded} | configsvc put KEY - {'--binary' if taken.binary else '--exact'}"
        return Recognized(shape.what, "It is a single value. Store it under a key:", (command,), own_keys=True)
    # A secret in Secrets Manager is a string that holds a JSON object of pairs.
    raw = "jq -r" if shape.extract is _shapes_of_tools.secrets_manager else "jq"
    printed = _render_producer(f"{raw} {shlex.quote(taken.program)}", shape, source, is_json=is_json)
    advice = f"{taken.note} Import the values in it:".lstrip()
    return Recognized(shape.what, advice, (f"{printed} | {IMPORT} -f json {taken.options}-",), own_keys=True)


def _render_producer(program: str, shape: Shape, source: ForeignSource, *, is_json: bool) -> str:
    """The command that prints the values: from the file if jq can read it, else from the tool that made it."""
    if is_json and source.name is not None:
        return f"{program} {source.file}"
    is_of_aws = shape.producer.startswith("aws ") and not is_json
    return f"{shape.producer}{' --output json' if is_of_aws else ''} | {program}"


def _describe_compose(service: str, source: ForeignSource) -> Recognized:
    from configsvc_client.cli.foreign._source import quote_for_jq

    name = quote_for_jq(service) if service else '"SERVICE"'
    program = f".services[{name}].environment // {{}} | with_entries(select(.value != null))"
    command = f"docker compose -f {source.file} config --format json | jq {shlex.quote(program)}"
    return Recognized(
        "a Docker Compose file", "Import the environment of a service:", (source.through(command, "json"),),
        own_keys=True,
    )  # fmt: skip


def _parse_json(text: str) -> ForeignTree:
    """The parsed JSON, or None if it is not JSON; its reader explains why."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _parse_yaml(text: str) -> list[ForeignTree]:
    """All documents, with scalars as text; empty if it is not YAML, and its reader explains why."""
    import yaml

    try:
        return [each for each in yaml.load_all(text, yaml.BaseLoader) if each not in (None, "")]  # texts only
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        return []
