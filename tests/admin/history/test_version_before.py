"""Which version a rollback goes to, against a model: the versions that were served, in the order they were."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from configsvc.model import names
from configsvc_client.admin import KeyChange, LogEntry
from configsvc_client.admin.rollback_plan import find_version_before

KEY = names.parse_key("one")
OTHER = names.parse_key("two")


def _entry(key: names.Key, was: int | None, now: int | None) -> LogEntry:
    change = KeyChange(key, "put", now, was, now)
    return LogEntry(1, 1, "change", "", {}, (change,), "", "", "", "", "", "", "", "")


@given(st.lists(st.none() | st.integers(1, 6)), st.sets(st.integers(1, 6)), st.data())
def test_the_previous_version_is_the_last_served_below_the_active_one(
    served: list[int | None], kept: set[int], data: st.DataObject
) -> None:
    log = [
        entry
        for was, now in zip([None, *served], served, strict=False)
        for entry in (_entry(KEY, was, now), _entry(OTHER, 1, 2))
    ]
    active = data.draw(st.integers(1, 7))
    below = [each for each in served if each is not None and each < active and each in kept]
    assert find_version_before(reversed(log), KEY, active, kept) == (below[-1] if below else None)
