"""A YAML mapping, by PyYAML's parser and a typing of our own (`_yaml_types`).

Only what YAML 1.1, YAML 1.2's core schema and PyYAML all type the same way is a number, a truth or null. `no`, `0123`,
`1:30`, `12e3` and `2027-01-15` are text: no password becomes a number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from configsvc_client.cli.formats import _place, _tree, _yaml_write
from configsvc_client.cli.formats._row import Problem, Read, Row, Value, Written, once
from configsvc_client.cli.formats._yaml_nodes import Document, Refused, composed
from configsvc_client.cli.formats._yaml_tree import Tree, is_missing

dumped = _yaml_write.dumped


def read(text: str) -> Read:
    """The members of the mapping, with the lines they are on."""
    try:
        return once(_found(composed(text)))
    except Refused as error:
        return [], [error.problem]


def write(values: Sequence[Value], namespace: str) -> Written:
    """A mapping; texts of several lines as blocks, bytes as !!binary."""
    del namespace
    held = {value.key: _tree.native(value, _yaml_write.holds, binary=True) for value in values}
    return dumped(held), []


def _found(document: Document) -> Iterator[Row | Problem]:
    root, tree = document.root, Tree(document)
    if root is None or root.id != "mapping":
        said = (
            "empty; not a YAML mapping of keys and values" if root is None else "not a YAML mapping of keys and values"
        )
        yield Problem("" if root is None else _place.at(root.start_mark.line + 1), None, said)
        return
    tree.measure(root)
    for name, (key, value) in tree.members(root).items():
        yield _row(tree, _place.at(key.start_mark.line + 1), name, value)


def _row(tree: Tree, place: str, name: str, value: Any) -> Row | Problem:  # noqa: ANN401  # PyYAML's
    if is_missing(value):
        return Problem(place, name, "no value; write '' for an empty one, or null")
    try:
        return _tree.row(place, name, tree.value(value))
    except Refused as error:
        return error.problem._replace(key=name)
