"""Grants revoked since a backup stay revoked, and a restore grants nothing."""

from __future__ import annotations

import pytest

from configsvc.model.grants import Grant
from infra.restore import Rights, remove_revoked, remove_revoked_grants
from tests.support.service.world import ADMIN, DEVELOPER, World, make_world

READ, BOTH = Grant(("read",), ("a.*",)), Grant(("read", "write"), ("a.*", "b"))


@pytest.mark.parametrize(
    ("came_back", "now", "left"),
    [
        ((READ,), (), ()),
        ((READ,), (READ,), (READ,)),
        ((READ,), (BOTH,), (READ,)),
        ((BOTH,), (READ,), (READ,)),
        ((BOTH,), (Grant(("write",), ("b",)), READ), (READ, Grant(("write",), ("b",)))),
        ((), (BOTH,), ()),
    ],
)
def test_what_is_left_is_in_both(came_back: tuple[Grant, ...], now: tuple[Grant, ...], left: tuple[Grant, ...]) -> None:
    assert remove_revoked(came_back, now) == left


def test_only_what_was_revoked_is_taken_away_and_a_repeat_changes_nothing() -> None:
    world: World = make_world()
    before = {"api-key:devkey": (READ,), "api-key:readerkey": (READ,)}
    now = {"api-key:devkey": (READ,), "api-key:granted.since": (BOTH,)}
    new, old = Rights(before, {("n", "k"): "live", ("n", "l"): "live"}), Rights(now, {("n", "k"): "retired"})
    lines = list(remove_revoked_grants(world.ports, ADMIN, new, old))
    assert [line.partition(":")[2][:12] for line in lines[:1]] == ["readerkey: r"]
    assert ["k" in line and "--fresh" in line for line in lines[1:]] == [True]
    again = Rights({"api-key:devkey": (READ,)}, {})
    assert list(remove_revoked_grants(world.ports, DEVELOPER, again, old)) == []
