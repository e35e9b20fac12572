"""A service in memory with its upkeep; the agreement with the command line runs against one on loopback."""

from __future__ import annotations

import pytest

from tests.support.admin.loopback_fixtures import close_admins, namespace, service, shell
from tests.support.scheduled.upkeep_world import Upkeep
from tests.support.service.world import World, make_world

__all__ = ["close_admins", "namespace", "service", "shell"]


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def upkeep(world: World) -> Upkeep:
    return Upkeep(world.ports)
