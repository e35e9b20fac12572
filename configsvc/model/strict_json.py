"""Strict JSON: refuses input on which two parsers might disagree.

Nothing is raised, because an exception of `json` contains the text and would be the context of any other exception.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from configsvc.model import limits

_EXACT = 2**53
_TOO_DEEP = f"is nested more than {limits.JSON_DEPTH} levels deep"


class StrictJson(NamedTuple):
    """The parsed value; or a fault, phrased to follow a subject ("is not JSON") and never quoting the text."""

    value: object
    fault: str | None = None

    @property
    def members(self) -> dict[str, int]:
        """Members for an error with this fault: the limit that was exceeded, if any."""
        return {"limit": limits.JSON_DEPTH} if self.fault == _TOO_DEEP else {}


class _Fault(ValueError):
    """JSON that not every parser reads the same way."""


def read(text: str) -> StrictJson:
    """Parses the JSON in a text.

    Faults are a duplicate name in an object, a number that is not finite, half of a surrogate pair, and nesting deeper
    than `limits.JSON_DEPTH`: everything that RFC 8259 leaves to the parser (sections 4, 6, 8.2 and 9).
    """
    try:
        found = json.loads(
            text, object_pairs_hook=_refuse_duplicates, parse_float=_parse_number, parse_constant=_refuse_constant
        )
        _check_node(found, limits.JSON_DEPTH)
    except _Fault as error:
        return StrictJson(None, str(error))
    except RecursionError:
        return StrictJson(None, _TOO_DEEP)
    except json.JSONDecodeError:
        return StrictJson(None, "is not JSON")
    except ValueError:  # an integer with more digits than Python reads (sys.set_int_max_str_digits)
        return StrictJson(None, "has a number that is too large")
    return StrictJson(found)


def _refuse_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Fault("has a duplicate name in an object")
    return found


def _parse_number(text: str) -> int | float:
    """JSON has one kind of number: 7.0 is the integer 7 (JSON Schema, core, 4.2.1)."""
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _Fault("has a number that is too large")
    return int(number) if number.is_integer() and abs(number) <= _EXACT else number


def _refuse_constant(constant: str) -> object:
    raise _Fault(f"has {constant}, which is not JSON")


def _check_node(node: object, depth: int) -> None:
    if depth == 0:
        raise _Fault(_TOO_DEEP)
    if isinstance(node, str):
        _check_text(node)
    elif isinstance(node, list):
        for each in node:
            _check_node(each, depth - 1)
    elif isinstance(node, dict):
        for name, each in node.items():
            _check_text(name)
            _check_node(each, depth - 1)


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _Fault("has half of a surrogate pair, which is not valid Unicode") from None
