"""What a warm process keeps, and for how long."""

from configsvc.adapters.caches import RecentGrants, RenderedSnapshots
from configsvc.adapters.system import Elapsed
from configsvc.model.grants import Grant
from configsvc.service.engine.ports import Rendered
from tests.support.service.fakes import FakeClock

GRANTS = (Grant(("read",), ("*",)),)
KEY = ("payments.prod", 1, "ab")


def rendered(size: int) -> Rendered:
    return Rendered("x" * size, '"1-ab"')


def test_grants_are_kept_for_10_seconds_and_not_longer() -> None:
    clock = FakeClock()
    grants = RecentGrants(timer=clock.monotonic)
    grants.put("api-key:a1", GRANTS)
    clock.pass_by(9.9)
    assert grants.get("api-key:a1") == GRANTS
    clock.pass_by(0.2)
    assert grants.get("api-key:a1") is None


def test_grants_are_kept_no_longer_while_the_process_is_frozen_and_its_monotonic_clock_with_it() -> None:
    monotonic, wall = FakeClock(), FakeClock()
    grants = RecentGrants(timer=Elapsed(monotonic.monotonic, wall.monotonic))
    grants.put("api-key:a1", GRANTS)
    monotonic.pass_by(2)
    wall.pass_by(9)
    assert grants.get("api-key:a1") == GRANTS
    wall.pass_by(3600)
    assert grants.get("api-key:a1") is None


def test_grants_are_kept_no_longer_when_the_wall_clock_is_set_back() -> None:
    monotonic, wall = FakeClock(), FakeClock()
    grants = RecentGrants(timer=Elapsed(monotonic.monotonic, wall.monotonic))
    grants.put("api-key:a1", GRANTS)
    wall.pass_by(-3600)
    monotonic.pass_by(9)
    assert grants.get("api-key:a1") == GRANTS
    monotonic.pass_by(2)
    wall.pass_by(2)
    assert grants.get("api-key:a1") is None


def test_that_there_are_no_grants_is_kept_too() -> None:
    grants = RecentGrants()
    grants.put("api-key:a1", ())
    assert grants.get("api-key:a1") == ()
    assert grants.get("api-key:a2") is None


def test_grants_that_changed_are_forgotten() -> None:
    grants = RecentGrants()
    grants.put("api-key:a1", GRANTS)
    grants.forget("api-key:a1")
    grants.forget("api-key:never")
    assert grants.get("api-key:a1") is None


def test_snapshots_are_kept_within_their_bytes_and_the_least_used_goes_first() -> None:
    snapshots = RenderedSnapshots(most=3_000)
    for revision in (1, 2):
        snapshots.put(("a", revision, "t"), rendered(1_000))
    snapshots.get(("a", 1, "t"))
    snapshots.put(("a", 3, "t"), rendered(1_000))
    assert [revision for revision in (1, 2, 3) if snapshots.get(("a", revision, "t"))] == [1, 3]


def test_a_snapshot_larger_than_all_that_may_be_kept_is_not_kept_and_drives_nothing_out() -> None:
    snapshots = RenderedSnapshots(most=3_000)
    snapshots.put(KEY, rendered(1_000))
    snapshots.put(("b", 1, "t"), rendered(4_000))
    assert snapshots.get(("b", 1, "t")) is None
    assert snapshots.get(KEY) == rendered(1_000)


def test_a_snapshot_is_known_by_namespace_revision_and_tag() -> None:
    snapshots = RenderedSnapshots()
    snapshots.put(KEY, rendered(1))
    for other in (("payments.dev", 1, "ab"), ("payments.prod", 2, "ab"), ("payments.prod", 1, "cd")):
        assert snapshots.get(other) is None
