"""What the machine has found, told as it happened."""

from configsvc.adapters.memory import MemoryRepository
from configsvc.service.create_namespace import NamespaceWanted, create_namespace
from tests.machines.storm import Storm
from tests.service.world import ADMIN, NS, World, sealed


def test_settings_that_are_so_already_are_answered_with_the_revision_that_has_them() -> None:
    """HEAD was read before another admin made the namespace read-only, and its settings after it."""
    table = MemoryRepository()
    storm = Storm(table)
    others, world = World(table).settle(), World(storm)
    storm.brew(["tear"], lambda: _discard(others.set(read_only=True)), cut=0b1)
    told = create_namespace(world.ports, ADMIN, NS, NamespaceWanted(read_only=True), None)
    assert told.status == 200
    assert (told.body["revision"], told.body["read_only"]) == (others.head().revision, True)


def test_an_envelope_that_is_sent_twice_at_once_is_answered_twice_alike() -> None:
    """The version was not there yet when it was read, and its key was read after it."""
    table = MemoryRepository()
    storm = Storm(table)
    others, world = World(table).settle(), World(storm)
    storm.brew(["tear"], lambda: _discard(others.put(sealed("db.password", 1))), cut=0b1000)
    again = world.put(sealed("db.password", 1))
    assert (again.status, again.body["version"], again.body["revision"]) == (200, 1, others.head().revision)


def _discard(_outcome: object) -> None:
    return
