"""Logs Insights queries as SQL: a strict parser of what our queries use of the language, and SQLite, which runs it.

The language is that of the CloudWatch Logs user guide ("CloudWatch Logs Insights language query syntax"). Anything that
the guide does not name, or that this does not know, is an error, and so is a field that no line has. AWS does not say
what type a discovered field has, so `Typing` has the possibilities; a query is right if it answers the same with each.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

Row = dict[str, str]
"""A result as GetQueryResults returns it: texts by field, without the fields that have no value."""


class InsightsError(Exception):
    """The query is not in the language, as far as this knows it."""


class Typing(Enum):
    """Guesses of what a discovered field is. With `TEXT`, null is an empty text; a missing field differs from any."""

    JSON = "numbers stay numbers, true is 1, null is missing"
    TEXT = "everything is text"


class Event(NamedTuple):
    """A log event: milliseconds since 1970, and its text."""

    milliseconds: int
    message: str


def run(query: str, events: Sequence[Event], typing: Typing) -> list[Row]:
    """Runs a query over events.

    Raises:
        InsightsError: the query is wrong, or it names a field that no event has.
    """
    lines = [
        {"@timestamp": each.milliseconds, "@message": each.message, **discover(each.message, typing)} for each in events
    ]
    columns = list(dict.fromkeys(name for line in lines for name in line))
    plan = _Compiler(query, columns, typing).compile()
    with sqlite3.connect(":memory:") as database:
        _add_functions(database)
        database.execute(f"CREATE TABLE lines ({', '.join(map(_quote, columns))})")
        marks = ", ".join("?" * len(columns))
        database.executemany(
            f"INSERT INTO lines VALUES ({marks})",  # noqa: S608  # question marks
            [[line.get(name) for name in columns] for line in lines],
        )
        rows = database.execute(plan.sql).fetchall()
    return [
        {name: _render(value) for name, value in zip(plan.shown, row, strict=True) if value not in {None, ""}}
        for row in rows
    ]  # fmt: skip


def discover(message: str, typing: Typing) -> dict[str, Any]:
    """The fields of a JSON event, with dots for nested objects and arrays; none of another event."""
    try:
        found = json.loads(message)
    except ValueError:
        return {}
    return dict(_flatten("", found, typing)) if isinstance(found, dict) else {}


def _flatten(prefix: str, node: object, typing: Typing) -> Iterator[tuple[str, Any]]:
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else None
    if parts is not None:
        for name, part in parts:
            yield from _flatten(f"{prefix}.{name}" if prefix else str(name), part, typing)
    elif typing is Typing.TEXT:
        yield prefix, "" if node is None else json.dumps(node) if not isinstance(node, str) else node
    elif node is not None:
        yield prefix, int(node) if isinstance(node, bool) else node


def _render(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _quote(name: str) -> str:
    """A column's name. SQLite takes `denied` and `Denied` for one column, so capitals are marked."""
    return '"' + re.sub("[A-Z]", r"^\g<0>", name) + '"'


_TOKEN = re.compile(r"""
    \s*(?:(?P<regex>/(?:\\.|[^/\\])+/)|(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<number>\d+(?:\.\d+)?)(?![\w.])
    |(?P<period>\d+(?:ms|s|m|h|d|w))\b|(?P<name>@?[A-Za-z_][\w]*(?:\.\w+)*)|(?P<mark><=|>=|!=|[=<>(),|*\[\]])|(?P<end>$))
""", re.VERBOSE)  # fmt: skip
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_NUMBERS_OF = {"avg", "max", "min", "sum"}
_VALUES_OF = {"count", "count_distinct", "earliest", "latest"}


class _Token(NamedTuple):
    kind: str
    text: str


class _Plan(NamedTuple):
    sql: str
    shown: list[str]


