"""The checks of a response: a snapshot of the namespace passes, and each fault has its code."""

from __future__ import annotations

import json

import pytest

from configsvc.model.limits import REVISION_JUMP, REVISION_MOST
from configsvc.scheduled.probe_checks import (
    ADVICE,
    SKEW_SECONDS,
    Answer,
    Finding,
    ProbeFailed,
    Seen,
    check_age,
    check_answer,
)
from tests.support.scheduled.probing import NOW, TAG, heartbeat, make_answer, make_headers


def fault(answer: Answer, before: Seen | None = None) -> str:
    with pytest.raises(ProbeFailed) as raised:
        check_answer(answer, before)
    assert raised.value.detail.endswith(ADVICE[raised.value.code])
    return raised.value.code


def test_a_snapshot_as_promised_is_taken() -> None:
    assert check_answer(make_answer(), None) == Finding(Seen(41, TAG), NOW)


def test_a_weak_etag_is_taken() -> None:
    answer = make_answer()
    weak = answer._replace(headers={**answer.headers, "etag": f'W/"41-{TAG}"'})

    assert check_answer(weak, None).seen == Seen(41, TAG)


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "forbidden"), (404, "not_found"), (429, "throttled"), (301, "status"), (304, "status"), (500, "status")],
)
def test_each_status_but_200_is_a_fault(status: int, code: str) -> None:
    assert fault(make_answer(status=status)) == code


@pytest.mark.parametrize("kind", ["text/html", "application/problem+json", "", "application/jsonp"])
def test_another_content_type_is_a_fault(kind: str) -> None:
    assert fault(make_answer()._replace(headers={**make_headers(), "content-type": kind})) == "content_type"


def test_a_compressed_body_is_a_fault() -> None:
    assert fault(make_answer()._replace(headers={**make_headers(), "content-encoding": "gzip"})) == "content_type"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"\xff", b"null", b"[" * 100_000, b'{"namespace": "configsvc.probe"}', b"1" * 10_000]
)
def test_another_shape_is_a_fault(body: bytes) -> None:
    assert fault(make_answer()._replace(body=body)) == "shape"


def test_another_namespace_is_a_fault() -> None:
    assert fault(make_answer(namespace="payments.prod")) == "namespace"


@pytest.mark.parametrize("tag", ["", "41", '"41"', '"42-0a1b"', "41-0a1b", '"41-"', '"-0a1b"'])
def test_an_etag_of_no_or_another_revision_is_a_fault(tag: str) -> None:
    assert fault(make_answer()._replace(headers={**make_headers(), "etag": tag})) == "etag"


def test_a_revision_that_goes_down_is_a_fault() -> None:
    assert fault(make_answer(40), Seen(41, TAG)) == "revision"


def test_a_revision_with_other_content_than_before_is_a_fault() -> None:
    assert fault(make_answer(41, tag="ffff"), Seen(41, TAG)) == "revision"


@pytest.mark.parametrize(("revision", "before"), [(42 + REVISION_JUMP, Seen(41, TAG)), (REVISION_MOST + 1, None)])
def test_a_revision_that_readers_find_too_high_is_a_fault(revision: int, before: Seen | None) -> None:
    assert fault(make_answer(revision), before) == "revision"


@pytest.mark.parametrize("revision", [41, 42, 41 + REVISION_JUMP])
def test_a_revision_that_stays_or_rises_is_taken(revision: int) -> None:
    assert check_answer(make_answer(revision), Seen(41, TAG)).seen.revision == revision


@pytest.mark.parametrize(
    "value", ["", "{}", "[]", '"now"', '{"at": 5}', '{"at": "yesterday"}', '{"at": "2026-01-01T00:00:00"}']
)
def test_a_heartbeat_without_a_time_is_a_fault(value: str) -> None:
    assert fault(make_answer(value=value)) == "heartbeat"


def test_a_snapshot_without_heartbeat_is_a_fault() -> None:
    assert fault(make_answer(entries=[])) == "heartbeat"


def test_a_sealed_heartbeat_is_not_opened() -> None:
    entry = {"key": "heartbeat", "version": 3, "form": "envelope", "content_type": "text/plain", "value": heartbeat()}

    assert fault(make_answer(entries=[entry])) == "heartbeat"


@pytest.mark.parametrize("age", [900.1, -SKEW_SECONDS - 0.1])
def test_a_heartbeat_too_old_or_of_the_future_is_a_fault(age: float) -> None:
    with pytest.raises(ProbeFailed) as raised:
        check_age(age, 900)

    assert raised.value.code == "age"


@pytest.mark.parametrize("age", [900, 0, -SKEW_SECONDS])
def test_the_limits_of_the_age_are_allowed(age: float) -> None:
    check_age(age, 900)


def test_no_fault_quotes_the_response() -> None:
    """A wrong server may send back what it was sent."""
    canary = "canary-hunter2"
    bodies = [canary, json.dumps({"namespace": canary}), make_answer(namespace="canary-hunter2").body.decode()]
    for body in [*bodies, make_answer(value=canary).body.decode()]:
        with pytest.raises(ProbeFailed) as raised:
            check_answer(make_answer()._replace(body=body.encode()), None)
        assert canary not in raised.value.detail
    with pytest.raises(ProbeFailed) as raised:
        check_answer(make_answer()._replace(headers={"content-type": canary, "etag": canary}), None)
    assert canary not in raised.value.detail
