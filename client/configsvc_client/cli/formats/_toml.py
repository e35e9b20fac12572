"""A TOML document: a key a value. Keys with dots are quoted, because a bare one would be a tree.

Floats keep their spelling but for underscores and plus signs, which JSON does not have. Integers are what they count:
`0x1F` is 31.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from configsvc.model.json_text import JsonObject, Number
from configsvc_client.cli.formats import _toml_faults, _tree
from configsvc_client.cli.formats._row import Problem, Read, Row, Value, Written, once

_MOST = 2**63
"""Integers are 64 bits wide (TOML 1.0, Integer)."""

_DIGITS = len(str(_MOST))


def read(text: str) -> Read:
    """The members of the document."""
    import tomllib

    if problem := _toml_faults.costly(text):
        return [], [problem]
    try:
        found = tomllib.loads(text, parse_float=_Float)
    except tomllib.TOMLDecodeError as error:
        return [], [_toml_faults.syntax(text, str(error))]
    except RecursionError:
        return [], [_toml_faults.too_deep(text)]
    except ValueError:
        return [], [Problem("", None, "not TOML: an integer of more than 4,300 digits")]
    return once(_rows(text, found))


def write(values: Sequence[Value], namespace: str) -> Written:
    """A document, by tomli-w."""
    del namespace
    import tomli_w

    return tomli_w.dumps({value.key: _written(_tree.native(value, _holds, binary=False)) for value in values}), []


class _Float(float):
    """A float with the spelling it has in a file."""

    spelling: str

    def __new__(cls, spelling: str) -> Self:
        made = super().__new__(cls, spelling.replace("_", ""))
        made.spelling = spelling
        return made

    def __str__(self) -> str:
        return self.spelling


class _Unheld(ValueError):
    """JSON has no such value."""


def _rows(text: str, found: Mapping[str, Any]) -> Iterator[Row | Problem]:
    places: _toml_faults.Unheld | None = None
    for key, each in found.items():
        try:
            yield _tree.row("", key, _json(each))
        except _Unheld:
            places = places or _toml_faults.Unheld(text)
            yield Problem(
                places.place(key), key, "a date, time, inf or nan, which JSON does not have; put it in quotes"
            )
        except RecursionError:
            yield Problem("", key, _tree.TOO_DEEP)
        except ValueError:
            yield Problem("", key, "an integer of more than 4,300 digits")


def _json(node: Any) -> JsonObject:  # noqa: ANN401  # a node of TOML
    match node:
        case str() | bool():
            return node
        case int():
            return Number(str(node))
        case _Float() if re.search(r"[0-9]", node.spelling):
            return Number(node.spelling.replace("_", "").removeprefix("+"))
        case list():
            return [_json(each) for each in node]
        case dict():
            return {key: _json(each) for key, each in node.items()}
    raise _Unheld


def _holds(node: JsonObject) -> bool:
    """Whether TOML holds a node of JSON, and gives back its spelling."""
    if not isinstance(node, Number):
        return node is not None
    if not node.spelling.lstrip("-").isdigit():
        return True
    return node.spelling != "-0" and len(node.spelling) <= _DIGITS + 1 and -_MOST <= int(node.spelling) < _MOST


def _written(node: Any) -> Any:  # noqa: ANN401  # a node of JSON, and one of tomli-w
    match node:
        case Number(spelling) if spelling.lstrip("-").isdigit():
            return int(spelling)
        case Number(spelling):
            return _Float(spelling)
        case list():
            return [_written(each) for each in node]
        case dict():
            return {key: _written(each) for key, each in node.items()}
    return node
