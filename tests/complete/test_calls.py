"""The calls to DynamoDB of each request, counted by a proxy and not by the service."""

from __future__ import annotations

import pytest

from local.network.proxy import CountingProxy
from tests.support.complete.packed import Zip
from tests.support.complete.stages import build_stage, find_elsewhere
from tests.support.journeys.sealing import plain
from tests.support.journeys.story import Story

pytestmark = pytest.mark.emulator


@pytest.fixture
def warm(story: Story) -> Story:
    """A namespace whose snapshot and grants are cached."""
    story.put("k", plain("one")).json()
    story.snapshot().json()
    return story


def _count_calls(dynamodb: CountingProxy) -> dict[str, int]:
    """The calls by operation since the last count, which is reset."""
    return {operation: count for (_, operation), count in dynamodb.reset().items()}


def test_an_unchanged_poll_is_one_get_item_and_writes_nothing(warm: Story, dynamodb: CountingProxy) -> None:
    held = warm.snapshot().headers["etag"]
    _count_calls(dynamodb)

    assert warm.snapshot(held).status == 304
    assert _count_calls(dynamodb) == {"GetItem": 1}


def test_a_poll_that_reads_grants_is_one_batch(warm: Story, packed: Zip, dynamodb: CountingProxy) -> None:
    held = warm.snapshot().headers["etag"]
    with packed.environment("cold") as runtime, build_stage(runtime) as cold:
        later = find_elsewhere(warm, cold)
        _count_calls(dynamodb)

        assert later.snapshot(held).status == 304
        assert _count_calls(dynamodb) == {"BatchGetItem": 1}
        assert later.snapshot(held).status == 304
        assert _count_calls(dynamodb) == {"GetItem": 1}


def test_a_first_snapshot_is_a_batch_and_a_query(warm: Story, packed: Zip, dynamodb: CountingProxy) -> None:
    with packed.environment("cold") as runtime, build_stage(runtime) as cold:
        later = find_elsewhere(warm, cold)
        _count_calls(dynamodb)

        assert later.snapshot().status == 200
        assert _count_calls(dynamodb) == {"BatchGetItem": 1, "Query": 1}


def test_a_cached_snapshot_is_one_get_item(warm: Story, dynamodb: CountingProxy) -> None:
    _count_calls(dynamodb)

    assert warm.snapshot().json()["entries"]
    assert _count_calls(dynamodb) == {"GetItem": 1}


def test_a_put_is_one_read_and_one_transaction(warm: Story, dynamodb: CountingProxy) -> None:
    _count_calls(dynamodb)

    assert warm.put("k", plain("two")).status == 201
    assert _count_calls(dynamodb) == {"BatchGetItem": 1, "TransactWriteItems": 1}


@pytest.mark.slow
def test_a_change_set_is_one_read_and_one_transaction(warm: Story, dynamodb: CountingProxy) -> None:
    _count_calls(dynamodb)

    assert warm.change([{"op": "put", "key": f"k{n}", **plain("v")} for n in range(10)]).status == 200
    assert _count_calls(dynamodb) == {"BatchGetItem": 1, "TransactWriteItems": 1}


def test_health_and_refusals_of_the_gateway_do_not_touch_the_table(warm: Story, dynamodb: CountingProxy) -> None:
    _count_calls(dynamodb)

    assert warm.api.send("GET", "/v1/health", None).status == 200
    assert warm.api.send("GET", f"{warm.path}/snapshot", None).status == 403
    assert _count_calls(dynamodb) == {}
