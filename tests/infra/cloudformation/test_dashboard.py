"""The dashboard is one that CloudWatch takes, shows metrics that there are, and answers five questions at first."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import pytest

from configsvc.adapters import metrics
from configsvc.adapters.metrics import Metrics
from configsvc.scheduled.probe import Report, list_metrics
from configsvc.scheduled.upkeep_report import measure_age, measure_tally
from configsvc.service.verbs.upkeep_everywhere import UpkeepTally
from infra.cloudformation import queries
from infra.cloudformation.dashboard import dashboard
from infra.cloudformation.stage_templates import expand_stage
from infra.costs import shipped
from infra.costs.lines import Lines
from infra.costs.model import Service
from infra.costs.prices import load, times
from infra.packaging.service_zip import Package
from infra.paths import ROOT
from infra.stage import load_unfinished
from tests.support.infra.dashboard_rules import list_faults
from tests.support.infra.metric_math import PERIOD, evaluate, evaluate_range

Json = dict[str, Any]

WHOLE: Json = {
    "APIHandler": {"Type": "F", "Properties": {"MemorySize": 1769, "Architectures": ["arm64"]}},
    "Key": {"Type": "AWS::KMS::Key"},
    "ApiHandlerLogGroup": {"Type": "L"}, "AccessLogGroup": {"Type": "L"},
    "Probe": {"Type": "F"}, "Upkeep": {"Type": "F"},
    "SlowAlarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": {}},
    "CanarySlowAlarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": [{"MetricStat": {}}]}},
}  # fmt: skip
LEAST = {name: WHOLE[name] for name in ("APIHandler", "ApiHandlerLogGroup", "SlowAlarm")}
FIRST_SCREEN = 27
"""Rows of a dashboard that a large screen shows at once."""

OF_AWS = {
    "AWS/ApiGateway": {"Count", "4XXError", "5XXError", "Latency"},
    "AWS/Lambda": {"Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions"},
    "AWS/DynamoDB": {
        "ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ReadThrottleEvents", "WriteThrottleEvents",
        "SuccessfulRequestLatency",
    },
    "AWS/Logs": {"IncomingBytes"},
}  # fmt: skip
"""Of "Amazon API Gateway dimensions and metrics", "Viewing metrics for Lambda functions", "DynamoDB Metrics and
dimensions" and "Monitoring CloudWatch Logs usage"."""

DIMENSIONS = {
    "AWS/ApiGateway": {"ApiName,Stage", "ApiName,Method,Resource,Stage"},
    "AWS/Lambda": {"FunctionName", "ExecutedVersion,FunctionName,Resource"},
    "AWS/DynamoDB": {"TableName", "Operation,TableName"},
    "AWS/Logs": {"LogGroupName"},
}


def body_of(resources: Json) -> Json:
    found: Json = json.loads(dashboard(resources)["Fn::Sub"])
    return found


def list_widgets(resources: Json | None = None) -> list[Json]:
    found: list[Json] = body_of(resources or WHOLE)["widgets"]
    return found


def list_metrics_shown() -> list[list[Any]]:
    return [each for widget in list_widgets() for each in widget["properties"].get("metrics", [])]


def list_searches() -> list[str]:
    return [each[0]["expression"] for each in list_metrics_shown() if each[0] and "SEARCH" in str(each[0])]


@pytest.mark.parametrize("resources", [WHOLE, LEAST], ids=["whole", "least"])
def test_cloudwatch_takes_the_dashboard(resources: Json) -> None:
    assert list(list_faults(body_of(resources))) == []


GRAPH: Json = {"title": "t", "region": "r", "metrics": [["A", "b", {"stat": "p99.9"}]]}


