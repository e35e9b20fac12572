"""Events fit the limits of PutEvents, and entries that are refused are sent again, within a bound."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from configsvc.adapters.events import BACKOFF, BYTES, KEYS, MOST_FAILURES, Entry, EventBridge, pack_entries
from configsvc.model import names
from configsvc.service.engine.ports import RotationDue, Undelivered
from tests.support.model.strategies import NAMESPACES
from tests.support.scheduled.upkeep_world import Bus
from tests.support.service.fakes import FakeChance, FakeClock
from tests.support.service.world import NS

MOST_BYTES = 256 * 1024
DAYS = st.dates().map(lambda day: day.isoformat())
LONG_KEYS = st.integers(0, 700).map(lambda most: tuple(names.parse_key(f"{each:0255d}") for each in range(most)))
DUE = st.lists(st.builds(RotationDue, NAMESPACES, DAYS, LONG_KEYS), max_size=25)


def make_due(*days: str) -> list[RotationDue]:
    return [RotationDue(NS, day, (names.parse_key("db.url"),)) for day in days]


def measure(entry: Entry) -> int:
    """The size of an entry, as the EventBridge user guide computes it ("Calculating PutEvents event entry size")."""
    return sum(len(entry[name].encode()) for name in ("Source", "DetailType", "Detail"))


@given(DUE)
def test_every_call_fits_and_every_key_is_sent_once(due: list[RotationDue]) -> None:
    shape = botocore.session.get_session().get_service_model("events").operation_model("PutEvents").input_shape
    assert shape
    sent: Counter[tuple[str, str, str]] = Counter()
    for call in pack_entries("configsvc-prod", due):
        assert 0 < len(call) <= 10
        assert sum(map(measure, call)) <= BYTES < MOST_BYTES
        assert not ParamValidator().validate({"Entries": call}, shape).has_errors()
        for entry in call:
            detail: dict[str, Any] = json.loads(entry["Detail"])
            assert set(detail) == {"stack", "namespace", "keys", "rotate_by"}
            assert 0 < len(detail["keys"]) <= KEYS
            sent.update((detail["namespace"], detail["rotate_by"], key) for key in detail["keys"])
    assert sent == Counter((each.namespace, each.rotate_by, key) for each in due for key in each.keys)


def test_ten_small_events_go_in_one_call() -> None:
    days = [f"2027-01-{day:02}" for day in range(1, 24)]
    assert [len(call) for call in pack_entries("configsvc-prod", make_due(*days))] == [10, 10, 3]


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def bridge(bus: Bus, clock: FakeClock) -> EventBridge:
    return EventBridge(bus, "configsvc-prod", clock, FakeChance())


def test_only_refused_entries_are_sent_again(bus: Bus, bridge: EventBridge, clock: FakeClock) -> None:
    bus.refusals = [{0, 2}, {1}]
    bridge.announce(make_due("2027-01-01", "2027-01-02", "2027-01-03"))
    assert [len(call) for call in bus.calls] == [3, 2, 1]
    assert sorted(each["rotate_by"] for each in bus.details()) == ["2027-01-01", "2027-01-02", "2027-01-03"]
    assert clock.slept == [BACKOFF.longest(1) / 2, BACKOFF.longest(2) / 2]


def test_entries_refused_every_time_fail_after_a_bounded_number(bus: Bus, bridge: EventBridge) -> None:
    bus.refusals = [{0}] * 99
    with pytest.raises(Undelivered, match=r"1 events \(ThrottlingException\)"):
        bridge.announce(make_due("2027-01-01"))
    assert len(bus.calls) == BACKOFF.tries


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "canary"}}, "PutEvents")


def test_a_throttled_call_is_sent_again_as_a_whole(bus: Bus, bridge: EventBridge) -> None:
    bus.refusals = [refused("ThrottlingException"), ConnectTimeoutError(endpoint_url="https://events")]
    bridge.announce(make_due("2027-01-01", "2027-01-02"))
    assert [len(call) for call in bus.calls] == [2, 2, 2]


def test_a_missing_permission_is_not_tried_again(bus: Bus, bridge: EventBridge, clock: FakeClock) -> None:
    bus.refusals = [refused("AccessDeniedException")]
    with pytest.raises(Undelivered, match="AccessDeniedException") as raised:
        bridge.announce(make_due("2027-01-01"))
    assert (len(bus.calls), clock.slept, "canary" in str(raised.value)) == (1, [], False)


def test_a_bus_out_of_reach_is_given_up_for_the_run(bus: Bus, bridge: EventBridge) -> None:
    bus.refusals = [refused("AccessDeniedException")] * 99
    for _ in range(MOST_FAILURES + 5):
        with pytest.raises(Undelivered):
            bridge.announce(make_due("2027-01-01"))
    assert len(bus.calls) == MOST_FAILURES


def test_one_success_forgets_earlier_failures(bus: Bus, bridge: EventBridge) -> None:
    for _ in range(MOST_FAILURES + 2):
        bus.refusals = [refused("AccessDeniedException")]
        with pytest.raises(Undelivered):
            bridge.announce(make_due("2027-01-01"))
        bridge.announce(make_due("2027-01-01"))


class Unlisted(Bus):
    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__()
        self._answer = answer

    def put_events(self, **_asked: object) -> dict[str, Any]:
        return self._answer


@pytest.mark.parametrize("answer", [{"FailedEntryCount": 1, "Entries": []}, {"FailedEntryCount": 0}, {}])
def test_an_answer_that_lists_nothing_counts_as_refused(clock: FakeClock, answer: dict[str, Any]) -> None:
    with pytest.raises(Undelivered, match="does not list"):
        EventBridge(Unlisted(answer), "configsvc-prod", clock, FakeChance()).announce(make_due("2027-01-01"))


def test_an_entry_without_an_id_counts_as_refused_whatever_the_count_is(clock: FakeClock) -> None:
    answer = {"FailedEntryCount": 0, "Entries": [{"ErrorCode": "InternalFailure", "EventId": None}]}
    with pytest.raises(Undelivered, match="InternalFailure"):
        EventBridge(Unlisted(answer), "configsvc-prod", clock, FakeChance()).announce(make_due("2027-01-01"))
