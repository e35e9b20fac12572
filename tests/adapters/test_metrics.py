"""Log lines count problems and cold starts in CloudWatch's embedded metric format, and nothing else."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from configsvc.adapters.metrics import JsonLog, Metrics, measure
from configsvc.model.errors import ConfigsvcError, Contended, Throttled
from configsvc.web.handling import choose_level

METRICS = Metrics("configsvc-prod-api", lambda: 1_700_000_000_123, "7")


def list_metrics(line: dict[str, object]) -> dict[tuple[str, ...], list[str]]:
    """The metrics by their dimensions, as CloudWatch would extract them."""
    found: dict[str, Any] = METRICS.of(line)
    document: dict[str, Any] = {**line, **found}
    taken: dict[tuple[str, ...], list[str]] = {}
    for directive in found.get("_aws", {}).get("CloudWatchMetrics", []):
        assert directive["Namespace"] == "configsvc"
        for dimensions in directive["Dimensions"]:
            assert all(isinstance(document[name], str) for name in dimensions)
            for metric in directive["Metrics"]:
                assert isinstance(document[metric["Name"]], int)
                taken.setdefault(tuple(dimensions), []).append(metric["Name"])
    return taken


def test_a_problem_is_counted_in_total_by_code_and_by_version() -> None:
    line = {"status": 403, "code": "forbidden", "cold_start": False}
    assert list_metrics(line) == {
        ("service",): ["Problems", "Refused"],
        ("service", "code"): ["Problems"],
        ("service", "version"): ["Refused"],
    }
    assert METRICS.of(line)["version"] == "7"


@pytest.mark.parametrize(
    ("status", "metric"), [(400, "Refused"), (429, "Refused"), (499, "Refused"), (500, "Failed"), (503, "Failed")]
)
def test_refusals_and_failures_are_counted_apart_by_version(status: int, metric: str) -> None:
    assert list_metrics({"status": status, "code": "x"})["service", "version"] == [metric]


def test_a_direct_invocation_does_not_count_against_a_version() -> None:
    counted = list_metrics({"status": 403, "code": "forbidden", "unproven": True})
    assert counted == {("service",): ["Problems", "Unproven"], ("service", "code"): ["Problems"]}


def test_a_problem_without_a_code_is_counted_in_total() -> None:
    assert list_metrics({"status": 500, "code": None}) == {
        ("service",): ["Problems", "Failed"],
        ("service", "version"): ["Failed"],
    }


@pytest.mark.parametrize(("status", "code"), [(403, "forbidden"), (404, "not_found")])
def test_denials_are_counted_whatever_the_response(status: int, code: str) -> None:
    line = {"status": status, "code": code, "denied": True}
    assert list_metrics(line)["service",] == ["Problems", "Refused", "Denied"]
    assert "Denied" not in list_metrics(line | {"denied": False})["service",]


@pytest.mark.parametrize(("error", "metric"), [(Contended, "Contended"), (Throttled, "StoreBusy")])
def test_retryable_refusals_have_metrics_of_their_own_and_are_no_errors(
    error: type[ConfigsvcError], metric: str
) -> None:
    line = {"status": error.status, "code": error.code}
    assert list_metrics(line)["service",] == ["Problems", "Refused", metric]
    assert error.status < 500
    assert choose_level(error.status, cold=False) == "warning"


def test_a_cold_start_is_counted_too() -> None:
    assert list_metrics({"status": 200, "cold_start": True}) == {("service",): ["ColdStarts"]}
    assert list_metrics({"status": 404, "code": "not_found", "cold_start": True})["service",] == [
        "Problems",
        "Refused",
        "ColdStarts",
    ]


@pytest.mark.parametrize("status", [200, 304])
def test_a_warm_success_has_no_metrics(status: int) -> None:
    assert METRICS.of({"status": status, "code": None, "cold_start": False}) == {}


def test_the_line_stays_one_json_object_with_the_time_in_milliseconds() -> None:
    stream = io.StringIO()
    JsonLog(stream, "info", METRICS).line("warning", status=403, code="forbidden", cold_start=False)
    (text,) = stream.getvalue().splitlines()
    line = json.loads(text)
    assert (line["level"], line["service"]) == ("warning", "configsvc-prod-api")
    assert line["_aws"]["Timestamp"] == 1_700_000_000_123


def test_without_metrics_nothing_is_counted() -> None:
    stream = io.StringIO()
    JsonLog(stream, "info").line("warning", status=403)
    assert json.loads(stream.getvalue()) == {"level": "warning", "status": 403}


def test_a_line_carries_measured_values_with_their_units() -> None:
    line = measure("payments-upkeep", 1_700_000_000_123, {"UpkeepAge": (12.5, "Seconds"), "RotationDue": (3, "Count")})
    assert line == {
        "UpkeepAge": 12.5, "RotationDue": 3, "service": "payments-upkeep",
        "_aws": {
            "Timestamp": 1_700_000_000_123,
            "CloudWatchMetrics": [
                {
                    "Namespace": "configsvc", "Dimensions": [["service"]],
                    "Metrics": [{"Name": "UpkeepAge", "Unit": "Seconds"}, {"Name": "RotationDue", "Unit": "Count"}],
                }
            ],
        },
    }  # fmt: skip
