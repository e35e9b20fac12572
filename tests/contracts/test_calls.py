"""What a request costs in calls to DynamoDB, counted where botocore sends them."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from configsvc.model import names
from configsvc.model.errors import NotFound
from configsvc.model.names import Key, Namespace
from configsvc.service.engine import records
from configsvc.service.verbs.read_keys import get_key
from tests.support.contracts import tables
from tests.support.service.world import READER, World, retried, sealed, settled, text

GRANTS_SECONDS = 11


@pytest.fixture
def calls() -> list[str]:
    return []


@pytest.fixture
def world(calls: list[str]) -> Iterator[World]:
    with mock_aws():
        client = tables.client()
        world = settled(tables.repository(client))
        client.meta.events.register("before-call.dynamodb", lambda model, **_: calls.append(model.name))
        yield world


def test_a_poll_is_one_get_item_and_with_grants_not_cached_one_batch(world: World, calls: list[str]) -> None:
    held = world.fetch()
    calls.clear()
    assert world.fetch(held.etag).status == 304
    assert calls == ["GetItem"]
    world.clock.pass_by(GRANTS_SECONDS)
    calls.clear()
    assert world.fetch(held.etag).status == 304
    assert calls == ["BatchGetItem"]


def test_a_put_is_one_batch_and_one_transaction(world: World, calls: list[str]) -> None:
    world.clock.pass_by(GRANTS_SECONDS)
    world.put(sealed("a", 1), retried("k1"))
    assert calls == ["BatchGetItem", "TransactWriteItems"]


def test_a_change_set_of_40_is_two_batches_and_one_transaction(world: World, calls: list[str]) -> None:
    world.change(*(sealed(f"k{number}", 1) for number in range(40)))
    world.clock.pass_by(GRANTS_SECONDS)
    calls.clear()
    world.change(*(sealed(f"k{number}", 2) for number in range(40)), idempotency=retried("k1"))
    assert calls == ["BatchGetItem", "BatchGetItem", "TransactWriteItems"]


@pytest.mark.parametrize(("keys", "transactions"), [(20, 1), (40, 2)])
def test_that_new_keys_are_new_takes_a_transaction_of_its_own_where_the_first_has_no_room_for_it(
    world: World, calls: list[str], keys: int, transactions: int
) -> None:
    world.change(*(sealed(f"k{number}", 1) for number in range(keys)))
    assert calls.count("TransactWriteItems") == transactions


def test_a_key_that_serves_nothing_takes_a_second_read_of_all_at_one_moment(world: World, calls: list[str]) -> None:
    with pytest.raises(NotFound):
        get_key(world.ports, READER, Namespace("payments.prod"), Key("nothing"))
    assert calls == ["BatchGetItem", "TransactGetItems"]


def test_a_snapshot_that_was_not_rendered_yet_adds_one_query_and_one_read_of_the_data_keys_in_use(
    world: World, calls: list[str]
) -> None:
    world.fetch()
    world.change(sealed("a", 1), text("b"))
    calls.clear()
    assert world.fetch().status == 200
    assert calls == ["GetItem", "Query", "GetItem"]


def test_a_repeated_request_is_one_batch(world: World, calls: list[str]) -> None:
    world.put(text("a"), retried("k1"))
    calls.clear()
    world.put(text("a"), retried("k1"))
    assert calls == ["BatchGetItem"]
    assert records.key("payments.prod", names.parse_key("a")) in world.repository.read
