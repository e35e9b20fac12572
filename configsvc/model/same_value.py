"""Whether two values are the same: `same_value` of what is stored, `same_read` of what a program got.

Only these two decide it. They differ in the spelling of numbers: `1.1` and `1.10` are two values that can be stored,
and a program gets one and the same.
"""

from __future__ import annotations

from configsvc.model.content_types import KINDS
from configsvc.model.snapshot import ContentType


def same_value(content_type: ContentType, a: bytes, b: bytes) -> bool:
    """Whether two values of one content type are the same.

    Text and bytes are compared byte by byte. JSON is compared by what it says: white space, the order of members and
    escapes in texts do not matter. Numbers are compared as they are spelled, so `1.1` and `1.10` differ and a change
    of spelling can be stored; so do `1` and `true`. What is no JSON is compared byte by byte.

    Args:
        content_type: of both. Values of different content types are never the same.
        a: one value, in the clear.
        b: the other.
    """
    if a == b or not KINDS[content_type].is_json:
        return a == b
    from configsvc.model import json_text  # with dataclasses, which a client that compares what it read does without

    try:
        return json_text.parse(a) == json_text.parse(b)
    except (ValueError, RecursionError):
        return False


def same_read(a: object, b: object) -> bool:
    """Whether two values as `json.loads` returns them are the same to a program, type by type.

    `1`, `1.0` and `true` differ; the order of members does not matter, nor does the spelling of a number, of which
    nothing is left. It recurses nowhere and raises nothing, so no traceback shows a value.
    """
    pairs = [(a, b)]
    while pairs:
        one, other = pairs.pop()
        if one is other:  # also what holds itself, which C code can make of read-only JSON
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
