"""Due in a namespace are served keys by date and live data keys by age and seals; nothing else."""

from __future__ import annotations

import pytest

from configsvc.model import limits, names
from configsvc.model.change_set import Delete
from configsvc.model.errors import Forbidden, NotFound
from configsvc.service.engine.ports import RotationDue
from configsvc.service.verbs.data_keys import add_data_key, retire_data_key
from configsvc.service.verbs.due import Due, DueDays, DueKey, find_due, group_by_day
from tests.support.service.sealed import data_key, kid
from tests.support.service.world import ADMIN, DEVELOPER, NS, STRANGER, World, make_world, sealed, text

DAYS = DueDays("2027-01-15", "2027-01-29")
A_KEY, B_KEY = names.parse_key("a"), names.parse_key("b")


@pytest.fixture
def world() -> World:
    return make_world()


def find(world: World) -> Due:
    return find_due(world.ports, ADMIN, NS, DAYS)


def list_keys(world: World) -> list[tuple[str, bool]]:
    return [(each.key, each.overdue) for each in find(world).keys]


def test_served_keys_are_due_up_to_the_last_near_day(world: World) -> None:
    for key, day in (("a", "2027-01-14"), ("b", "2027-01-15"), ("c", "2027-01-29"), ("d", "2027-01-30")):
        world.put(text(key, rotate_by=day))
    world.put(sealed("e", 1)._replace(rotate_by="2020-02-29"))
    world.put(text("f"))
    assert list_keys(world) == [("a", True), ("b", False), ("c", False), ("e", True)]


def test_staged_and_deleted_keys_are_not_due(world: World) -> None:
    world.put(text("staged", rotate_by="2020-01-01", activate=False))
    world.put(text("gone", rotate_by="2020-01-01"))
    world.change(Delete(names.parse_key("gone")))
    assert list_keys(world) == []


def test_a_new_value_without_a_date_is_no_longer_due(world: World) -> None:
    world.put(text("a", rotate_by="2020-01-01"))
    assert list_keys(world) == [("a", True)]
    world.put(text("a", "new"))
    assert list_keys(world) == []


def test_more_keys_than_a_page_are_all_found(world: World) -> None:
    for start in range(0, limits.PAGE + 40, limits.OPERATIONS):
        world.change(*(text(f"k{start + each}", rotate_by="2020-01-01") for each in range(limits.OPERATIONS)))
    assert len(find(world).keys) == limits.PAGE + 40


def test_keys_of_a_day_are_announced_together_earliest_first() -> None:
    keys = [DueKey(names.parse_key(key), day, overdue=False) for key, day in (("b", "2"), ("a", "2"), ("a", "1"))]
    assert group_by_day(NS, Due(tuple(keys))) == [RotationDue(NS, "1", (A_KEY,)), RotationDue(NS, "2", (A_KEY, B_KEY))]


def test_a_data_key_is_due_once_it_is_older_than_ninety_days(world: World) -> None:
    world.clock.pass_by(limits.DATA_KEY_SECONDS)
    assert find(world).data_keys == ()
    world.clock.pass_by(1)
    add_data_key(world.ports, ADMIN, NS, data_key(1), None)
    assert [(each.kid, each.why) for each in find(world).data_keys] == [(kid(), ("age",))]


def test_retired_data_keys_are_not_due(world: World) -> None:
    world.clock.pass_by(2 * limits.DATA_KEY_SECONDS)
    retire_data_key(world.ports, ADMIN, NS, kid(), None)
    assert find(world).data_keys == ()


def test_no_value_is_read(world: World) -> None:
    world.put(text("a", "canary", rotate_by="2020-01-01"))
    asked: list[object] = []
    inner = world.repository.query
    world.repository.query = lambda partition, prefix, **options: (  # type: ignore[method-assign]  # of this test alone
        asked.append((prefix, options.get("values", True))) or inner(partition, prefix, **options)  # type: ignore[func-returns-value]
    )
    find(world)
    assert asked == [("K#", False), ("D#", True)]


def test_only_administrators_learn_what_is_due(world: World) -> None:
    with pytest.raises(Forbidden):
        find_due(world.ports, DEVELOPER._replace(api_key="api-key:devkey"), NS, DAYS)
    with pytest.raises(NotFound):
        find_due(world.ports, STRANGER, NS, DAYS)
    with pytest.raises(NotFound):
        find_due(world.ports, ADMIN, names.parse_namespace("payments.absent"), DAYS)
