"""`uniqueItems` in time that grows with the value alone.

The library compares every two items whose hashes are equal, and equal hashes are easy to make: it hashes numbers as
doubles, and arrays without their brackets. Ten thousand numbers above 2^53 took it 22 s.
"""

from __future__ import annotations

import json
from decimal import Decimal


class UniqueItems:
    """The keyword, by a text of each item that equal items share (JSON Schema core, 4.2.2).

    Args:
        _schema: the schema in which it stands.
        wanted: its value.
        _path: where it stands.
    """

    def __init__(self, _schema: dict[str, object], wanted: object, _path: list[str | int]) -> None:
        self._wanted = wanted is True

    def validate(self, value: object) -> None:
        """Raises ValueError: an array has an item twice."""
        if self._wanted and isinstance(value, list) and len(set(map(_text, value))) < len(value):
            raise ValueError


def _text(value: object) -> str:
    if isinstance(value, list):
        return f"[{','.join(map(_text, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{json.dumps(name)}:{_text(each)}' for name, each in sorted(value.items()))}}}"
    if isinstance(value, float) and value.is_integer():
        return f"{int(Decimal(repr(value))):x}"  # 1.0 and 1 are one number, and so are 1e300 and 1 with 300 zeros
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:x}"  # in hex a number has no limit of digits and takes linear time
    return json.dumps(value)
