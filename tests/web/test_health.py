"""Health reports what it checked. Deep health reads the table, and gives the reason of a failure without names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from configsvc.adapters.dynamo import DynamoRepository
from configsvc.adapters.memory import MemoryRepository
from configsvc.adapters.system import Elapsed
from configsvc.bootstrap import build_app
from configsvc.model.errors import Internal
from configsvc.service.engine.ports import ServicePorts, StoreUnavailable
from configsvc.service.engine.records import Record, RecordAddress
from configsvc.web.api import RestApi
from tests.support.service.fakes import FakeClock
from tests.support.web.apps import ask_for_proof, build_memory_ports, make_ticking_clock, parse_problem, refuse_ports
from tests.support.web.events import build_event
from tests.support.web.lines import Lines

DEEP = {"deep": ["true"]}
PLACE = "arn:aws:dynamodb:eu-central-1:123456789012:table/secret-table"


class Store(MemoryRepository):
    """A table that may fail, and counts reads."""

    def __init__(self, fault: Exception | None = None) -> None:
        super().__init__()
        self.fault = fault
        self.reads = list[Sequence[RecordAddress]]()

    def get(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        self.reads.append(addresses)
        if self.fault:
            raise self.fault
        return super().get(addresses)


class Client:
    """A DynamoDB client that answers every call with an error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def get_item(self, **_request: object) -> dict[str, Any]:
        raise self.error


def make_aws_refusal(code: str, status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": PLACE}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "GetItem")


def build_app_over(repository: Any, clock: FakeClock | None = None, lines: Lines | None = None) -> RestApi:  # noqa: ANN401  # any store
    ports = build_memory_ports()._replace(repository=repository)
    elapsed = (clock or FakeClock()).monotonic
    return build_app(ports.within, lines or Lines(), ask_for_proof, make_ticking_clock(), elapsed)


def ask_deep(app: RestApi, query: dict[str, list[str]] | None = DEEP) -> dict[str, Any]:
    made: dict[str, Any] = app(build_event("GET", "/v1/health", identity={}, query=query), None)
    return made


def test_s39_plain_health_reports_that_the_table_was_not_read() -> None:
    store = Store()
    for query in (None, {"deep": ["false"]}):
        assert json.loads(ask_deep(build_app_over(store), query)["body"]) == {"status": "ok", "table": "not_checked"}
    assert store.reads == []


def test_deep_health_reads_one_small_record() -> None:
    store = Store()
    assert json.loads(ask_deep(build_app_over(store))["body"]) == {"status": "ok", "table": "readable"}
    assert [len(each) for each in store.reads] == [1]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (make_aws_refusal("AccessDeniedException"), "table_denied"),
        (make_aws_refusal("ResourceNotFoundException"), "table_missing"),
        pytest.param(make_aws_refusal("ThrottlingException"), "table_unavailable", marks=pytest.mark.slow),
        pytest.param(make_aws_refusal("InternalServerError", 500), "table_unavailable", marks=pytest.mark.slow),
        (make_aws_refusal("UnrecognizedClientException"), "table_unreachable"),
        (NoCredentialsError(), "table_unreachable"),
    ],
)
def test_s39_an_unreadable_table_is_503_with_a_reason_but_no_name(error: Exception, reason: str) -> None:
    lines, client = Lines(), Client(error)
    made = ask_deep(build_app_over(DynamoRepository(client, "secret-table"), lines=lines))  # type: ignore[arg-type]  # responds like one
    found = parse_problem(made)
    assert (made["statusCode"], found["code"], found["reason"]) == (503, "unavailable", reason)
    assert made["headers"]["Retry-After"] == "5"
    assert not any(each in made["body"] for each in (PLACE, "secret-table", "123456789012", "Traceback", "Exception"))
    assert [each["status"] for each in lines.kept] == [503]
    assert type(error).__name__ in lines.text


def test_late_credentials_are_not_reported_as_wrong_settings() -> None:
    def late(_seconds: float) -> ServicePorts:
        raise StoreUnavailable("The service does not have credentials for its table yet.", retry_after=1)

    assert (
        parse_problem(ask_deep(build_app(late, Lines(), ask_for_proof, make_ticking_clock())))["reason"]
        == "table_unreachable"
    )


