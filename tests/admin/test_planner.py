from __future__ import annotations

import itertools
import json

from hypothesis import given
from hypothesis import strategies as st

from configsvc.model import limits
from configsvc.model.change_set import ChangeSet, Put, check_change_set, count_stored_bytes
from configsvc.model.names import parse_key
from configsvc_client.admin.wire import writes
from configsvc_client.admin.wire.writes import render_operation


def _put(number: int, value: str) -> Put:
    return Put(parse_key(f"k{number}"), "plain", "text/plain", value)


_VALUES = st.lists(
    st.builds(
        lambda text, times: text * times,
        st.sampled_from(["a", "é", '"', "\n", "\x01", "🐎"]),
        st.one_of(st.integers(0, 100), st.integers(20_000, 60_000)),
    ),
    max_size=120,
)


@given(values=_VALUES)
def test_planned_change_sets_fit_and_keep_every_value_in_order(values: list[str]) -> None:
    puts = [_put(number, value) for number, value in enumerate(values)]
    groups = writes.split_puts(puts)
    assert [put for group in groups for put in group] == puts
    for group in groups:
        check_change_set(ChangeSet(group))
        body = json.dumps({"operations": [render_operation(put) for put in group], "message": "x" * limits.MESSAGE})
        raw = json.dumps(json.loads(body), ensure_ascii=False).encode()
        assert len(raw) <= limits.REQUEST_BYTES
        assert sum(count_stored_bytes(put.value) for put in group) <= limits.CHANGE_SET_BYTES


@given(values=_VALUES)
def test_two_neighbours_never_fit_in_one_change_set(values: list[str]) -> None:
    groups = writes.split_puts([_put(number, value) for number, value in enumerate(values)])
    for one, other in itertools.pairwise(groups):
        assert len(writes.split_puts([*one, other[0]])) > 1


def test_300_small_values_are_8_change_sets() -> None:
    assert len(writes.split_puts([_put(number, "value") for number in range(300)])) == 8


def test_an_oversized_value_gets_its_own_change_set() -> None:
    groups = writes.split_puts([_put(0, "a"), _put(1, "b" * limits.CHANGE_SET_BYTES), _put(2, "c")])
    assert [len(group) for group in groups] == [1, 1, 1]
