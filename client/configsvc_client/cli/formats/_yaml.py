"""YAML documents: each key is a value or a tree, as PyYAML and kubectl read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from configsvc.model.json_text import JsonNumber, JsonObject
from configsvc_client.cli.formats import _common, _tree, _yaml_nodes
from configsvc_client.cli.formats._common import (
    FileRow,
    FormattedFile,
    Problem,
    ReadResult,
    WritableValue,
    split_problems,
)
from configsvc_client.cli.formats._yaml_nodes import TAG, Document, DocumentRefused, compose_document
from configsvc_client.cli.formats._yaml_tree import YamlTree, is_missing

_BREAKS = frozenset("\r\x85\u2028\u2029")
_DIGITS = 4300
"""Per integer. Python refuses longer ones (sys.set_int_max_str_digits), and PyYAML then refuses the whole file."""


def can_hold(node: JsonObject) -> bool:
    """Whether every reader accepts a JSON node."""
    return not isinstance(node, JsonNumber) or len(node.spelling) <= _DIGITS


def render_tree(found: object) -> str:
    """Renders a tree as text.

    A number that PyYAML would read as a string, such as `12e3`, is tagged `!!float`, so every reader reads a number.
    """
    import yaml

    text: str = yaml.dump(found, Dumper=_make_dumper(), allow_unicode=True, sort_keys=False, width=1_000_000)
    return text


@cache
def _make_dumper() -> Any:  # noqa: ANN401  # a class of PyYAML, made once it is needed
    import yaml

    class Dumper(yaml.SafeDumper):
        """Quotes strings that any reader would convert, and repeats duplicates instead of using aliases."""

        yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012  # PyYAML's

        def ignore_aliases(self, data: object) -> bool:
            del data
            return True

    _yaml_nodes.add_resolvers(Dumper, writes=True)
    Dumper.add_representer(str, _represent_text)
    Dumper.add_representer(JsonNumber, _represent_number)
    return Dumper


def _represent_text(dumper: Any, text: str) -> Any:  # noqa: ANN401  # PyYAML's
    # PyYAML folds Unicode line breaks unless it escapes them.
    style = '"' if _BREAKS.intersection(text) else "|" if "\n" in text else None
    return dumper.represent_scalar(f"{TAG}str", text, style=style)


def _represent_number(dumper: Any, number: JsonNumber) -> Any:  # noqa: ANN401  # PyYAML's
    kind = "int" if number.spelling.lstrip("-").isdigit() else "float"
    return dumper.represent_scalar(f"{TAG}{kind}", number.spelling)


def read(text: str) -> ReadResult:
    """Reads the members of the mapping, with their lines."""
    try:
        return split_problems(_iter_rows(compose_document(text)))
    except DocumentRefused as error:
        return [], [error.problem]


def write(values: Sequence[WritableValue], namespace: str) -> FormattedFile:
    """Writes a mapping, with strings of several lines as blocks and bytes as !!binary."""
    del namespace
    held = {value.key: _tree.make_node(value, can_hold, binary=True) for value in values}
    return render_tree(held), []


def _iter_rows(document: Document) -> Iterator[FileRow | Problem]:
    root, tree = document.root, YamlTree(document)
    if root is None or root.id != "mapping":
        reason = f"{'empty; ' if root is None else ''}not a YAML mapping of keys and values"
        yield Problem("" if root is None else _common.name_place(root.start_mark.line + 1), None, reason)
        return
    tree.measure(root)
    for name, (key, value) in tree.members(root).items():
        yield _read_row(tree, _common.name_place(key.start_mark.line + 1), name, value)


def _read_row(tree: YamlTree, place: str, name: str, value: Any) -> FileRow | Problem:  # noqa: ANN401  # PyYAML's
    if is_missing(value):
        return Problem(place, name, "no value; write '' for an empty value, or null")
    try:
        return _tree.make_row(place, name, tree.value(value))
    except DocumentRefused as error:
        return error.problem._replace(key=name)
