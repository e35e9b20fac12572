"""Names and values in SQL, and their order (CloudWatch Logs user guide, "sort")."""

from __future__ import annotations

import re
import sqlite3

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_CHUNKS = re.compile(r"\d+|[^\W\d_]+|.", re.DOTALL)


def add_functions(database: sqlite3.Connection) -> None:
    """Adds the function `number` and the collation `in_chunks`, which `order_by` needs."""
    database.create_function("number", 1, parse_number, deterministic=True)
    database.create_collation("in_chunks", compare)


def parse_number(value: object) -> float | None:
    """The number that a value is, or that its text is; None if it has anything else in it."""
    text = value if isinstance(value, str) else repr(value)
    return float(text) if _NUMBER.fullmatch(text) else None


def order_by(column: str, direction: str) -> str:
    """SQL that sorts by a quoted column: other values before numbers, numbers by value, texts in natural order."""
    number = f"number({column})"
    parts = f"{number} IS NOT NULL", number, f"CASE WHEN {number} IS NULL THEN {column} END COLLATE in_chunks", column
    return ", ".join(f"{part} {direction}" for part in parts)


def compare(one: str, other: str) -> int:
    """Compares two texts in natural order: digits by their length, then by value, and the rest by Unicode."""
    left, right = _CHUNKS.findall(one), _CHUNKS.findall(other)
    for a, b in zip(left, right, strict=False):
        if a != b:
            both = a.isdigit() and b.isdigit()
            return -1 if ((len(a), a) < (len(b), b) if both else a < b) else 1
    return (len(left) > len(right)) - (len(left) < len(right))


def quote(name: str) -> str:
    """A column's name. SQLite takes `denied` and `Denied` for one column, so capitals are marked, and the mark too."""
    return '"' + re.sub("[A-Z^]", r"^\g<0>", name).replace('"', '""') + '"'


def as_literal(text: str) -> str:
    """A text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"
