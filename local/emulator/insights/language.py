"""The language of Logs Insights, as far as our queries use it, as SQL for SQLite: a strict parser.

The language is that of the CloudWatch Logs user guide ("CloudWatch Logs Insights language query syntax"). Anything that
the guide does not name, or that this does not know, is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from local.emulator.insights.values import as_literal, order_by, quote


class InsightsError(Exception):
    """The query is not in the language, as far as this knows it."""


class Typing(Enum):
    """Guesses of what a discovered field is. With `TEXT`, null is an empty text; a missing field differs from any."""

    JSON = "numbers stay numbers, true is 1, null is missing"
    TEXT = "everything is text"


_TOKEN = re.compile(r"""
    \s*(?:(?P<regex>/(?:\\.|[^/\\])+/)|(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<number>\d+(?:\.\d+)?)(?![\w.])
    |(?P<period>\d+(?:ms|s|m|h|d|w))\b|(?P<name>@?[A-Za-z_][\w]*(?:\.\w+)*)|(?P<mark><=|>=|!=|[=<>(),|*\[\]])|(?P<end>$))
""", re.VERBOSE)  # fmt: skip
_PERIODS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_NUMBERS_OF = {"avg", "max", "min", "sum"}
_DEFAULT = ["@timestamp", "@message"]  # what a query shows that names no fields
_VALUES_OF = {"count", "count_distinct", "earliest", "latest"}


class Token(NamedTuple):
    """A word, number, text, regular expression, period or mark of a query; `kind` says which."""

    kind: str
    text: str


class Plan(NamedTuple):
    """A SELECT, and the fields that its columns are."""

    sql: str
    shown: list[str]


class Compiler:
    """Translates one query. `columns` are the fields that can be named at this point of the pipeline."""

    def __init__(self, query: str, columns: Sequence[str], typing: Typing) -> None:
        self._tokens = list(tokenize(query))
        self._columns, self._typing = list(columns), typing
        self._source, self._shown, self._order, self._limit = "lines", _DEFAULT, "", 10_000
        self._commands: dict[str, Callable[[], None]] = {
            "filter": self._filter, "fields": self._fields, "stats": self._stats, "sort": self._sort,
            "limit": self._cut,
        }  # fmt: skip

    def compile(self) -> Plan:
        """Returns the SQL.

        Raises:
            InsightsError: the query is wrong.
        """
        while True:
            name = self._take("name")
            if name not in self._commands:
                raise InsightsError(f"no command is called {name}")
            self._commands[name]()
            if not self._accept("|"):
                break
        self._take("end")
        shown = ", ".join(map(quote, self._shown))
        sql = f"SELECT {shown} FROM ({self._source}) {self._order} LIMIT {self._limit}"  # noqa: S608  # quoted
        return Plan(sql, self._shown)

    def _filter(self) -> None:
        self._source = f"SELECT * FROM ({self._source}) WHERE {self._either()}"  # noqa: S608  # quoted

    def _fields(self) -> None:
        named = [self._field() for _ in self._each()]
        before = [] if self._shown == _DEFAULT else self._shown
        self._shown = list(dict.fromkeys([*before, *named]))

    def _sort(self) -> None:
        parts = []
        for _ in self._each():
            field = self._field()
            order = "DESC" if self._accept("desc") else "ASC" if self._accept("asc") else ""
            if not order:
                raise InsightsError(f"say in which order to sort {field}")
            parts.append(order_by(quote(field), order))
        self._order = f"ORDER BY {', '.join(parts)}"

    def _cut(self) -> None:
        number = self._take("number")
        if not number.isdecimal():
            raise InsightsError(f"limit takes a whole number, not {number}")
        self._limit = int(number)

    def _stats(self) -> None:
        made = [self._aggregate() for _ in self._each()]
        keys = [self._key() for _ in self._each()] if self._accept("by") else []
        columns = [f"{sql} AS {quote(name)}" for sql, name in [*made, *keys]]
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
            sql = self._over_values(function, quote(self._field()))
        else:
            raise InsightsError(f"stats has no function {function}")
        self._expect(")")
        return sql, self._alias(sql)

    def _over_values(self, function: str, field: str) -> str:
        if function == "count_distinct":
            return f"COUNT(DISTINCT {field})"
        return f"COUNT({field})" if function == "count" else f"{function}({field}, {self._time()})"

    def _key(self) -> tuple[str, str]:
        if self._peek().text == "bin":
            self._take("name")
            self._expect("(")
            period = self._take("period")
            self._expect(")")
            unit = period.lstrip("0123456789")
            size = int(period.removesuffix(unit)) * _PERIODS[unit]
            return (sql := f"({self._time()} / {size} * {size})"), self._alias(sql)
        field = self._field()
        return quote(field), field

    def _time(self) -> str:
        """The column of @timestamp. SQLite would take the name of a missing column for a text."""
        if "@timestamp" not in self._columns:
            raise InsightsError("stats leaves no @timestamp")
        return quote("@timestamp")

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
            return f"({quote(field)} IS NOT NULL)"
        return self._compare(self._field())

    def _compare(self, field: str) -> str:
        if self._accept("like"):
            return f"matches({as_literal(self._take('regex')[1:-1])}, {quote(field)})"
        if self._accept("in"):
            self._expect("[")
            options = [as_literal(_unquote(self._take("text"))) for _ in self._each()]
            self._expect("]")
            return f"CAST({quote(field)} AS TEXT) IN ({', '.join(options)})"
        sign = self._take("mark")
        if sign not in {"=", "!=", "<", "<=", ">", ">="}:
            raise InsightsError(f"{sign} compares nothing")
        if self._peek().kind == "number":
            return f"({self._number(field)} {sign} {self._take('number')})"
        compared = f"(CAST({quote(field)} AS TEXT) {sign} {as_literal(_unquote(self._take('text')))})"
        differs = sign == "!=" and self._typing is Typing.TEXT
        return f"({quote(field)} IS NULL OR {compared})" if differs else compared

    @staticmethod
    def _number(field: str) -> str:
        return f"number({quote(field)})"

    def _field(self) -> str:
        name = self._take("name")
        if name not in self._columns:
            raise InsightsError(f"no line has the field {name}")
        return name

    def _each(self) -> Iterator[None]:
        yield
        while self._accept(","):
            yield

    def _peek(self) -> Token:
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
        if token.kind not in {"mark", "name"} or token.text != wanted:
            raise InsightsError(f"expected {wanted}, not {token.text!r}")


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def tokenize(query: str) -> Iterator[Token]:
    at = 0
    while True:
        found = _TOKEN.match(query, at)
        if found is None or found.lastgroup is None:
            raise InsightsError(f"cannot read {query[at : at + 20]!r}")
        yield Token(found.lastgroup, found[found.lastgroup])
        if found.lastgroup == "end":
            return
        at = found.end()
