"""Idempotency-Key: one request, one write, one answer, for a day."""

import pytest

from configsvc.adapters.memory import MemoryRepository
from configsvc.model.change_set import Put
from configsvc.model.errors import Forbidden, IdempotencyMismatch, InvalidRequest, NotFound, PreconditionFailed
from configsvc.service.engine import records
from configsvc.service.engine.ports import Idempotency, WriteOutcome
from configsvc.service.engine.records import KeptAnswer
from configsvc.service.verbs.grants import set_grants
from tests.support.service.world import (
    ADMIN,
    NS,
    ROLES,
    STRANGER,
    World,
    caller,
    grant,
    make_retry_key,
    make_world,
    text,
)

DAY = 24 * 3600


@pytest.fixture
def world() -> World:
    return make_world()


def test_a_repeated_request_gets_the_first_answer_despite_later_writes(world: World) -> None:
    first = world.put(text("a"), make_retry_key("k1"))
    world.put(text("a"))
    before = world.stored()
    assert world.put(text("a"), make_retry_key("k1")) == first
    assert world.stored() == before


def test_the_first_answer_comes_before_a_precondition_that_no_longer_holds(world: World) -> None:
    first = world.put(text("a", create_only=True), make_retry_key("k1"))
    assert world.put(text("a", create_only=True), make_retry_key("k1")) == first
    with pytest.raises(PreconditionFailed):
        world.put(text("a", create_only=True), make_retry_key("k2"))


def test_a_different_request_with_the_same_key_is_refused(world: World) -> None:
    world.put(text("a"), make_retry_key("k1"))
    with pytest.raises(IdempotencyMismatch):
        world.put(text("a", "other"), make_retry_key("k1", "another hash"))


@pytest.mark.parametrize(
    "other", [Idempotency("k1", "POST", "/v1/somewhere", "hash"), Idempotency("k1", "PUT", "/v1/elsewhere", "hash")]
)
def test_a_key_is_bound_to_method_and_path(world: World, other: Idempotency) -> None:
    world.put(text("a"), make_retry_key("k1"))
    assert world.put(text("a"), other).body["version"] == 2


def test_a_key_is_bound_to_its_principal(world: World) -> None:
    set_grants(world.ports, ADMIN, ROLES + "Another", (grant("write"),), None)
    world.put(text("a"), make_retry_key("k1"))
    assert world.put(text("a"), make_retry_key("k1"), caller("devkey", "Another")).body["version"] == 2


def test_a_caller_who_lost_write_gets_no_first_answer(world: World) -> None:
    world.put(text("a"), make_retry_key("k1"))
    set_grants(world.ports, ADMIN, ROLES + "Developer", (), None)
    with pytest.raises(Forbidden):
        world.put(text("a"), make_retry_key("k1"))


def test_a_refused_write_is_not_remembered(world: World) -> None:
    with pytest.raises(PreconditionFailed):
        world.put(text("a", if_match=1), make_retry_key("k1"))
    assert world.put(text("a"), make_retry_key("k1", "another hash")).status == 201


def test_a_key_expires_after_24_hours_even_if_still_stored(world: World) -> None:
    world.put(text("a"), make_retry_key("k1"))
    world.clock.pass_by(DAY - 1)
    assert world.put(text("a"), make_retry_key("k1")).body["version"] == 1
    world.clock.pass_by(1)
    assert world.put(text("a"), make_retry_key("k1", "another hash")).body["version"] == 2
    assert world.put(text("a"), make_retry_key("k1", "another hash")).body["version"] == 2


def test_two_identical_requests_at_once_write_once(world: World) -> None:
    world.repository.before_commit.append(lambda: ignore(world.put(text("a"), make_retry_key("k1"))))
    assert world.put(text("a"), make_retry_key("k1")).body["version"] == 1
    assert world.head().revision == 3


@pytest.mark.parametrize("gap", range(3))
@pytest.mark.parametrize("backwards", [False, True])
def test_a_retry_that_reads_during_the_first_commit_gets_its_answer(gap: int, *, backwards: bool) -> None:
    """A batch is not isolated: it may contain the key as the first attempt left it, but not yet the answer."""
    gaps, first = list[int](), list[WriteOutcome]()

    def interrupt() -> None:
        if gaps and gaps.pop() == gap:
            first.append(torn.put(text("a", create_only=True), make_retry_key("k1")))

    table = MemoryRepository(interrupt)
    torn = make_world(table)
    if backwards:  # every other batch is read backwards
        table.get([records.head(NS), records.settings(NS)])
    gaps += reversed(range(3))
    assert [torn.put(text("a", create_only=True), make_retry_key("k1"))] == first


def test_a_kept_answer_has_no_value_and_an_expiry(world: World) -> None:
    world.put(text("a", "postgres://canary"), make_retry_key("k1"))
    (kept,) = world.repository.query(records.of_namespace("payments.prod"), "I#")
    assert isinstance(kept, KeptAnswer)
    assert "canary" not in repr(kept)
    assert kept.expires == 1_800_000_000 + DAY
    assert kept.revision == world.head().revision


def test_the_answer_is_looked_up_in_the_one_read(world: World) -> None:
    world.put(text("a"), make_retry_key("k1"))
    world.repository.calls.clear()
    world.put(text("a"), make_retry_key("k1"))
    assert world.repository.calls == ["get"]


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_an_idempotency_key_has_1_to_255_characters(world: World, key: str) -> None:
    with pytest.raises(InvalidRequest):
        world.put(text("a"), make_retry_key(key))


def test_a_stranger_learns_nothing_from_a_key(world: World) -> None:
    wanted: Put = text("a")
    world.put(wanted, make_retry_key("k1"))
    with pytest.raises(NotFound):
        world.put(wanted, make_retry_key("k1"), STRANGER)


def ignore(_outcome: object) -> None:
    return
