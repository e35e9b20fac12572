"""Every saved query finds the known answers in logs that the real code wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pytest

from infra.cloudformation.queries import PLACEHOLDERS, QUERIES, Query
from local.emulator.insights.engine import Event, Row, run
from local.emulator.insights.language import InsightsError, Typing
from tests.support.infra.sample_logs import BEGAN, CLIENT, make_logs
from tests.support.web.apps import build_whole_app
from tests.support.web.lines import Lines

VALUES = {"NAMESPACE": "payments.prod", "API_KEY_ID": "a1b2c3d4e5", "CORRELATION_ID": "trace-1"}
TIMES = {"@timestamp", "first_seen", "last_seen", "since", "time"}
NUMBER = re.compile(r"-?\d+\.\d+")
SNAPSHOT, ONE, SEVERAL = "/v1/namespaces/{namespace}/snapshot", "/v1/namespaces/{namespace}/keys/{key}", "/v1/snapshots"
ANN = "arn:aws:iam::123456789012:role/Admin"
READER, STRANGER, JANE = "api-key:readerkey", "api-key:a1b2c3d4e5", "arn:aws:iam::123456789012:role/Developer"
OFFICE, HOME, CURL = "203.0.113.9", "198.51.100.7", 'curl/8 "x" Task timed out'

Known = dict[str, object]
"""Members of a row: times as seconds after the logs begin; None for a member that the row has not."""

# tests/support/infra/sample_logs.py has the story; these answers were worked out by hand.
KNOWN: dict[str, list[Known]] = {
    "errors": [
        {"@timestamp": 90, "status": 503, "code": "unavailable", "fault": "StoreUnavailable",
         "namespace": "payments.prod", "causes.0": "ConnectionError", "detail": "The table cannot be reached.",
         "correlation_id": "request-90", "version": 7},
    ],
    "crashes": [
        {"@timestamp": 140, "@message": "RequestId: 1 Error: Runtime exited with error: signal: killed"},
        {"@timestamp": 130, "@message": "2027-01-15T08:02:10.000Z 1 Task timed out after 10.01 seconds"},
    ],
    "request": [{"@timestamp": 110, "level": "info", "method": "GET", "route": ONE, "status": 200, "principal": JANE,
                 "source_ip": HOME, "user_agent": CLIENT}],
    "who-read": [
        {"route": ONE, "principal": JANE, "api_key": "api-key:devkey", "source_ip": HOME, "last_seen": 110},
        {"route": SEVERAL, "principal": READER, "namespace": "payments.prod,payments.prod2", "last_seen": 80},
        {"route": SNAPSHOT, "principal": READER, "api_key": READER, "source_ip": OFFICE, "user_agent": CLIENT,
         "namespace": "payments.prod", "requests": 2, "first_seen": 0, "last_seen": 30},
    ],
    "who-wrote": [
        {"@timestamp": 100, "status": 429, "code": "contended", "principal": JANE, "revision": None},
        {"@timestamp": 60, "status": 404, "principal": STRANGER, "source_ip": "192.0.2.66", "user_agent": CURL},
        {"@timestamp": 20, "status": 201, "principal": JANE, "method": "PUT", "route": ONE, "revision": 3,
         "source_ip": HOME, "user_agent": CLIENT, "correlation_id": "request-20"},
    ],
    "changes": [
        {"@timestamp": 20, "namespace": "payments.prod", "method": "PUT", "revision": 3, "principal": JANE},
        {"@timestamp": 6, "namespace": None, "method": "PUT", "route": "/v1/grants", "principal": ANN},
    ],
    "key-read": [
        {"method": "PUT", "route": ONE, "status": 404, "requests": 1, "first_seen": 60, "last_seen": 60},
        {"method": "GET", "route": SNAPSHOT, "namespace": "payments.prod", "status": 404, "source_ip": "192.0.2.66",
         "user_agent": CURL, "requests": 2, "first_seen": 40, "last_seen": 50},
    ],
    "forbidden": [
        {"principal": STRANGER, "method": "GET", "status": 404, "requests": 2, "first_seen": 40, "last_seen": 50},
        {"principal": STRANGER, "method": "PUT", "status": 404, "requests": 1, "namespace": "payments.prod"},
    ],
    "failing-readers": [
        {"principal": STRANGER, "namespace": "payments.prod", "code": "not_found", "since": 40, "last_seen": 50},
        {"principal": READER, "namespace": "payments.prod", "status": 503, "since": 90, "requests": 1},
    ],
    "contended": [{"namespace": "payments.prod", "principal": JANE, "requests": 1}],
    "unproven": [{"@timestamp": 70, "request_id": "invocation-70", "method": "GET", "route": SNAPSHOT, "status": 403}],
    "slow": [{"@timestamp": 110, "duration_ms": 2000, "route": ONE, "correlation_id": "trace-1", "cold_start": 0}],
    "cold-starts": [{"time": 0, "cold_starts": 1, "p50_ms": 20, "max_ms": 20}],
    "revisions": [
        {"namespace": "payments.prod", "newest": 3, "last_seen": 110},
        {"namespace": "payments.prod2", "newest": 1, "last_seen": 120},
    ],
    "who-polled": [
        {"route": SEVERAL, "api_key": "a1b2c3d4e5", "source_ip": "192.0.2.66", "requests": 1, "last_seen": 40},
        {"route": SNAPSHOT, "api_key": "a1b2c3d4e5", "source_ip": "192.0.2.66", "user_agent": 'cu"rl/8', "requests": 1,
         "last_seen": 30},
        {"route": SNAPSHOT, "source_ip": OFFICE, "user_agent": CLIENT, "requests": 3, "first_seen": 0, "last_seen": 20},
    ],
    "key-use": [
        {"status": 504, "refused": "INTEGRATION_TIMEOUT", "last_seen": 100},
        {"status": 429, "refused": "THROTTLED", "last_seen": 80},
        {"status": 200, "source_ip": "192.0.2.66", "requests": 4, "first_seen": 30, "last_seen": 55},
        {"status": 304, "source_ip": OFFICE, "requests": 2, "first_seen": 10, "last_seen": 20},
        {"status": 200, "source_ip": OFFICE, "requests": 1, "user_agent": CLIENT},
    ],
    "keys-in-use": [
        {"api_key": "a1b2c3d4e5", "requests": 9, "addresses": 2, "first_seen": 0, "last_seen": 100},
        {"api_key": "f6g7h8i9j0", "requests": 1, "addresses": 1, "last_seen": 90},
    ],
    "gateway-refusals": [
        {"status": 403, "refused": "INVALID_API_KEY", "source_ip": "192.0.2.66", "requests": 2, "last_seen": 70},
        {"status": 429, "refused": "THROTTLED", "api_key": "a1b2c3d4e5", "requests": 1},
        {"status": 504, "refused": "INTEGRATION_TIMEOUT", "fault": "Endpoint request timed out", "requests": 1},
        {"status": 403, "refused": "ACCESS_DENIED", "principal": "arn:aws:iam::123456789012:user/joe", "requests": 1},
    ],
    "refused-readers": [
        {"refused": "INVALID_API_KEY", "api_key": "-", "source_ip": "192.0.2.66", "since": 60, "last_seen": 70,
         "requests": 2},
        {"refused": "THROTTLED", "api_key": "a1b2c3d4e5", "source_ip": OFFICE, "since": 80, "requests": 1},
        {"refused": "INTEGRATION_TIMEOUT", "api_key": "a1b2c3d4e5", "since": 100, "requests": 1},
    ],
    "throttled": [
        {"api_key": "a1b2c3d4e5", "refused": "THROTTLED", "requests": 1, "last_seen": 80},
        {"api_key": "f6g7h8i9j0", "refused": "-", "requests": 1, "last_seen": 90},
    ],
    "broken-lines": [{"@timestamp": 120}],
    "upkeep": [
        {"@timestamp": 200, "level": "error", "namespaces": 2, "rotation_due": 0},
        {"@timestamp": 100, "level": "info", "namespaces": 2, "skipped": 0, "data_keys_due": 0},
    ],
    "upkeep-failures": [
        {"@timestamp": 200, "task": "upkeep", "namespace": "configsvc.probe", "fault": "StoreUnavailable",
         "causes.0": "ConnectionError"},
        {"@timestamp": 200, "task": "upkeep", "namespace": None},
    ],
    "upkeep-crashes": [{"@timestamp": 200, "@message": "[ERROR] TaskFailed"}],
    "probe-crashes": [{"@timestamp": 120}],
    "probe-failures": [{"@timestamp": 60, "code": "status", "CertificateDays": 30, "ProbeAge": None}],
}  # fmt: skip


@pytest.fixture(scope="module")
def logs() -> dict[str, list[Event]]:
    return make_logs()


def fill(query: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        query = query.replace(name, value)
    return query


def ask(query: Query, logs: dict[str, list[Event]], typing: Typing) -> list[Row]:
    found = run(fill(query.text, VALUES), logs[query.log], typing)
    return [{name: normalize(name, value) for name, value in row.items()} for row in found]


def normalize(name: str, value: str) -> str:
    """A time as seconds after the beginning; a number and a boolean as Logs Insights may print it."""
    if name in TIMES:
        return f"{int(value) / 1000 - BEGAN:g}"
    return f"{float(value):g}" if NUMBER.fullmatch(value) else {"true": "1", "false": "0"}.get(value, value)


def matches(row: Row, known: Known) -> bool:
    return {name: row.get(name) for name in known} == {
        name: value if value is None else str(value) for name, value in known.items()
    }


@pytest.mark.parametrize("typing", Typing)
@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_each_query_finds_the_known_answers(query: Query, typing: Typing, logs: dict[str, list[Event]]) -> None:
    found, known = ask(query, logs, typing), KNOWN[query.name]
    times = [sum(matches(row, each) for row in found) for each in known]
    assert (times, len(found)) == ([1] * len(known), len(known)), found


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_each_query_answers_in_the_known_order(query: Query, logs: dict[str, list[Event]]) -> None:
    [field] = re.findall(r"\| sort (\S+) (?:asc|desc)", query.text)
    found = ask(query, logs, Typing.JSON)
    known = [row[field] for each in KNOWN[query.name] for row in found if matches(row, each)]
    assert [row[field] for row in found] == known  # rows that are equal by it may come in any order


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_a_list_of_groups_or_writers_is_as_long_as_an_answer_may_be(query: Query) -> None:
    """10,000 rows ("CloudWatch Logs Insights query syntax: limit"): who comes after the last row is overlooked."""
    [limit] = re.findall(r"\| limit (\d+)$", query.text) or ["10000"]
    assert limit in {"100", "10000"}
    assert limit == "10000" or "stats" not in query.text


def test_no_value_and_no_secret_is_in_any_log(logs: dict[str, list[Event]]) -> None:
    assert not [event for events in logs.values() for event in events if "canary" in event.message]


def test_every_placeholder_is_known_and_used() -> None:
    named = {word for query in QUERIES for word in re.findall(r"\b[A-Z]{3,}(?:_[A-Z]+)*\b", query.text)}
    assert named - {"GET", "PUT", "POST", "DELETE", "ERROR"} == set(PLACEHOLDERS) == set(VALUES)


def test_the_queries_know_the_methods_of_all_writes() -> None:
    methods = {route.method for route in build_whole_app(Lines()).described} - {"GET"}
    for name in ("who-wrote", "changes"):
        [query] = [each for each in QUERIES if each.name == name]
        assert set(json.loads(query.text[query.text.index("[") : query.text.index("]") + 1])) == methods


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("filter nothing = 1", "no line has the field"),
        ("grep status", "no command"),
        ("stats median(status) by route", "no function"),
        ("filter status > ", "expected a text"),
        ("fields status | sort status", "in which order"),
        ("filter status ~ 4", "cannot read"),
        ("stats count(*) by route | fields status", "no line has the field"),
    ],
)
def test_a_wrong_query_is_refused(text: str, why: str, logs: dict[str, list[Event]]) -> None:
    with pytest.raises(InsightsError, match=why):
        run(text, logs["ApiHandlerLogGroup"], Typing.JSON)
