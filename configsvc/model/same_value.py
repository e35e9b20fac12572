"""Whether two values are the same: `same_value` for stored values, `same_read` for values that a program received.

No other code decides this. They differ in the spelling of numbers: `1.1` and `1.10` can be stored as two different
values, but a program receives the same number.
"""

from __future__ import annotations

from configsvc.model.content_types import KINDS
from configsvc.model.snapshot import ContentType


def same_value(content_type: ContentType, a: bytes, b: bytes) -> bool:
    """Whether two values of one content type are the same.

    Text and bytes are compared byte by byte. JSON is compared by its content: white space, the order of members and
    escapes in texts do not matter. Numbers are compared as they are spelled, so `1.1` and `1.10` differ and a change
    of spelling can be stored; so do `1` and `true`. Malformed JSON is compared byte by byte.

    Args:
        content_type: of both. Values of different content types are never the same.
        a: one value, in the clear.
        b: the other.
    """
    if a == b or not KINDS[content_type].is_json:
        return a == b
    from configsvc.model import json_text  # it loads dataclasses, which a client that only reads does not need

    try:
        return json_text.parse(a) == json_text.parse(b)
    except (ValueError, RecursionError):
        return False


def same_read(a: object, b: object) -> bool:
    """Whether two values as `json.loads` returns them are the same to a program, type by type.

    `1`, `1.0` and `true` differ. The order of members does not matter, and the spelling of numbers is already lost. The
    function neither recurses nor raises, so no traceback shows a value.
    """
    pairs = [(a, b)]
    while pairs:
        one, other = pairs.pop()
        if one is other:  # also ends at cycles, which C code can create even in read-only JSON
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            if one.keys() != other.keys():
                return False
            pairs.extend((held, other[name]) for name, held in one.items())
        elif isinstance(one, list) and isinstance(other, list):
            if len(one) != len(other):
                return False
            pairs.extend(zip(one, other, strict=True))
        elif not _same_leaf(one, other):
            return False
    return True


def _same_leaf(one: object, other: object) -> bool:
    if type(one) is not type(other):
        return False
    return repr(one) == repr(other) if isinstance(one, float) else one == other  # -0.0 == 0.0, and nan != nan