class _Compiler:
    """Translates one query. `columns` are the fields that can be named at this point of the pipeline."""

    def __init__(self, query: str, columns: Sequence[str], typing: Typing) -> None:
        self._tokens = list(_tokenize(query))
        self._columns, self._typing = list(columns), typing
        self._source, self._shown, self._order, self._limit = "lines", ["@timestamp", "@message"], "", 10_000
        self._commands: dict[str, Callable[[], None]] = {
            "filter": self._filter, "fields": self._fields, "stats": self._stats, "sort": self._sort,
            "limit": self._cut,
        }  # fmt: skip

    def compile(self) -> _Plan:
        while True:
            name = self._take("name")
            if name not in self._commands:
                raise InsightsError(f"no command is called {name}")
            self._commands[name]()
            if not self._accept("|"):
                break
        self._expect("end")
        shown = ", ".join(map(_quote, self._shown))
        sql = f"SELECT {shown} FROM ({self._source}) {self._order} LIMIT {self._limit}"  # noqa: S608  # quoted
        return _Plan(sql, self._shown)

    def _filter(self) -> None:
        self._source = f"SELECT * FROM ({self._source}) WHERE {self._either()}"  # noqa: S608  # quoted

    def _fields(self) -> None:
        self._shown = [self._field() for _ in self._each()]

    def _sort(self) -> None:
        parts = []
        for _ in self._each():
            field = self._field()
            order = "DESC" if self._accept("desc") else "ASC" if self._accept("asc") else ""
            if not order:
                raise InsightsError(f"say in which order to sort {field}")
            parts.append(f"{_quote(field)} {order}")
        self._order = f"ORDER BY {', '.join(parts)}"

    def _cut(self) -> None:
        self._limit = int(self._take("number"))

    def _stats(self) -> None:
        made = [self._aggregate() for _ in self._each()]
        keys = [self._key() for _ in self._each()] if self._accept("by") else []
        columns = [f"{sql} AS {_quote(name)}" for sql, name in [*made, *keys]]
        groups = f" GROUP BY {', '.join(sql for sql, _ in keys)}" if keys else ""
        self._source = f"SELECT {', '.join(columns)} FROM ({self._source}){groups}"  # noqa: S608  # quoted
        self._columns = self._shown = [name for _, name in [*keys, *made]]
        self._order = ""

    def _aggregate(self) -> tuple[str, str]:
        function = self._take("name")
        self._expect("(")
        if function == "count" and (self._accept("*") or self._peek().text == ")"):
            sql = "COUNT(*)"
        elif function == "pct":
            sql = f"pct({self._number(self._field())}, "
            self._expect(",")
            sql += f"{self._take('number')})"
        elif function in _NUMBERS_OF:
            sql = f"{function.upper()}({self._number(self._field())})"
        elif function in _VALUES_OF:
            sql = self._over_values(function, _quote(self._field()))
        else:
            raise InsightsError(f"stats has no function {function}")
        self._expect(")")
        return sql, self._alias(sql)

    @staticmethod
    def _over_values(function: str, field: str) -> str:
        if function == "count_distinct":
            return f"COUNT(DISTINCT {field})"
        return f"COUNT({field})" if function == "count" else f'{function}({field}, "@timestamp")'

    def _key(self) -> tuple[str, str]:
        if self._peek().text == "bin":
            self._take("name")
            self._expect("(")
            period = self._take("period")
            self._expect(")")
            size = int(period[:-1]) * _SECONDS[period[-1]] * 1000
            return (sql := f'("@timestamp" / {size} * {size})'), self._alias(sql)
        field = self._field()
        return _quote(field), field

    def _alias(self, otherwise: str) -> str:
        return self._take("name") if self._accept("as") else otherwise

    def _either(self) -> str:
        parts = [self._all()]
        while self._accept("or"):
            parts.append(self._all())
        return f"({' OR '.join(parts)})"

    def _all(self) -> str:
        parts = [self._one()]
        while self._accept("and"):
            parts.append(self._one())
        return f"({' AND '.join(parts)})"

    def _one(self) -> str:
        if self._accept("not"):
            return f"NOT COALESCE({self._one()}, 0)"
        if self._accept("("):
            inner = self._either()
            self._expect(")")
            return inner
        if self._accept("ispresent"):
            self._expect("(")
            field = self._field()
            self._expect(")")
            return f"({_quote(field)} IS NOT NULL)"
        return self._compare(self._field())

    def _compare(self, field: str) -> str:
        if self._accept("like"):
            return f"matches({as_literal(self._take('regex')[1:-1])}, {_quote(field)})"
        if self._accept("in"):
            self._expect("[")
            options = [as_literal(_unquote(self._take("text"))) for _ in self._each()]
            self._expect("]")
            return f"CAST({_quote(field)} AS TEXT) IN ({', '.join(options)})"
        sign = self._take("mark")
        if sign not in {"=", "!=", "<", "<=", ">", ">="}:
            raise InsightsError(f"{sign} compares nothing")
        if self._peek().kind == "number":
            return f"({self._number(field)} {sign} {self._take('number')})"
        compared = f"(CAST({_quote(field)} AS TEXT) {sign} {as_literal(_unquote(self._take('text')))})"
        differs = sign == "!=" and self._typing is Typing.TEXT
        return f"({_quote(field)} IS NULL OR {compared})" if differs else compared

    @staticmethod
    def _number(field: str) -> str:
        return f"CAST({_quote(field)} AS REAL)"

    def _field(self) -> str:
        name = self._take("name")
        if name not in self._columns:
            raise InsightsError(f"no line has the field {name}")
        return name

    def _each(self) -> Iterator[None]:
        yield
        while self._accept(","):
            yield

    def _peek(self) -> _Token:
        return self._tokens[0]

    def _accept(self, text: str) -> bool:
        if found := self._peek().kind in {"mark", "name"} and self._peek().text == text:
            self._tokens.pop(0)
        return found

    def _take(self, kind: str) -> str:
        token = self._tokens.pop(0)
        if token.kind != kind:
            raise InsightsError(f"expected a {kind}, not {token.text!r}")
        return token.text

    def _expect(self, wanted: str) -> None:
        token = self._tokens.pop(0)
        if wanted not in {token.text, token.kind}:
            raise InsightsError(f"expected {wanted}, not {token.text!r}")


def as_literal(text: str) -> str:
    """A text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _tokenize(query: str) -> Iterator[_Token]:
    at = 0
    while True:
        found = _TOKEN.match(query, at)
        if found is None or found.lastgroup is None:
            raise InsightsError(f"cannot read {query[at : at + 20]!r}")
        yield _Token(found.lastgroup, found[found.lastgroup])
        if found.lastgroup == "end":
            return
        at = found.end()


def _add_functions(database: sqlite3.Connection) -> None:
    def matches(pattern: str, value: object) -> bool:
        return value is not None and re.search(pattern, str(value)) is not None

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


def fill(query: str, values: Mapping[str, str]) -> str:
    """The query with its placeholders replaced."""
    for name, value in values.items():
        query = query.replace(name, value)
    return query