def widget(kind: str, properties: Json, **place: int) -> Json:
    return {"type": kind, "x": 0, "y": 0, "width": 5, "height": 1, **place, "properties": properties}


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        ({"widgets": [], "title": "t"}, "the body has ['title']"),
        ({"widgets": [], "start": "yesterday"}, "the time range"),
        ({"widgets": [widget("text", {"markdown": ""})] * 501}, "more than 500"),
        (widget("picture", {}), "unknown type picture"),
        (widget("metric", GRAPH, z=1), "it has ["),
        (widget("metric", GRAPH, x=20), "24 columns"),
        (widget("metric", GRAPH, height=0), "no height"),
        (widget("text", {"text": "t"}), "it lacks ['markdown']"),
        (widget("text", {"markdown": "t", "title": "t"}), "its properties have ['title']"),
        (widget("log", {"query": "SOURCE 'a' | limit 1", "region": "r", "view": "gauge"}), "no view gauge"),
        (widget("log", {"query": "limit 1", "region": "r"}), "its log groups"),
        (widget("alarm", {"alarms": []}), "no alarm"),
        (widget("metric", {**GRAPH, "metrics": []}), "no metric"),
        (widget("metric", {**GRAPH, "metrics": [["A", "b", {"id": "A"}]]}), "small letter"),
        (widget("metric", {**GRAPH, "metrics": [["A", "b", {"id": "a"}]] * 2}), "not unique"),
        (widget("metric", {**GRAPH, "metrics": [["A", "b", {"name": "c"}]]}), "has ['name']"),
        (widget("metric", {**GRAPH, "metrics": [["A", "b", "c"]]}), "pairs of dimensions"),
        (widget("metric", {**GRAPH, "metrics": [[{"label": "l"}]]}), "neither a name nor an expression"),
        (widget("metric", {**GRAPH, "metrics": [["A", "b", {"stat": "Most"}]]}), "no statistic"),
        (widget("metric", {**GRAPH, "metrics": [["A", "b", {"visible": False}]]}), "shows nothing"),
    ],
)
def test_the_rules_find_each_fault(broken: Json, fault: str) -> None:
    body = broken if "widgets" in broken else {"widgets": [broken]}
    assert any(fault in each for each in list_faults(body))


def test_the_rules_accept_a_graph() -> None:
    assert list(list_faults({"widgets": [widget("metric", GRAPH)]})) == []


@pytest.mark.parametrize("resources", [WHOLE, LEAST], ids=["whole", "least"])
def test_no_widget_covers_another_one_and_no_row_has_gaps(resources: Json) -> None:
    cells = [
        (x, y)
        for each in list_widgets(resources)
        for x in range(each["x"], each["x"] + each["width"])
        for y in range(each["y"], each["y"] + each["height"])
    ]
    assert len(cells) == len(set(cells))
    assert len(cells) == 24 * (1 + max(y for _, y in cells))


def test_the_first_screen_answers_five_questions_in_order() -> None:
    texts = [each for each in list_widgets() if each["type"] == "text" and each["y"] < FIRST_SCREEN]
    asked = [
        found[1] for each in texts if (found := re.match(r"## ([1-5]\. [^\n]+\?)\n", each["properties"]["markdown"]))
    ]
    assert asked == [
        "1. Is it up?", "2. Who is refused?", "3. What changed?", "4. Who cannot read?", "5. What does it cost?",
    ]  # fmt: skip
    assert max(each["y"] + each["height"] for each in texts) == FIRST_SCREEN
    assert all("Normal: " in each["properties"]["markdown"] for each in texts[1:])


def test_each_text_names_sections_of_the_operations_page() -> None:
    headings = set(re.findall(r"^#+ (.+)$", (ROOT / "docs/OPERATIONS.md").read_text(), re.MULTILINE))
    texts = [each["properties"]["markdown"] for each in list_widgets() if each["type"] == "text"]
    named = [set(re.findall(r'"([^"]+)"', each)) for each in texts if each.startswith("## ") and "?" in each]
    assert all(named)
    assert set().union(*named) <= headings


def test_log_tables_are_saved_queries_that_need_nothing_filled_in() -> None:
    saved = {queries.for_dashboard(each.name) for each in queries.QUERIES}
    shown = {each["properties"]["query"] for each in list_widgets() if each["type"] == "log"}
    assert shown <= saved
    assert not any(word in query for word in queries.PLACEHOLDERS for query in shown)
    assert len(shown) == 6


def test_a_stage_without_access_log_and_probe_asks_for_neither() -> None:
    text = json.dumps(list_widgets(LEAST))
    assert "${AccessLogGroup}" in json.dumps(list_widgets())
    assert not re.search(r"\$\{(AccessLogGroup|Probe|Upkeep)\}|Throttled\"", text)


def test_every_alarm_is_shown_but_those_of_a_canary() -> None:
    [shown] = [each["properties"]["alarms"] for each in list_widgets() if each["type"] == "alarm"]
    assert shown == ["${SlowAlarm.Arn}"]


def test_metrics_of_aws_exist_with_these_dimensions() -> None:
    for namespace, name, *dimensions, _ in (each for each in list_metrics_shown() if len(each) > 1):
        if namespace != metrics.NAMESPACE:
            assert name in OF_AWS[namespace]
            assert ",".join(sorted(dimensions[::2])) in DIMENSIONS[namespace]


def test_own_metrics_are_those_that_the_code_emits() -> None:
    emitted = {(name, "service") for name in (*_of_requests(), *_of_schedules())}
    emitted |= {("${AWS::StackName}-Throttled", "")}
    shown = {
        (name, ",".join(dimensions[::2]))
        for namespace, name, *dimensions, _ in (each for each in list_metrics_shown() if len(each) > 1)
        if namespace == metrics.NAMESPACE
    }
    assert shown <= emitted
    assert {name for name, _ in shown} >= set(_of_schedules())


