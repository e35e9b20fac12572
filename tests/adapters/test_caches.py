"""The caches of a warm process, and how long they keep entries."""

from configsvc.adapters.caches import FixedGrants, RecentGrants, RenderedSnapshots
from configsvc.adapters.system import Elapsed
from configsvc.model.grants import UPKEEP, UPKEEP_GRANTS, Grant
from configsvc.service.engine.ports import Rendered
from tests.support.service.fakes import FakeClock

GRANTS = (Grant(("read",), ("*",)),)
KEY = ("payments.prod", 1, "ab")


def make_rendered(size: int) -> Rendered:
    return Rendered("x" * size, '"1-ab"')


def test_grants_are_cached_for_10_seconds() -> None:
    clock = FakeClock()
    grants = RecentGrants(timer=clock.monotonic)
    grants.put("api-key:a1", GRANTS)
    clock.pass_by(9.9)
    assert grants.get("api-key:a1") == GRANTS
    clock.pass_by(0.2)
    assert grants.get("api-key:a1") is None


def test_cached_grants_expire_while_the_process_is_frozen() -> None:
    monotonic, wall = FakeClock(), FakeClock()
    grants = RecentGrants(timer=Elapsed(monotonic.monotonic, wall.monotonic))
    grants.put("api-key:a1", GRANTS)
    monotonic.pass_by(2)
    wall.pass_by(9)
    assert grants.get("api-key:a1") == GRANTS
    wall.pass_by(3600)
    assert grants.get("api-key:a1") is None


def test_cached_grants_expire_although_the_wall_clock_is_set_back() -> None:
    monotonic, wall = FakeClock(), FakeClock()
    grants = RecentGrants(timer=Elapsed(monotonic.monotonic, wall.monotonic))
    grants.put("api-key:a1", GRANTS)
    wall.pass_by(-3600)
    monotonic.pass_by(9)
    assert grants.get("api-key:a1") == GRANTS
    monotonic.pass_by(2)
    wall.pass_by(2)
    assert grants.get("api-key:a1") is None


def test_the_absence_of_grants_is_cached_too() -> None:
    grants = RecentGrants()
    grants.put("api-key:a1", ())
    assert grants.get("api-key:a1") == ()
    assert grants.get("api-key:a2") is None


def test_changed_grants_are_dropped() -> None:
    grants = RecentGrants()
    grants.put("api-key:a1", GRANTS)
    grants.forget("api-key:a1")
    grants.forget("api-key:never")
    assert grants.get("api-key:a1") is None


def test_the_snapshot_cache_is_limited_and_evicts_the_least_used() -> None:
    snapshots = RenderedSnapshots(most=3_000)
    for revision in (1, 2):
        snapshots.put(("a", revision, "t"), make_rendered(1_000))
    snapshots.get(("a", 1, "t"))
    snapshots.put(("a", 3, "t"), make_rendered(1_000))
    assert [revision for revision in (1, 2, 3) if snapshots.get(("a", revision, "t"))] == [1, 3]


def test_a_snapshot_larger_than_the_cache_is_not_cached_and_evicts_nothing() -> None:
    snapshots = RenderedSnapshots(most=3_000)
    snapshots.put(KEY, make_rendered(1_000))
    snapshots.put(("b", 1, "t"), make_rendered(4_000))
    assert snapshots.get(("b", 1, "t")) is None
    assert snapshots.get(KEY) == make_rendered(1_000)


def test_a_cached_snapshot_is_found_by_namespace_revision_and_tag() -> None:
    snapshots = RenderedSnapshots()
    snapshots.put(KEY, make_rendered(1))
    for other in (("payments.dev", 1, "ab"), ("payments.prod", 2, "ab"), ("payments.prod", 1, "cd")):
        assert snapshots.get(other) is None


def test_fixed_grants_are_of_one_principal_and_never_change() -> None:
    known = FixedGrants(UPKEEP, UPKEEP_GRANTS)
    known.put(UPKEEP, ())
    known.put("api-key:a", UPKEEP_GRANTS)
    known.forget(UPKEEP)
    assert (known.get(UPKEEP), known.get("api-key:a")) == (UPKEEP_GRANTS, None)
