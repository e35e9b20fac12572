from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from configsvc.model import limits, names
from configsvc.model.change_set import Activate, Delete
from configsvc.model.snapshot import Entry, SealedSnapshot
from configsvc_client.admin.rollback_plan import RollbackStep, find_steps, split_steps

_VERSIONS = st.dictionaries(st.sampled_from([names.parse_key(f"k{n}") for n in range(6)]), st.integers(1, 4))


def _snapshot(versions: dict[names.Key, int]) -> SealedSnapshot:
    entries = tuple(Entry(key, version, "plain", "text/plain", f"v{version}") for key, version in versions.items())
    return SealedSnapshot(names.parse_namespace("a.b"), 1, (), entries)


@given(_VERSIONS, _VERSIONS)
def test_the_steps_lead_from_what_is_served_to_what_was(now: dict[names.Key, int], then: dict[names.Key, int]) -> None:
    served = dict(now)
    for step in find_steps(_snapshot(now), _snapshot(then)):
        match step.change:
            case Activate(key, version):
                assert served.get(key) != version
                served[key] = version
            case Delete(key):
                del served[key]
    assert served == then


@given(st.lists(st.integers(0, limits.CHANGE_SET_BYTES), max_size=100))
def test_steps_are_split_in_order_into_change_sets_that_fit(sizes: list[int]) -> None:
    all_steps = [RollbackStep(names.parse_key(f"k{at}"), 1, 2, size) for at, size in enumerate(sizes)]
    groups = split_steps(all_steps)
    assert [step for group in groups for step in group] == all_steps
    assert all(len(group) <= limits.OPERATIONS for group in groups)
    assert all(sum(step.size for step in group) <= limits.CHANGE_SET_BYTES for group in groups)
