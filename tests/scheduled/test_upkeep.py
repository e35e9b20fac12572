"""The scheduled upkeep prunes every namespace, reports what is due, and fails loudly."""

from __future__ import annotations

import pytest

from configsvc.model import names
from configsvc.model.change_set import Delete
from configsvc.service.engine.records import RetentionSettings
from configsvc.service.verbs.namespaces import NamespaceWanted, create_namespace
from tests.support.scheduled.upkeep_world import Upkeep
from tests.support.service.world import ADMIN, World, make_world, text

DAY = 24 * 3600.0


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def upkeep(world: World) -> Upkeep:
    return Upkeep(world)


def test_a_run_prunes_and_writes_one_line(world: World, upkeep: Upkeep) -> None:
    world.set(retention=RetentionSettings(log_days=1, versions=1, deleted_days=1))
    world.put(text("a"))
    world.put(text("gone"))
    world.put(text("a"))
    world.change(Delete(names.parse_key("gone")))
    world.clock.pass_by(3 * DAY)
    assert upkeep.invoke("upkeep") == {"task": "upkeep", "failed": 0}
    (line,) = upkeep.lines()
    assert (line["level"], line["task"], line["namespaces"], line["skipped"], line["failed"]) == (
        "info", "upkeep", 1, 0, [],
    )  # fmt: skip
    assert (line["log_pruned"], line["keys_purged"], line["versions_pruned"]) == (6, 1, 2)
    assert (line["UpkeepFailed"], line["service"]) == (0, "configsvc-tests-upkeep")


def test_read_only_namespaces_are_skipped_and_still_reported(world: World, upkeep: Upkeep) -> None:
    world.put(text("a", rotate_by="2020-01-01"))
    world.set(read_only=True)
    create_namespace(world.ports, ADMIN, names.parse_namespace("payments.test"), NamespaceWanted(), None)
    upkeep.invoke("upkeep")
    line = upkeep.report()
    assert (line["namespaces"], line["skipped"], line["failed"], line["rotation_overdue"]) == (2, 1, [], 1)