def _of_requests() -> set[str]:
    line: Json = {"status": 429, "code": "throttled", "denied": True, "unproven": True, "cold_start": True}
    written = Metrics("f", lambda: 0, "1").of(line) | Metrics("f", lambda: 0, "1").of({**line, "code": "contended"})
    return {name for name in written if name[0].isupper()}


def _of_schedules() -> set[str]:
    report = list_metrics(Report(code=None, age=1.0, duration_ms=1.0, certificate_days=1.0))
    tallied = measure_tally("f", 0, UpkeepTally())
    return {*report, *(name for name in tallied | measure_age("f", 0, 1.0) if name[0].isupper())}


def test_the_costs_count_the_metrics_that_the_code_emits() -> None:
    assert {*shipped.PROBE_METRICS, *shipped.UPKEEP_METRICS} == _of_schedules()


@pytest.mark.parametrize("expression", list_searches())
def test_a_search_names_a_schema_and_a_metric_that_exist(expression: str) -> None:
    found = re.fullmatch(
        r"SEARCH\('\{([^}]+)\}(?: [A-Za-z]+=\"[^\"]+\")* MetricName=\"(\w+)\"', '[a-zA-Z0-9]+', 60\)", expression
    )
    assert found
    namespace, _, dimensions = found[1].partition(",")
    if namespace == metrics.NAMESPACE:
        assert (dimensions, found[2]) in {
            ("FunctionName", "Age"), ("code,service", metrics.PROBLEMS),
            ("service,version", metrics.REFUSED), ("service,version", metrics.FAILED),
        }  # fmt: skip
    else:
        assert dimensions in DIMENSIONS[namespace]
        assert found[2] in OF_AWS[namespace]


def test_versions_are_found_by_search_in_the_metrics_that_a_canary_compares() -> None:
    by_version = [text for text in list_searches() if "ExecutedVersion" in text or f",{metrics.VERSION}" in text]
    assert {text.rpartition('MetricName="')[2].partition('"')[0] for text in by_version} == {
        "Invocations", "Errors", "Duration", metrics.REFUSED, metrics.FAILED,
    }  # fmt: skip


def _estimate(title: str, identifier: str, periods: list[dict[str, float | None]]) -> float | None:
    shown = [each[0] for each in _widget(title)["properties"]["metrics"] if "expression" in each[0]]
    [expression] = [each["expression"] for each in shown if each.get("id") == identifier]
    return evaluate_range(expression, periods)


def test_seldom_requests_cost_what_they_cost_and_not_more() -> None:
    """One of twelve periods has requests: the others count as nothing, so a month has 720 hours of that one period."""
    prices, service, polls = load(), Service(Lines(250, 300, 0), 1769, "arm64"), 600
    busy: dict[str, float | None] = {
        "r": polls, "i": polls, "d": polls * 5.0, "u": polls, "w": None, "b0": polls * 250.0, "b1": polls * 300.0,
        PERIOD: 300.0,
    }  # fmt: skip
    idle: dict[str, float | None] = {**dict.fromkeys(busy), PERIOD: 300.0}
    used = {name: units for name, units in service.poll().items() if name not in {"gb_out", "log_gb_kept"}}
    month = prices.cost(times(used, polls * 24 * 30)) + prices.cost(shipped.standing({"Resources": WHOLE}))
    title = "Cost at the rate of this time range"
    for hour in ([busy, *[idle] * 11], [*[idle] * 11, busy]):
        assert _estimate(title, "month", hour) == pytest.approx(float(month), abs=0.01)


def test_availability_is_of_all_requests_of_the_range() -> None:
    periods: list[dict[str, float | None]] = [
        {"r": 100.0, "f": None}, {"r": None, "f": None}, {"r": 300.0, "f": 2.0}, {"r": None, "f": None},
    ]  # fmt: skip
    assert _estimate("Probe and availability", "available", periods) == 99.5
    assert _estimate("Probe and availability", "available", periods[1:2]) is None


def test_every_metric_of_the_estimate_counts_as_nothing_while_it_is_missing() -> None:
    """Else a period without requests would be left out of the average, and seldom requests cost too much."""
    shown = _widget("Cost at the rate of this time range")["properties"]["metrics"]
    identifiers = {each[-1]["id"] for each in shown if each[-1].get("visible") is False}
    [month] = [each[0]["expression"] for each in shown if each[0] and each[-1].get("id") == "month"]
    assert identifiers
    for name in identifiers:
        assert re.search(rf"\b{name}\b", month)
        assert not re.search(rf"\b{name}\b", re.sub(rf"FILL\({name}, 0\)|PERIOD\({name}\)", "", month))


