"""The service's wall clock is an hour off, and jumps between requests: it orders nothing and loses nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.adapters.memory import MemoryRepository
from configsvc.adapters.system import to_moment
from configsvc.model import limits
from configsvc.model.errors import IdempotencyMismatch, PreconditionFailed
from configsvc.model.names import Key
from configsvc.service.engine.ports import WallMoment
from configsvc.service.verbs.data_keys import add_data_key, list_data_keys
from configsvc.service.verbs.grants import set_grants
from configsvc.service.verbs.read_keys import list_versions
from tests.support.service.fakes import FakeClock
from tests.support.service.sealed import data_key, kid
from tests.support.service.world import ADMIN, DEVELOPER, NS, READER, World, caller, make_retry_key, text

HOUR = 3600.0
offsets = st.lists(st.sampled_from([-HOUR, -1.0, 0.0, 1.0, HOUR, -24 * HOUR, 24 * HOUR]), min_size=4, max_size=12)


class JumpingClock(FakeClock):
    """A clock whose wall time is off by as much as a test sets; monotonic time is unaffected."""

    off = 0.0

    def now(self) -> WallMoment:
        return to_moment(super().monotonic() + self.off)


class JumpingWorld(World):
    def __init__(self) -> None:
        super().__init__(MemoryRepository())
        self.jumping = JumpingClock()
        self.clock = self.jumping
        self.ports = self.ports._replace(clock=self.jumping)


def make_jumping_world() -> JumpingWorld:
    world = JumpingWorld()
    world.settle()
    return world


@given(offsets)
def test_s42_versions_and_revisions_keep_counting_on_any_clock(jumps: Sequence[float]) -> None:
    world = make_jumping_world()
    for number, off in enumerate(jumps, start=1):
        world.jumping.off = off
        done = world.put(text("db.url", str(number))).body
        assert (done["version"], done["revision"]) == (number, number + 2)
        assert str(number) in (world.fetch().body or "")
    listed, _ = list_versions(world.ports, READER, NS, Key("db.url"), 100, None), None
    assert [each["version"] for each in listed["versions"]] == list(range(len(jumps), 0, -1))  # type: ignore[attr-defined]
    assert [each.revision for each in world.log()] == list(range(1, len(jumps) + 3))


@given(offsets)
def test_s42_the_newest_data_key_is_the_one_added_last(jumps: Sequence[float]) -> None:
    world = make_jumping_world()
    for number, off in enumerate(jumps[:6], start=1):
        world.jumping.off = off
        add_data_key(world.ports, ADMIN, NS, data_key(number), None)
        keys = list_data_keys(world.ports, READER, NS)["data_keys"]
        assert keys[0]["kid"] == kid(number)  # type: ignore[index]


@pytest.mark.parametrize("off", [-HOUR, HOUR])
def test_s42_an_idempotency_key_lasts_23_hours_on_any_clock(off: float) -> None:
    world = make_jumping_world()
    first = world.put(text("db.url"), make_retry_key("once"))
    world.jumping.pass_by(limits.IDEMPOTENCY_SECONDS - HOUR - 1)
    world.jumping.off = off
    assert world.put(text("db.url"), make_retry_key("once")).body == first.body
    with pytest.raises(IdempotencyMismatch):
        world.put(text("db.url"), make_retry_key("once", "other"))


def test_a_precondition_still_holds_after_a_fast_clock_expired_the_answer() -> None:
    world = make_jumping_world()
    world.put(text("db.url"))
    first = world.put(text("db.url", if_match=3), make_retry_key("once"))
    world.jumping.off = 25 * HOUR
    with pytest.raises(PreconditionFailed):  # it was done once
        world.put(text("db.url", if_match=3), make_retry_key("once"))
    world.jumping.off = 0.0
    assert world.put(text("db.url", if_match=3), make_retry_key("once")).body == first.body


def test_a_revoked_grant_ends_after_ten_seconds_on_any_clock() -> None:
    world = make_jumping_world()
    revoked = caller("devkey", "Developer")
    assert world.fetch(who=DEVELOPER).body
    set_grants(world.ports, ADMIN, "api-key:devkey", (), None)
    world.jumping.off = -HOUR
    world.jumping.pass_by(11)
    with pytest.raises(Exception, match="There is no namespace"):
        world.fetch(who=revoked)
