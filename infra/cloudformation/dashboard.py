"""The dashboard for on-call. Its first screen answers five questions in order; everything below is detail.

docs/OPERATIONS.md, "The dashboard", shows it and says how to read it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from configsvc.adapters import metrics
from infra.cloudformation import queries
from infra.cloudformation.dashboard_costs import cost_widgets
from infra.cloudformation.widgets import (
    REGION,
    Json,
    Metric,
    Row,
    Widget,
    alarms,
    graph,
    hidden,
    log,
    math,
    metric,
    numbers,
    place,
    search,
    text,
    total,
)  # fmt: skip
from infra.costs.prices import load

_API = ("ApiName", "${AWS::StackName}", "Stage", "api")
_FUNCTION = ("FunctionName", "${APIHandler}")
_TABLE = ("TableName", "${ConfigTable}")
_SERVICE = ("service", "${APIHandler}")
_OWN = metrics.NAMESPACE
_TEXT, _FIGURE, _HALF, _THIRD, _TABLE_WIDTH = 4, 6, 7, 8, 9
_CANARY = "Canary"
_START = "-PT1H"
_WHEN = "${!LAST_TIME_RELATIVE}"
"""When a number was reported, because a widget shows the last one, however old (CloudWatch, "Using dynamic labels")."""

Resources = Mapping[str, Any]


def dashboard(resources: Resources) -> Json:
    """The value of `DashboardBody`, an `Fn::Sub`, for a template with these resources.

    Names are substituted, so nothing in the text but references may be written `${…}`.
    """
    rows = [*first_screen(resources), *_details(resources)]
    body = {"start": _START, "periodOverride": "inherit", "widgets": list(place(rows))}
    return {"Fn::Sub": json.dumps(body, separators=(",", ":"))}


def first_screen(resources: Resources) -> Iterator[Row]:
    """The title and one row for each question."""
    yield Row(2, [text(24, _TITLE)])
    for words, widgets in (
        (_UP, _is_up(resources)),
        (_REFUSED, _who_is_refused(resources)),
        (_CHANGED, _what_changed()),
        (_FAILING, _who_fails(resources)),
        (_COST, cost_widgets(resources, load(), _FIGURE)),
    ):
        yield Row(5, [text(_TEXT, words), *widgets])


_CONSOLE = f"https://{REGION}.console.aws.amazon.com/cloudwatch/home?region={REGION}"
_TITLE = (
    "# ${AWS::StackName}\n"
    "Tables cover the time range, one hour unless you widen it. The quoted names are sections of docs/OPERATIONS.md. "
    f"[Alarms]({_CONSOLE}#alarmsV2:) · [Saved queries]({_CONSOLE}#logsV2:logs-insights) are in ${{AWS::StackName}}/."
)
_UP = '## 1. Is it up?\nNormal: no failed probe, 100 % available, no alarm. Red: "What the alarms mean", "The probe".'
_REFUSED = (
    "## 2. Who is refused?\nNormal: nobody. Throttled by API key, denied by principal: "
    '"Somebody gets 403", "How far it scales".'
)
_CHANGED = (
    "## 3. What changed?\nNormal: one version, and only writes that you know of. A new version: "
    '"A bad release of the service".'
)
_FAILING = (
    "## 4. Who cannot read?\nNormal: no row, and no age over the poll interval. The oldest failure is first: "
    '"Somebody gets 403", "The dashboard".'
)
_COST = (
    "## 5. What does it cost?\nNormal: the same as last week (widen the range). "
    'List prices without data transfer: "What it costs".'
)


def _is_up(resources: Resources) -> Iterator[Widget]:
    requests, failures = total("AWS/ApiGateway", "Count", _API), total("AWS/ApiGateway", "5XXError", _API)
    shown = [
        hidden("r", requests),
        hidden("f", failures),
        math("TIME_SERIES(100 - 100 * SUM(FILL(f, 0)) / SUM(r))", "available, %", "available"),
    ]
    if "Probe" in resources:
        probe = ("service", "${Probe}")
        shown = [
            total(_OWN, "ProbeFailed", probe, label=f"failed probes in 5 min, {_WHEN}"),
            metric(_OWN, "ProbeAge", probe, "Maximum", label=f"age that it saw, s, {_WHEN}"),
            *shown,
        ]
    yield numbers(_FIGURE, "Probe and availability", shown, period=300)
    yield alarms(0, "Alarms", _list_alarms(resources))


def _list_alarms(resources: Resources) -> list[str]:
    """Alarms by logical id, but those of a canary: naming them, the dashboard would change with every version."""
    of_type = (name for name, each in resources.items() if each["Type"] == "AWS::CloudWatch::Alarm")
    return sorted(name for name in of_type if not name.startswith(_CANARY))


def _who_is_refused(resources: Resources) -> Iterator[Widget]:
    logged = queries.ACCESS in resources
    over = [total(_OWN, "${AWS::StackName}-Throttled", (), label="over a throttle")] if logged else []
    yield graph(_FIGURE, "Refused a minute", [
        total("AWS/ApiGateway", "4XXError", _API, label="4xx in all"),
        *over,
        total(_OWN, metrics.DENIED, _SERVICE, label="denied"),
        total(_OWN, metrics.CONTENDED, _SERVICE, label="contended"),
        total(_OWN, metrics.STORE_BUSY, _SERVICE, label="table busy"),
        total("AWS/Lambda", "Throttles", _FUNCTION, label="no concurrency"),
    ])  # fmt: skip
    if logged:
        yield log(_HALF, "Throttled, by API key", "throttled")
    yield log(_HALF, "Denied, by principal", "forbidden")


def _what_changed() -> Iterator[Widget]:
    yield graph(_FIGURE, "Requests by version", [_by_version("Invocations", "Sum")])
    yield log(0, "Writes, newest first", "changes")


def _who_fails(resources: Resources) -> Iterator[Widget]:
    """Readers that the service answers with an error, and those that API Gateway refuses, which it never sees."""
    age = search("configsvc,FunctionName", "", "Age", "Maximum")
    yield graph(_TEXT, "Age at consumers, s", [age])
    yield log(_TABLE_WIDTH, "Failing readers, longest first", "failing-readers")
    if queries.ACCESS in resources:
        yield log(0, "Refused by API Gateway, longest first", "refused-readers")


def _by_version(name: str, statistic: str) -> Metric:
    """By search, so that a new version does not change the dashboard."""
    schema = "AWS/Lambda,ExecutedVersion,FunctionName,Resource"
    return search(schema, 'FunctionName="${APIHandler}"', name, statistic)


def _details(resources: Resources) -> Iterator[Row]:
    yield Row(1, [text(24, "## Details")])
    graphs = [
        graph(_THIRD, title, shown)
        for title, shown in (*_of_requests(), *_of_table(), *_of_versions(), *_of_schedules(resources))
    ]
    columns = 24 // _THIRD
    for start in range(0, len(graphs), columns):
        yield Row(6, graphs[start : start + columns])
    yield Row(5, [log(0, "Errors", "errors")])


Graphs = Iterator[tuple[str, Sequence[Metric]]]


def _of_requests() -> Graphs:
    routes = search(
        "AWS/ApiGateway,ApiName,Method,Resource,Stage", 'ApiName="${AWS::StackName}"', "Latency", "p99"
    )  # fmt: skip
    codes = search("configsvc,code,service", 'service="${APIHandler}"', metrics.PROBLEMS, "Sum")
    yield (
        "Requests, and answers 4xx and 5xx",
        [total("AWS/ApiGateway", name, _API) for name in ("Count", "4XXError", "5XXError")],
    )
    yield (
        "Latency, p50 and p99, ms",
        [metric("AWS/ApiGateway", "Latency", _API, each, label=each) for each in ("p50", "p99")],
    )
    yield "Latency by route, p99, ms (detailed metrics)", [routes]
    yield "Problems by code", [codes]
    yield "Cold starts, and function errors", [
        total(_OWN, metrics.COLD_STARTS, _SERVICE), total("AWS/Lambda", "Errors", _FUNCTION),
    ]  # fmt: skip
    yield "Function: running at once", [metric("AWS/Lambda", "ConcurrentExecutions", _FUNCTION, "Maximum")]


def _of_table() -> Graphs:
    operations = search(
        "AWS/DynamoDB,Operation,TableName", 'TableName="${ConfigTable}"', "SuccessfulRequestLatency", "p99"
    )  # fmt: skip
    yield (
        "Table: units consumed",
        [total("AWS/DynamoDB", f"Consumed{kind}CapacityUnits", _TABLE) for kind in ("Read", "Write")],
    )
    yield "Table: throttled", [total("AWS/DynamoDB", f"{kind}ThrottleEvents", _TABLE) for kind in ("Read", "Write")]
    yield "Table: latency by operation, p99, ms", [operations]


def _of_versions() -> Graphs:
    """The metrics that a canary compares, but for the requests, which are on the first screen."""
    logged = [
        search("configsvc,service,version", 'service="${APIHandler}"', name, "Sum")
        for name in (metrics.REFUSED, metrics.FAILED)
    ]
    yield "Errors, refused (4xx) and failed (5xx) by version", [_by_version("Errors", "Sum"), *logged]
    yield "Function's duration by version, p99, ms", [_by_version("Duration", "p99")]


def _of_schedules(resources: Resources) -> Graphs:
    """The reports of the scheduled functions."""
    if "Upkeep" in resources:
        of = ("service", "${Upkeep}")
        counted = ("UpkeepFailed", "RotationDue", "RotationOverdue", "DataKeysDue")
        yield "Upkeep: failed, due and overdue", [metric(_OWN, name, of, "Maximum") for name in counted]
        yield "Upkeep: seconds since the last one", [metric(_OWN, "UpkeepAge", of, "Maximum")]
    if "Probe" in resources:
        of = ("service", "${Probe}")
        yield "Probe: duration, ms", [metric(_OWN, "ProbeDuration", of, "Maximum")]
        yield "Probe: days left of the certificate", [metric(_OWN, "CertificateDays", of, "Minimum")]
