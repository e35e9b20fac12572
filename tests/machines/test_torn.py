"""What the machine has found, told as it happened."""

from configsvc.adapters.memory import MemoryRepository
from configsvc.service.create_namespace import NamespaceWanted, create_namespace
from tests.machines.storm import Storm
from tests.service.world import ADMIN, NS, World


def test_settings_that_are_so_already_are_answered_with_the_revision_that_has_them() -> None:
    """HEAD was read before another admin made the namespace read-only, and its settings after it."""
    table = MemoryRepository()
    storm = Storm(table)
    others, world = World(table).settle(), World(storm)
    storm.brew(["tear"], lambda: _discard(others.set(read_only=True)), cut=0b1)
    told = create_namespace(world.ports, ADMIN, NS, NamespaceWanted(read_only=True), None)
    assert told.status == 200
    assert (told.body["revision"], told.body["read_only"]) == (others.head().revision, True)


def _discard(_outcome: object) -> None:
    return
