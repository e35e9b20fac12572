"""Whether a reader gets the same of two values that were parsed: what `same_value` is for stored ones."""

from __future__ import annotations


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