@pytest.mark.parametrize("fault", [StoreUnavailable("no credentials"), Internal("CONFIGSVC_TABLE is not set.")])
def test_a_check_that_cannot_start_is_not_repeated_for_some_seconds(fault: Exception) -> None:
    clock, begun = FakeClock(), list[float]()

    def ports(seconds: float) -> ServicePorts:
        begun.append(seconds)
        raise fault

    app = build_app(ports, Lines(), ask_for_proof, make_ticking_clock(), clock.monotonic)
    assert {parse_problem(ask_deep(app))["reason"] for _ in range(50)} <= {"table_unreachable", "misconfigured"}
    assert len(begun) == 1
    clock.pass_by(5)
    ask_deep(app)
    assert len(begun) == 2


def test_a_result_from_before_a_freeze_does_not_count() -> None:
    monotonic, wall, store = FakeClock(), FakeClock(), Store()
    app = build_app(
        build_memory_ports()._replace(repository=store).within, Lines(), ask_for_proof, make_ticking_clock(),
        Elapsed(monotonic.monotonic, wall.monotonic),
    )  # fmt: skip
    assert ask_deep(app)["statusCode"] == 200
    store.fault = StoreUnavailable("busy")
    wall.pass_by(60)
    assert ask_deep(app)["statusCode"] == 503


def test_an_unknown_fault_is_unready_too() -> None:
    assert parse_problem(ask_deep(build_app_over(Store(RuntimeError("x")))))["reason"] == "table_unreachable"


def test_missing_settings_are_unready() -> None:
    def unset(_seconds: float) -> ServicePorts:
        raise Internal("CONFIGSVC_TABLE is not set.")

    lines = Lines()
    app = build_app(unset, lines, ask_for_proof, make_ticking_clock())
    made = ask_deep(app)
    assert parse_problem(made)["reason"] == "misconfigured"
    assert "CONFIGSVC_TABLE" not in made["body"]
    assert "CONFIGSVC_TABLE is not set." in lines.text
    assert ask_deep(app, None)["statusCode"] == 200


def test_a_deep_check_reports_unreadable_settings() -> None:
    def proof() -> Any:  # noqa: ANN401  # never returns
        raise Internal("CONFIGSVC_PROOF_SHA256 is not set.")

    app = build_app(refuse_ports, Lines(), proof, make_ticking_clock())
    assert parse_problem(ask_deep(app))["reason"] == "misconfigured"


def test_a_deep_result_is_reused_for_some_seconds() -> None:
    for fault in (None, StoreUnavailable("busy")):
        store, clock = Store(fault), FakeClock()
        app = build_app_over(store, clock)
        first = [ask_deep(app)["statusCode"] for _ in range(50)]
        assert (len(store.reads), len(set(first))) == (1, 1)
        clock.pass_by(5)
        ask_deep(app)
        assert len(store.reads) == 2


def test_a_recovered_table_is_noticed() -> None:
    store, clock = Store(StoreUnavailable("busy")), FakeClock()
    app = build_app_over(store, clock)
    assert ask_deep(app)["statusCode"] == 503
    store.fault = None
    clock.pass_by(5)
    assert ask_deep(app)["statusCode"] == 200


@pytest.mark.parametrize("value", ["", "1", "TRUE", "yes"])
def test_deep_is_true_or_false(value: str) -> None:
    assert ask_deep(build_app_over(Store()), {"deep": [value]})["statusCode"] == 400


def test_a_direct_invocation_may_only_ask_for_deep_health() -> None:
    store = Store()
    sent = build_event("GET", "/v1/health", identity={}, query=DEEP)
    sent["stageVariables"] = None
    assert json.loads(build_app_over(store)(sent, None)["body"])["table"] == "readable"
    sent["multiValueQueryStringParameters"] = {"deep": ["true"], "x": ["y"]}
    assert json.loads(build_app_over(store)(sent, None)["body"])["table"] == "not_checked"
