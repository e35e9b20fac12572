"""CloudWatch's metric math on one period, as far as our alarms use it ("Metric math syntax and functions").

Missing is what depends on a missing value, and a division by zero.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Values = Mapping[str, float | None]

_OPERATORS: dict[type[ast.AST], Callable[[Any, Any], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow, ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip


PERIOD = "the seconds of a period"
"""The name in the values of what `PERIOD()` returns."""


class Missing(Exception):
    """The value is missing."""


def breaches(alarm: Mapping[str, Any], values: Values, parameters: Mapping[str, float]) -> bool:
    """Whether an alarm on metric math that treats missing data as not breaching sees a breach."""
    limit = alarm["Threshold"]
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert alarm["TreatMissingData"] == "notBreaching"
    found = evaluate(alarm["Metrics"], values)
    return found is not None and found > (parameters[limit["Ref"]] if isinstance(limit, dict) else limit)


def evaluate(queries: list[Mapping[str, Any]], values: Values) -> float | None:
    """The value that an alarm on these queries watches; None if it is missing."""
    known = dict(values)
    for query in queries:
        if "Expression" in query:
            known[query["Id"]] = _calculate(query["Expression"], known)
        else:
            assert query["Id"] in values
    [returned] = [query["Id"] for query in queries if query["ReturnData"]]
    return known[returned]


def evaluate_range(expression: str, periods: Sequence[Values]) -> float | None:
    """The value of an expression in the last period of a range over which `AVG` and `SUM` go, missing ones left out."""
    tree = _Aggregates(periods).visit(ast.parse(expression, mode="eval"))
    return _calculate(ast.unparse(tree), periods[-1])


class _Aggregates(ast.NodeTransformer):
    """Replaces each `AVG` and `SUM` by its number. Without any value it is a division by zero: missing."""

    def __init__(self, periods: Sequence[Values]) -> None:
        self._periods = periods

    def visit_Call(self, node: ast.Call) -> ast.AST:
        match node:
            case ast.Call(func=ast.Name(id="AVG" | "SUM" as name), args=[argument]):
                text = ast.unparse(argument)
                found = [value for each in self._periods if (value := _calculate(text, each)) is not None]
                total = sum(found) / (len(found) if name == "AVG" and found else 1)
                return ast.parse(repr(float(total)) if found else "1 / 0", mode="eval").body
        return self.generic_visit(node)


def _calculate(text: str, known: Values) -> float | None:
    tree = ast.parse(text.replace("^", "**").replace(" AND ", " and "), mode="eval")
    try:
        return _value(tree.body, known)
    except (Missing, ZeroDivisionError):
        return None


def _is_known(node: ast.expr, known: Values) -> bool:
    try:
        _value(node, known)
    except Missing:
        return False
    return True


def _value(node: ast.expr, known: Values) -> float:
    match node:
        case ast.Constant(value=(int() | float()) as number):
            return number
        case ast.Name(id=name):
            found = known[name]
            if found is None:
                raise Missing
            return found
        case ast.BinOp(left=left, op=op, right=right) | ast.Compare(left=left, ops=[op], comparators=[right]):
            return _OPERATORS[type(op)](_value(left, known), _value(right, known))
        case ast.BoolOp(op=ast.And(), values=parts):
            return all([_value(part, known) for part in parts])  # noqa: C419  # a missing one counts wherever it is
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _call(name, arguments, known)
    raise AssertionError(f"{ast.dump(node)} is not known here.")


def _call(name: str, arguments: list[ast.expr], known: Values) -> float:
    match name, arguments:
        case "ABS", [argument]:
            return abs(_value(argument, known))
        case "IF", [condition, then, otherwise]:
            return _value(then if _value(condition, known) else otherwise, known)
        case (("TIME_SERIES" | "AVG" | "SUM"), [argument]):
            return _value(argument, known)  # of one period
        case "FILL", [argument, instead]:
            return _value(argument if _is_known(argument, known) else instead, known)
        case "PERIOD", [_]:
            return known[PERIOD] or 0.0
    raise AssertionError(f"{name} is not known here.")
