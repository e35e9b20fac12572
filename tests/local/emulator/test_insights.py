"""The addition that Logs Insights queries are saved and answered: needed, and working through the API."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.cloudformation.queries import QUERIES, Query
from local.clients import make_client_arguments
from local.emulator.insights.engine import Event, run
from local.emulator.launcher import Emulator
from tests.support.infra.sample_logs import BEGAN, make_logs

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

pytestmark = pytest.mark.emulator


def connect(emulator: Emulator) -> CloudWatchLogsClient:
    return boto3.client("logs", **make_client_arguments(emulator.url))


def write(logs: CloudWatchLogsClient, events: Sequence[Event], seconds: int) -> str:
    """A new log group with these events, so many seconds later."""
    group = f"insights-{uuid4().hex[:8]}"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    sent = [{"timestamp": each.milliseconds + seconds * 1000, "message": each.message} for each in events]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=sent)  # type: ignore[arg-type]  # a TypedDict
    return group


def ask(logs: CloudWatchLogsClient, group: str, text: str, seconds: int) -> list[dict[str, str]]:
    window = {"startTime": BEGAN + seconds, "endTime": BEGAN + seconds + 3600}
    started = logs.start_query(logGroupName=group, queryString=text, **window)  # type: ignore[arg-type]  # two integers
    answered = logs.get_query_results(queryId=started["queryId"])
    assert answered["status"] == "Complete"
    return [{each["field"]: each["value"] for each in row} for row in answered["results"]]


@pytest.fixture(scope="module")
def now() -> int:
    """Seconds from the sample logs to the present: events far from it are refused."""
    return int(time.time()) - BEGAN - 600


@pytest.fixture(scope="module")
def groups(emulator: Emulator, now: int) -> dict[str, str]:
    return {name: write(connect(emulator), events, now) for name, events in make_logs().items()}


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_each_saved_query_is_answered_through_the_api(
    query: Query, emulator: Emulator, groups: dict[str, str], now: int
) -> None:
    text = query.text.replace("NAMESPACE", "payments.prod").replace("API_KEY_ID", "a1b2c3d4e5")
    text = text.replace("CORRELATION_ID", "trace-1")
    found = ask(connect(emulator), groups[query.log], text, now)
    expected = run(text, [Event(each.milliseconds + now * 1000, each.message) for each in make_logs()[query.log]])
    assert found
    assert [row.keys() for row in found] == [row.keys() for row in expected]
    assert [row.get("requests") for row in found] == [row.get("requests") for row in expected]


def test_queries_are_saved_found_by_prefix_changed_and_deleted(emulator: Emulator) -> None:
    logs, prefix = connect(emulator), f"{uuid4().hex[:8]}/"
    made = logs.put_query_definition(name=f"{prefix}a", queryString="stats count(*)", logGroupNames=["g"])
    logs.put_query_definition(name=f"{prefix}a", queryString="limit 1", queryDefinitionId=made["queryDefinitionId"])
    [found] = logs.describe_query_definitions(queryDefinitionNamePrefix=prefix)["queryDefinitions"]
    assert (found["name"], found["queryString"], found.get("logGroupNames")) == (f"{prefix}a", "limit 1", None)
    assert logs.delete_query_definition(queryDefinitionId=made["queryDefinitionId"])["success"]
    assert logs.describe_query_definitions(queryDefinitionNamePrefix=prefix)["queryDefinitions"] == []


def test_saved_queries_survive_a_restart_and_its_results_are_no_definitions(tmp_path: Path, now: int) -> None:
    with Emulator(log=tmp_path / "log", state=tmp_path / "state") as first:
        logs = connect(first)
        logs.put_query_definition(name="kept", queryString="limit 1")
        group = write(logs, [Event(BEGAN * 1000, "{}")], now)
        assert ask(logs, group, "limit 1", now)[0]["@message"] == "{}"
    with Emulator(log=tmp_path / "log", state=tmp_path / "state") as second:
        found = connect(second).describe_query_definitions()["queryDefinitions"]
    assert [each["name"] for each in found] == ["kept"]


def test_a_wrong_query_is_malformed(emulator: Emulator, now: int) -> None:
    logs = connect(emulator)
    group = write(logs, [Event(BEGAN * 1000, "{}")], now)
    with pytest.raises(ClientError, match="MalformedQueryException"):
        ask(logs, group, "grep status", now)


def test_a_field_that_no_line_has_is_empty(emulator: Emulator, now: int) -> None:
    logs = connect(emulator)
    group = write(logs, [Event(BEGAN * 1000, '{"a": 1}')], now)
    assert ask(logs, group, "filter ispresent(b) | fields b", now) == []


def test_the_stock_emulator_neither_saves_nor_counts(stock_emulator: Emulator, now: int) -> None:
    logs = connect(stock_emulator)
    group = write(logs, [Event(BEGAN * 1000, '{"a": 1}')], now)
    assert "total" not in ask(logs, group, "stats count(*) as total", now)[0]
    with pytest.raises(ClientError):
        logs.put_query_definition(name="x", queryString="limit 1")
