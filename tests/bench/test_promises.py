"""A load run keeps its promises, and one that breaks a promise is noticed."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bench.load.clients import Consumer, Row, Seen
from bench.load.counted import DATA_KEYS, HEAD, HEAD_WITH_GRANTS, SNAPSHOT, WRITE, Calls, call
from bench.load.plan import Plan
from bench.load.promises import count_passed_over, promises
from bench.load.run import Result
from bench.load.writer import Written

_BATCH = "BatchGetItem D# HEAD K# SETTINGS V#"
_CALLS = Calls({HEAD: 4, HEAD_WITH_GRANTS: 1, SNAPSHOT: 2, DATA_KEYS: 2, _BATCH: 1, WRITE: 1})
_CONSUMERS = [Consumer("load.n00", [7, 8], 1), Consumer("load.n00", [8], 1)]


def _result(
    *,
    consumers: list[Consumer] | None = None,
    failures: dict[str, int] | None = None,
    statuses: tuple[int, ...] = (201,),
    calls: Mapping[str, int] | None = None,
) -> Result:
    """A run of two consumers, one namespace, one process and one write; some calls counted otherwise."""
    plan = Plan(clients=2, arriving=1, polling=1, poll=1.0, namespaces=1, entries=1, processes=1)
    seen = Seen(_CONSUMERS if consumers is None else consumers, [], failures or {}, "2")
    written = [Written("load.n00", status, 0.01) for status in statuses]
    return Result(plan, seen, written, Calls({**_CALLS, **(calls or {})}))


def _broken(result: Result) -> list[str]:
    return [each.name for each in promises(result) if not each.held]


def test_a_good_run_holds_every_promise() -> None:
    assert _broken(_result()) == []


@pytest.mark.parametrize(
    ("result", "name"),
    [
        (_result(failures={"status 500": 1}), "no request fails"),
        (_result(consumers=[*_CONSUMERS[:1], Consumer("load.n00", [], 2)]), "every consumer is served"),
        (_result(consumers=_CONSUMERS[:1]), "every consumer is served"),
        (_result(statuses=(503,)), "every write is committed"),
        (_result(consumers=[Consumer("load.n00", [8, 8], 1), _CONSUMERS[1]]), "one snapshot request"),
        (_result(consumers=[Consumer("load.n00", [8, 7], 1), _CONSUMERS[1]]), "one snapshot request"),
        (_result(calls={HEAD: 3}), "a poll reads HEAD, once"),
        (_result(calls={HEAD: 9}), "a poll reads HEAD, once"),
        (_result(calls={SNAPSHOT: 5}), "a changed snapshot is read once by each warm process"),
        (_result(calls={"Scan *": 1}), "nothing else is read"),
        (_result(calls={WRITE: 2}), "only writes write"),
    ],
)
def test_a_run_that_breaks_a_promise_is_found_out(result: Result, name: str) -> None:
    assert any(name in each for each in _broken(result))


def test_a_change_that_a_later_one_hid_is_counted_as_passed_over() -> None:
    assert count_passed_over(_result(consumers=[Consumer("load.n00", [7, 8, 11], 0), _CONSUMERS[1]])) == 2


@pytest.mark.parametrize(
    ("operation", "asked", "named"),
    [
        ("GetItem", {"Key": {"pk": {"S": "N#a"}, "sk": {"S": "HEAD"}}}, HEAD),
        (
            "BatchGetItem",
            {"RequestItems": {"t": {"Keys": [{"sk": {"S": "HEAD"}}, {"sk": {"S": "G#api-key:a#b"}}]}}},
            HEAD_WITH_GRANTS,
        ),
        ("Query", {"ExpressionAttributeValues": {":pk": {"S": "N#a"}, ":prefix": {"S": "K#"}}}, SNAPSHOT),
        ("TransactWriteItems", {"TransactItems": []}, WRITE),
    ],
)
def test_a_call_is_named_by_operation_and_kinds_of_items(operation: str, asked: dict[str, object], named: str) -> None:
    assert call(operation, asked) == named


def test_a_share_of_the_requests_was_answered_within_so_many_milliseconds() -> None:
    row = Row("polling, unchanged", {5: 50, 7: 45, 20: 4, 90: 1}, {0: 100})
    assert [row.within(share) for share in (0.5, 0.95, 0.99, 1.0)] == [5, 7, 20, 90]
