"""Why a body was refused: each field and what it takes, never what was sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from configsvc.model import limits
from configsvc.model.errors import InvalidRequest, TooLarge
from configsvc.model.text import shown

Found = TypeVar("Found", bound=BaseModel)

Fault = Any
"""One entry of `ValidationError.errors()`: a typed dict of pydantic_core, which pydantic does not export."""

_SHOWN = 20
_NAME = 64
_TOO_LARGE = frozenset({"string_too_long", "too_long"})
# These messages are made of the schema alone; others may quote what was sent.
_SAFE = frozenset(
    {
        "bool_type", "dict_type", "enum", "greater_than_equal", "int_type", "less_than_equal", "list_type",
        "literal_error", "string_pattern_mismatch", "string_too_long", "string_too_short", "string_type", "too_short",
        "union_tag_not_found",
    }
)  # fmt: skip
_OWN = {
    "missing": "This field is missing.",
    "extra_forbidden": "There is no such field here. Leave it out.",
    "union_tag_invalid": "op is put, activate or delete.",
    "union_tag_not_found": "op is missing: put, activate or delete.",
    "too_long": "There are too many.",
    "int_from_float": "Input should be a valid integer",
}


def validated(model: type[Found], body: dict[str, object]) -> Found:
    """The body as its model.

    Raises:
        TooLarge: it has more parts than any body needs; or a text or list is longer than its limit, and nothing else
            is wrong.
        InvalidRequest: anything else; names up to 20 fields.
    """
    _check_parts(body)
    try:
        return model.model_validate(body)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
    raise _refusal(faults)


def _check_parts(body: dict[str, object]) -> None:
    """Pydantic notes each fault of a body, however many there are: a million take a minute."""
    left, found = limits.REQUEST_PARTS, list[object]([body])
    while found:
        each = found.pop()
        if isinstance(each, dict | list):
            left -= len(each)
            if left < 0:
                raise TooLarge(
                    f"The body has more than {limits.REQUEST_PARTS} fields and items. Split it.",
                    limit=limits.REQUEST_PARTS,
                )
            found += each.values() if isinstance(each, dict) else each


def _refusal(faults: Sequence[Fault]) -> InvalidRequest | TooLarge:
    told: list[dict[str, object]] = [{"field": _field(each), "problem": _problem(each)} for each in faults[:_SHOWN]]
    first = f"{told[0]['field']}: {told[0]['problem']}"
    if all(each["type"] in _TOO_LARGE for each in faults):
        return TooLarge(first, errors=told)
    more = f" {len(faults)} fields are wrong; errors lists them." if len(faults) > 1 else ""
    return InvalidRequest(first + more, errors=told)


def _field(fault: Fault) -> str:
    return ".".join(shown(str(part)[:_NAME]) for part in fault["loc"]) or "body"


def _problem(fault: Fault) -> str:
    kind = fault["type"]
    return _OWN.get(kind) or (fault["msg"] if kind in _SAFE else "This is not what the field takes.")
