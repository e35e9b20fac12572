"""A TOML document: a key a value. Keys with dots are quoted, for a bare one would be a tree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from configsvc_client.cli.formats import _tree
from configsvc_client.cli.formats._row import Problem, Read, Value, Written, once

_LINE = re.compile(r"at line (\d+)")
_MOST = 2**63
"""Integers are 64 bits wide (TOML 1.0, Integer)."""


def read(text: str) -> Read:
    """The members of the document."""
    import tomllib

    try:
        found = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        line = _LINE.search(str(error))  # the rest of its text may tell what stands there
        return [], [Problem(f"line {line[1]}" if line else "", None, "not TOML, or a key that stands twice")]
    return once(_tree.row("", key, each) for key, each in found.items())


def write(values: Sequence[Value], namespace: str) -> Written:
    """A document, by tomli-w."""
    del namespace
    import tomli_w

    return tomli_w.dumps({value.key: _tree.native(value, _holds, binary=False) for value in values}), []


def _holds(node: Any) -> bool:  # noqa: ANN401  # a node of JSON
    return node is not None and not (isinstance(node, int) and not -_MOST <= node < _MOST)
