"""Counts the calls to DynamoDB that a request costs, where botocore sends them."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from configsvc.model import names
from configsvc.model.errors import NotFound
from configsvc.model.names import Key, Namespace
from configsvc.service.engine import records
from configsvc.service.verbs.read_keys import get_key
from tests.support.contracts import tables
from tests.support.service.world import READER, World, make_retry_key, make_world, sealed, text

GRANTS_SECONDS = 11


@pytest.fixture
def calls() -> list[str]:
    return []


@pytest.fixture
def world(calls: list[str]) -> Iterator[World]:
    with mock_aws():
        client = tables.make_client()
        world = make_world(tables.make_repository(client))
        client.meta.events.register("before-call.dynamodb", lambda model, **_: calls.append(model.name))
        yield world


def test_a_poll_is_one_get_item_or_one_batch_without_cached_grants(world: World, calls: list[str]) -> None:
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
    world.put(sealed("a", 1), make_retry_key("k1"))
    assert calls == ["BatchGetItem", "TransactWriteItems"]


def test_a_change_set_of_40_is_two_batches_and_one_transaction(world: World, calls: list[str]) -> None:
    world.change(*(sealed(f"k{number}", 1) for number in range(40)))
    world.clock.pass_by(GRANTS_SECONDS)
    calls.clear()
    world.change(*(sealed(f"k{number}", 2) for number in range(40)), idempotency=make_retry_key("k1"))
    assert calls == ["BatchGetItem", "BatchGetItem", "TransactWriteItems"]


@pytest.mark.parametrize(("keys", "transactions"), [(20, 1), (40, 2)])
def test_checks_of_new_keys_take_a_second_transaction_if_needed(
    world: World, calls: list[str], keys: int, transactions: int
) -> None:
    world.change(*(sealed(f"k{number}", 1) for number in range(keys)))
    assert calls.count("TransactWriteItems") == transactions


def test_an_unserved_key_takes_a_second_read_in_one_transaction(world: World, calls: list[str]) -> None:
    with pytest.raises(NotFound):
        get_key(world.ports, READER, Namespace("payments.prod"), Key("nothing"))
    assert calls == ["BatchGetItem", "TransactGetItems"]


def test_rendering_a_snapshot_adds_one_query_and_one_read_of_data_keys(world: World, calls: list[str]) -> None:
    world.fetch()
    world.change(sealed("a", 1), text("b"))
    calls.clear()
    assert world.fetch().status == 200
    assert calls == ["GetItem", "Query", "GetItem"]


def test_a_repeated_request_is_one_batch(world: World, calls: list[str]) -> None:
    world.put(text("a"), make_retry_key("k1"))
    calls.clear()
    world.put(text("a"), make_retry_key("k1"))
    assert calls == ["BatchGetItem"]
    assert records.key("payments.prod", names.parse_key("a")) in world.repository.read
