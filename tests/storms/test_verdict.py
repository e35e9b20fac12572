"""The verdict on storms whose responses and change log contradict each other."""

import json
from collections.abc import Mapping

import pytest

from configsvc.model.names import parse_key
from configsvc.service.engine.records import LoggedChange, LogRecord
from tests.support.journeys.api import Reply
from tests.support.storms.reader import Taken
from tests.support.storms.verdict import check_complete, check_monotonic, check_whole
from tests.support.storms.wire import Heard
from tests.support.storms.wishes import Wish
from tests.support.storms.writer import Effort

ONCE = Wish("storm.one", "PUT", "/keys/k", {}, {"Idempotency-Key": "w"}, ("k",), {})
WRITTEN = {"namespace": "storm.one", "key": "k", "version": 1, "revision": 2, "active": 1}


def make_heard(status: int | None, body: Mapping[str, object] = WRITTEN) -> Heard:
    headers = {"content-type": "application/json"}
    return Heard(1.0, 2.0, None if status is None else Reply(status, headers, json.dumps(body).encode()))


def make_effort(*attempts: Heard) -> Effort:
    return Effort("w", ONCE, list(attempts))


def make_record(revision: int = 2, by: str = "w.0", version: int = 1) -> LogRecord:
    change = LoggedChange(parse_key("k"), "put", version, None, version)
    return LogRecord(None, revision, revision, "change", "", {}, (change,), "", "", "", "", "", "", "", by)


@pytest.mark.parametrize(
    ("log", "attempts", "says"),
    [
        ([], [make_heard(200)], "acknowledged and is not in the log"),
        ([make_record(3)], [make_heard(200)], "another revision"),
        ([make_record(version=2)], [make_heard(200)], "told"),
        ([make_record(), make_record(3, "w.1")], [make_heard(None), make_heard(200)], "applied 2 times"),
        ([make_record(by="w.1")], [make_heard(200), make_heard(200)], "before it was done"),
        ([make_record()], [make_heard(412)], "refused with 412 and is in the log"),
        ([make_record()], [make_heard(429)], "refused with 429 and is in the log"),
        ([make_record()], [make_heard(None), make_heard(412)], "a repetition was refused with 412"),
        ([make_record(by="x.0")], [], "nobody asked"),
    ],
)
def test_a_log_that_contradicts_the_responses_is_found(log: list[LogRecord], attempts: list[Heard], says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        check_complete(log, [make_effort(*attempts)] if attempts else [])


@pytest.mark.parametrize(
    ("log", "attempts"),
    [
        ([make_record()], [make_heard(200)]),
        ([make_record()], [make_heard(None), make_heard(200)]),
        ([make_record()], [make_heard(None)]),
        ([make_record()], [make_heard(503)]),
        ([make_record(by="w.1")], [make_heard(429), make_heard(200)]),
        ([], [make_heard(503)]),
        ([], [make_heard(412)]),
    ],
    ids=["acknowledged", "lost, and acknowledged when repeated", "lost", "503", "429 first", "503 and not", "refused"],
)
def test_a_log_that_matches_the_responses_is_accepted(log: list[LogRecord], attempts: list[Heard]) -> None:
    assert len(check_complete(log, [make_effort(*attempts)])) == len(log)


def test_a_reader_that_goes_back_is_found() -> None:
    seen = [Taken(0, 1, "storm.one", revision, {}, {}) for revision in (2, 3, 2)]
    check_monotonic(seen[:2])
    with pytest.raises(AssertionError, match="went back from 3 to 2"):
        check_monotonic(seen)


def test_a_torn_pair_is_found() -> None:
    check_whole(Taken(0, 1, "storm.one", 2, {"pair.0.a": "v", "pair.0.b": "v"}, None))
    with pytest.raises(AssertionError, match="torn"):
        check_whole(Taken(0, 1, "storm.one", 2, {"pair.0.a": "v"}, None))
