"""Answers to Logs Insights queries, by SQLite.

AWS does not say what type a discovered field has, so `Typing` has the possibilities; a query is right if it answers the
same with each.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import Any, NamedTuple

from local.emulator.insights.language import Compiler, InsightsError, Typing, tokenize
from local.emulator.insights.values import add_functions, quote

_MOST_FIELDS = 200
"""Fields that are extracted from a JSON event (user guide, "Supported logs and discovered fields")."""

Row = dict[str, str]
"""A result as GetQueryResults returns it: texts by field, without the fields that have no value."""


class Event(NamedTuple):
    """A log event: milliseconds since 1970, and its text."""

    milliseconds: int
    message: str


def run(query: str, events: Sequence[Event], typing: Typing = Typing.JSON, *, strict: bool = True) -> list[Row]:
    """Runs a query over events.

    Args:
        query: in the Logs Insights query language.
        events: in any order.
        typing: of the discovered fields.
        strict: whether a field that no event has is an error; if not, it is empty, as in CloudWatch.

    Raises:
        InsightsError: the query is wrong.
    """
    lines = [
        {"@timestamp": each.milliseconds, "@message": each.message, **discover(each.message, typing)} for each in events
    ]
    named = [] if strict else [token.text for token in tokenize(query) if token.kind == "name"]
    columns = list(dict.fromkeys(["@timestamp", "@message", *(name for line in lines for name in line), *named]))
    plan = Compiler(query, columns, typing).compile()
    try:
        rows = _select(plan.sql, columns, lines)
    except sqlite3.Error as error:
        raise InsightsError(f"cannot answer: {error}") from error
    return [
        {name: _render(value) for name, value in zip(plan.shown, row, strict=True) if value not in {None, ""}}
        for row in rows
    ]  # fmt: skip


def _select(sql: str, columns: Sequence[str], lines: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(":memory:")) as database:
        _add_functions(database)
        database.execute(f"CREATE TABLE lines ({', '.join(map(quote, columns))})")
        marks = ", ".join("?" * len(columns))
        database.executemany(
            f"INSERT INTO lines VALUES ({marks})",  # noqa: S608  # question marks
            [[line.get(name) for name in columns] for line in lines],
        )
        return database.execute(sql).fetchall()


def discover(message: str, typing: Typing) -> dict[str, Any]:
    """The first 200 fields of a JSON event, with dots for nested objects and arrays; none of another event.

    A name that begins with @ gets another @, so that none is taken for a field of CloudWatch's own.
    """
    try:
        found = json.loads(message)
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    fields = islice(_flatten("", found, typing), _MOST_FIELDS)
    return {_clean(f"@{name}" if name.startswith("@") else name): value for name, value in fields}


def _flatten(prefix: str, node: object, typing: Typing) -> Iterator[tuple[str, Any]]:
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else None
    if parts is not None:
        for name, part in parts:
            yield from _flatten(f"{prefix}.{name}" if prefix else str(name), part, typing)
    elif isinstance(node, str):
        yield prefix, _clean(node)
    elif typing is Typing.TEXT:
        yield prefix, "" if node is None else json.dumps(node)
    elif node is not None:
        yield prefix, int(node) if isinstance(node, bool) else str(node) if _is_huge(node) else node


def _clean(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair, which JSON may hold and SQLite may not."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _is_huge(node: object) -> bool:
    """Whether it is an integer that SQLite cannot hold."""
    return isinstance(node, int) and not -(2**63) <= node < 2**63


def _render(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _add_functions(database: sqlite3.Connection) -> None:
    def matches(pattern: str, value: object) -> bool:
        return value is not None and re.search(pattern, str(value)) is not None

    add_functions(database)
    database.create_function("matches", 2, matches, deterministic=True)
    database.create_aggregate("earliest", 2, _Earliest)  # type: ignore[arg-type]  # typeshed has one argument only
    database.create_aggregate("latest", 2, _Latest)  # type: ignore[arg-type]  # the same
    database.create_aggregate("pct", 2, _Percentile)  # type: ignore[arg-type]  # the same


class _Earliest:
    """The value of the event with the first timestamp that has one."""

    def __init__(self) -> None:
        self._seen: list[tuple[int, Any]] = []

    def step(self, value: object, at: int) -> None:
        if value is not None:
            self._seen.append((at, value))

    def finalize(self) -> Any:  # noqa: ANN401  # as it was
        return self._pick(self._seen)[1] if self._seen else None

    @staticmethod
    def _pick(seen: list[tuple[int, Any]]) -> tuple[int, Any]:
        return min(seen, key=lambda each: each[0])


class _Latest(_Earliest):
    @staticmethod
    def _pick(seen: list[tuple[int, Any]]) -> tuple[int, Any]:
        return max(seen, key=lambda each: each[0])


class _Percentile:
    """The nearest rank."""

    def __init__(self) -> None:
        self._seen, self._percent = list[float](), 50.0

    def step(self, value: float | None, percent: float) -> None:
        self._percent = percent
        if value is not None:
            self._seen.append(value)

    def finalize(self) -> float | None:
        rank = max(0, -(-len(self._seen) * self._percent // 100) - 1)
        return sorted(self._seen)[int(rank)] if self._seen else None
