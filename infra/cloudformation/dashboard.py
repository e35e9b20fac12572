"""The dashboard for on-call: alarms, what callers see, the service's reports, what slows it down, each version."""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]

_API = ["ApiName", "${AWS::StackName}", "Stage", "api"]
_FUNCTION = ["FunctionName", "${APIHandler}"]
_TABLE = ["TableName", "${ConfigTable}"]
_SERVICE = ["service", "${APIHandler}"]
_WIDTH, _HEIGHT, _COLUMNS = 8, 6, 3


def dashboard(alarms: list[str]) -> Json:
    """The value of `DashboardBody`, an `Fn::Sub`; `alarms` are logical ids.

    Names are substituted, so nothing in the text but references may be written `${…}`.
    """
    graphs = [_graph(number, title, metrics) for number, (title, metrics) in enumerate([*_graphs(), *_by_version()])]
    widgets = [_alarms(alarms), *graphs, _errors(rows=-(-len(graphs) // _COLUMNS))]
    return {"Fn::Sub": json.dumps({"widgets": widgets}, separators=(",", ":"))}


def _alarms(alarms: list[str]) -> Json:
    properties = {"title": "Alarms", "alarms": [f"${{{name}.Arn}}" for name in sorted(alarms)]}
    return {"type": "alarm", "x": 0, "y": 0, "width": _WIDTH * _COLUMNS, "height": 3, "properties": properties}


def _graphs() -> list[tuple[str, list[list[Any]]]]:
    latency = (
        "SEARCH('{AWS/ApiGateway,ApiName,Method,Resource,Stage} ApiName=\"${AWS::StackName}\" Latency', 'p99', 60)"
    )
    by_code = "SEARCH('{configsvc,code,service} service=\"${APIHandler}\" Problems', 'Sum', 60)"
    operations = (
        "SEARCH('{AWS/DynamoDB,Operation,TableName} TableName=\"${ConfigTable}\" SuccessfulRequestLatency', 'p99', 60)"
    )
    return [
        ("Requests, and answers 4xx and 5xx", [
            _sum("AWS/ApiGateway", name, _API) for name in ("Count", "4XXError", "5XXError")
        ]),
        ("Latency in ms, p50 and p99", [_of("AWS/ApiGateway", "Latency", _API, each) for each in ("p50", "p99")]),
        ("Latency by route in ms, p99 (detailed metrics)", [_search(latency)]),
        ("Problems by code, denied, and refused to be repeated", [
            _search(by_code), *(_sum("configsvc", name, _SERVICE) for name in ("Denied", "Contended", "StoreBusy")),
        ]),
        ("Cold starts, and function errors", [
            _sum("configsvc", "ColdStarts", _SERVICE), _sum("AWS/Lambda", "Errors", _FUNCTION),
        ]),
        ("Function: running at once, and throttled", [
            _of("AWS/Lambda", "ConcurrentExecutions", _FUNCTION, "Maximum"), _sum("AWS/Lambda", "Throttles", _FUNCTION),
        ]),
        ("Table: units consumed", [
            _sum("AWS/DynamoDB", f"Consumed{kind}CapacityUnits", _TABLE) for kind in ("Read", "Write")
        ]),
        ("Table: throttled", [_sum("AWS/DynamoDB", f"{kind}ThrottleEvents", _TABLE) for kind in ("Read", "Write")]),
        ("Table: latency by operation in ms, p99", [_search(operations)]),
    ]  # fmt: skip


def _by_version() -> list[tuple[str, list[list[Any]]]]:
    """The metrics that a canary compares. By search, so that a new version does not change the dashboard."""
    of_lambda = '{AWS/Lambda,ExecutedVersion,FunctionName,Resource} FunctionName="${APIHandler}"'
    of_log = '{configsvc,service,version} service="${APIHandler}"'
    return [
        ("Requests by version", [_search(f"SEARCH('{of_lambda} Invocations', 'Sum', 60)")]),
        ("Errors, refused (4xx) and failed (5xx) by version", [
            _search(f"SEARCH('{of_lambda} Errors', 'Sum', 60)"), _search(f"SEARCH('{of_log} Refused', 'Sum', 60)"),
            _search(f"SEARCH('{of_log} Failed', 'Sum', 60)"),
        ]),
        ("Function's duration by version in ms, p99", [_search(f"SEARCH('{of_lambda} Duration', 'p99', 60)")]),
    ]  # fmt: skip


def _graph(number: int, title: str, metrics: list[list[Any]]) -> Json:
    row, column = divmod(number, _COLUMNS)
    properties = {"title": title, "region": "${AWS::Region}", "view": "timeSeries", "period": 60, "metrics": metrics}
    where = {"x": column * _WIDTH, "y": 3 + row * _HEIGHT, "width": _WIDTH, "height": _HEIGHT}
    return {"type": "metric", **where, "properties": properties}


def _errors(rows: int) -> Json:
    query = (
        "SOURCE '${ApiHandlerLogGroup}' | filter level in ['error', 'warning'] "
        "| fields @timestamp, level, status, code, route, namespace, principal, correlation_id "
        "| sort @timestamp desc | limit 50"
    )
    properties = {"title": "Refusals and errors", "region": "${AWS::Region}", "view": "table", "query": query}
    return {
        "type": "log",
        "x": 0,
        "y": 3 + rows * _HEIGHT,
        "width": _WIDTH * _COLUMNS,
        "height": 8,
        "properties": properties,
    }


def _sum(namespace: str, metric: str, dimensions: list[str]) -> list[Any]:
    return _of(namespace, metric, dimensions, "Sum")


def _of(namespace: str, metric: str, dimensions: list[str], statistic: str) -> list[Any]:
    return [namespace, metric, *dimensions, {"stat": statistic}]


def _search(expression: str) -> list[Any]:
    return [{"expression": expression}]
