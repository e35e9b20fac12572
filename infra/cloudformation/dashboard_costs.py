"""Metric math of what the stage costs at the present rate, from the price list of infra/costs.

It sees what the stack's own metrics show: requests, the API's function, the table's units and log bytes. Consumers'
Decrypts and what API Gateway sends are in docs/OPERATIONS.md, "What it costs".
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from infra.cloudformation import queries
from infra.cloudformation.widgets import Metric, Widget, graph, hidden, math, numbers, total
from infra.costs import shipped
from infra.costs.prices import PriceList

_PERIOD = 300
_DAY = 86_400
_DAYS = 30
_FUNCTION = ("FunctionName", "${APIHandler}")
_TABLE = ("TableName", "${ConfigTable}")


class _Part(NamedTuple):
    """One kind of cost: metrics by id, and US dollars for a period in metric math."""

    name: str
    label: str
    metrics: Mapping[str, Metric]
    usd: str


def cost_widgets(resources: Mapping[str, Any], prices: PriceList, width: int) -> list[Widget]:
    """The estimate a day and a month, and its parts over time."""
    parts = _parts(resources, prices)
    used = [hidden(name, of) for part in parts for name, of in part.metrics.items()]
    daily = [math(f"({part.usd}) / PERIOD(r) * {_DAY}", part.label, part.name) for part in parts]
    together = " + ".join(part.usd for part in parts)
    spent = f"AVG(({together}) / PERIOD(r)) * {_DAY * _DAYS}"
    fixed = prices.cost(shipped.standing({"Resources": resources})).quantize(Decimal("0.01"))
    estimate = [
        *used,
        math(f"TIME_SERIES({spent} + {fixed})", f"$ a month, with {fixed} fixed", "month"),
        math(f"TIME_SERIES(({spent} + {fixed}) / {_DAYS})", "$ a day", "day"),
    ]
    return [
        numbers(width, "Cost at the rate of this time range", estimate, period=_PERIOD),
        graph(0, "Cost of requests by part, $ a day", [*used, *daily], stacked=True, period=_PERIOD),
    ]


def _parts(resources: Mapping[str, Any], prices: PriceList) -> list[_Part]:
    usd = {name: f"{prices.first(name):f}" for name in prices.prices}
    function = resources["APIHandler"]["Properties"]
    [architecture] = function.get("Architectures", ["arm64"])
    second = f"{prices.first(f'lambda_{architecture}') * function['MemorySize'] / 1024 / 1000:.16f}"
    api = ("ApiName", "${AWS::StackName}", "Stage", "api")
    return [
        _Part("gateway", "API Gateway", {
            "r": total("AWS/ApiGateway", "Count", api),
        }, f"FILL(r, 0) * {usd['rest_requests']}"),
        _Part("lambda", "Lambda", {
            "i": total("AWS/Lambda", "Invocations", _FUNCTION), "d": total("AWS/Lambda", "Duration", _FUNCTION),
        }, f"FILL(i, 0) * {usd['lambda_requests']} + FILL(d, 0) * {second}"),
        _Part("table", "DynamoDB", {
            "u": total("AWS/DynamoDB", "ConsumedReadCapacityUnits", _TABLE),
            "w": total("AWS/DynamoDB", "ConsumedWriteCapacityUnits", _TABLE),
        }, f"FILL(u, 0) * {usd['table_reads']} + FILL(w, 0) * {usd['table_writes']}"),
        _logs(resources, prices),
    ]  # fmt: skip


def _logs(resources: Mapping[str, Any], prices: PriceList) -> _Part:
    groups = [name for name in (queries.REQUESTS, queries.ACCESS) if name in resources]
    metrics = {
        f"b{number}": total("AWS/Logs", "IncomingBytes", ("LogGroupName", f"${{{name}}}"))
        for number, name in enumerate(groups)
    }
    usd = f"{prices.first('log_gb') / 10**9:f}"
    return _Part("logs", "Logs", metrics, " + ".join(f"FILL({name}, 0) * {usd}" for name in metrics))