def test_figures_of_the_probe_say_when_they_were_reported() -> None:
    """A widget shows the last value, however old."""
    shown = _widget("Probe and availability")["properties"]["metrics"]
    of_probe = [each[-1]["label"] for each in shown if str(each[1:2]).startswith("['Probe")]
    assert len(of_probe) == 2
    assert all(label.endswith("${!LAST_TIME_RELATIVE}") for label in of_probe)


def test_readers_refused_by_the_gateway_are_shown_if_they_are_logged() -> None:
    titles = [each["properties"].get("title") for each in list_widgets()]
    assert "Refused by API Gateway, longest first" in titles
    least = [each["properties"].get("title") for each in list_widgets(LEAST)]
    assert "Refused by API Gateway, longest first" not in least
    [refused] = [each for each in list_widgets(LEAST) if each["properties"].get("title") == "Refused a minute"]
    assert ["AWS/ApiGateway", "4XXError"] in [each[:2] for each in refused["properties"]["metrics"]]


def _widget(title: str) -> Json:
    [found] = [each for each in list_widgets() if each["properties"].get("title") == title]
    return found


def _calculate(title: str, identifier: str, values: dict[str, float | None]) -> float | None:
    shown = [each[0] for each in _widget(title)["properties"]["metrics"] if "expression" in each[0]]
    [expression] = [each["expression"] for each in shown if each.get("id") == identifier]
    return evaluate([{"Id": "e", "Expression": expression, "ReturnData": True}], values)


def test_availability_is_the_share_of_answers_that_are_not_5xx() -> None:
    assert _calculate("Probe and availability", "available", {"r": 200.0, "f": 3.0}) == 98.5
    assert _calculate("Probe and availability", "available", {"r": 200.0, "f": None}) == 100
    assert _calculate("Probe and availability", "available", {"r": None, "f": None}) is None


def test_the_estimate_agrees_with_the_computed_costs() -> None:
    prices, service = load(), Service(Lines(250, 300, 0), 1769, "arm64")
    polls = 1000 * 5
    used = times(service.poll(), polls)
    values: dict[str, float | None] = {
        "r": polls, "i": polls, "d": polls * 5.0, "u": polls, "w": None, "b0": polls * 250.0, "b1": polls * 300.0,
        PERIOD: 300.0,
    }  # fmt: skip
    seen = {name: units for name, units in used.items() if name not in {"gb_out", "log_gb_kept"}}
    month = prices.cost(times(seen, 12 * 24 * 30)) + prices.cost(shipped.standing({"Resources": WHOLE}))
    found = _calculate("Cost at the rate of this time range", "month", values)
    assert found == pytest.approx(float(month), abs=0.01)
    day = _calculate("Cost at the rate of this time range", "day", values)
    assert day == pytest.approx(float(month) / 30, abs=0.01)
    parts = [
        _calculate("Cost of requests by part, $ a day", name, values) for name in ("gateway", "lambda", "table", "logs")
    ]
    assert sum(parts) == pytest.approx(float(prices.cost(times(seen, 12 * 24)))), parts  # type: ignore[arg-type]


def test_a_stage_without_requests_costs_its_fixed_part() -> None:
    values = {**dict.fromkeys("riduw"), "b0": None, "b1": None, PERIOD: 300.0}
    found = _calculate("Cost at the rate of this time range", "month", values)
    assert found == pytest.approx(float(load().cost(shipped.standing({"Resources": WHOLE}))), abs=0.01)


def test_prod_s_dashboard_is_drawn_of_what_prod_has(built_package: Package) -> None:
    expanded = expand_stage(built_package.template, load_unfinished("prod"))["Resources"]
    text = expanded["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    assert set(re.findall(r"\$\{(?!AWS::)(\w+)", text)) <= expanded.keys()
    assert "${ThrottledAlarm.Arn}" in text
    assert "${AccessLogGroup}" in text
    standing = load().cost(shipped.standing({"Resources": expanded})).quantize(Decimal("0.01"))
    assert f"with {standing} fixed" in text


def test_an_existing_table_is_named_in_the_dashboard(built_package: Package) -> None:
    stage = load_unfinished("prod")
    table = stage.table.model_copy(update={"name": "restored", "kms_key": "arn:aws:kms:us-east-1:111122223333:key/1"})
    expanded = expand_stage(built_package.template, stage.model_copy(update={"table": table}))["Resources"]
    text = expanded["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    assert '"TableName","restored"' in text
    assert "${ConfigTable}" not in text
