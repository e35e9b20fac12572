"""The API follows its OpenAPI document for any request: no 5xx, no undocumented response, bad data refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.gateway.event import Event
from local.gateway.gateway import Target
from tests.fuzz.run import Ran, fuzz
from tests.fuzz.seeds import sow
from tests.support.journeys.api import Api
from tests.support.journeys.local_stage import memory_app, new_cast, stage_before
from tests.support.journeys.stage import Stage
from tests.support.journeys.texts import Texts

PHASES = frozenset({"examples", "coverage", "fuzzing", "stateful"})
DOCUMENT = "/v1/openapi.json"

Answer = dict[str, Any]


@contextmanager
def stage_with(wrapped: Callable[[Target], Target]) -> Iterator[Stage]:
    """The API over a table in memory with seed data, behind a wrapper."""
    cast = new_cast()
    app = memory_app(Texts(), cast)
    with stage_before(wrapped(lambda event: app(event, None)), app.routes, cast) as stage:
        sow(Api(stage.url, stage.region), stage)
        yield stage


def run_fuzz(scratch: Path, *options: str, wrapped: Callable[[Target], Target] = lambda target: target) -> Ran:
    with stage_with(wrapped) as stage:
        return fuzz(stage, scratch, stage.url + DOCUMENT, *options)


def check(found: Ran, least: int, phases: frozenset[str] = PHASES) -> None:
    """Checks that all operations were tested without findings."""
    assert found.returncode == 0, found.output[-8000:]
    assert found.report["test_cases"]["generated"] >= least
    assert found.report["test_cases"]["unique_failures"] == found.report["test_cases"]["errored"] == 0
    assert found.report["operations"]["tested"] == found.report["operations"]["total"] > 0
    assert {name for name, phase in found.report["phases"].items() if phase["status"] == "success"} == phases


@pytest.mark.slow
def test_a_few_hundred_requests_are_answered_as_documented(tmp_path: Path) -> None:
    phases = PHASES - {"coverage"}
    options = ("--phases", ",".join(sorted(phases)), "--max-examples", "6", "--seed", "1")
    check(run_fuzz(tmp_path, *options), 300, phases)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_thousands_of_requests_are_answered_as_documented(tmp_path: Path) -> None:
    check(run_fuzz(tmp_path, "--max-examples", "40", "--seed", "1"), 2000)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_twenty_thousand_random_requests_are_answered_as_documented(tmp_path: Path) -> None:
    check(run_fuzz(tmp_path, "--max-examples", "500"), 20_000)


def fail_always(_event: Event, _made: Answer) -> Answer:
    raise RuntimeError


def drop_member(_event: Event, made: Answer) -> Answer:
    body = json.loads(made["body"])
    body.pop("revision", None)
    return {**made, "body": json.dumps(body)}


def answer_wrong_status(_event: Event, made: Answer) -> Answer:
    return {**made, "statusCode": 402}


def drop_header(_event: Event, made: Answer) -> Answer:
    return {**made, "headers": {name: each for name, each in made["headers"].items() if name != "ETag"}}


def accept_anything(event: Event, made: Answer) -> Answer:
    return {**made, "statusCode": 404} if event["queryStringParameters"] else made


NAMESPACE = "/v1/namespaces/{namespace}"
PLANTED: dict[str, tuple[Callable[[Event, Answer], Answer], str]] = {
    f"{NAMESPACE}/data-keys": (fail_always, "Server error"),
    NAMESPACE: (drop_member, "Response violates schema"),
    "/v1/whoami": (answer_wrong_status, "Undocumented status code"),
    f"{NAMESPACE}/snapshot": (drop_header, "Missing required response headers"),
    f"{NAMESPACE}/keys": (accept_anything, "Schema-violating request accepted"),
}


@pytest.mark.slow
def test_each_planted_violation_is_found_at_its_place(tmp_path: Path) -> None:
    def wrong(target: Target) -> Target:
        def answer(event: Event) -> Answer:
            made = target(event)
            planted = PLANTED.get(event["resource"]) if event["httpMethod"] == "GET" else None
            return planted[0](event, made) if planted else made

        return answer

    paths = [option for path in PLANTED for option in ("--include-path", path)]
    options = ("--phases", "examples,coverage", "--no-shrink", "--continue-on-failure", "--include-method", "GET")
    found = run_fuzz(tmp_path, *options, *paths, wrapped=wrong)
    assert found.returncode == 1, found.output[-3000:]
    told = {(operation, each["title"]) for each in found.report["failures"] for operation in each["operations"]}
    assert {(f"GET {path}", title) for path, (_, title) in PLANTED.items()} <= told
