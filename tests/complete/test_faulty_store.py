"""The zip in front of a failing DynamoDB: the service responds with its own errors and survives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from local.emulator.launcher import Emulator
from local.runtime.function import Runtime
from tests.support.complete.faulty_store import Fault, FaultyStore
from tests.support.complete.packed import Zip
from tests.support.complete.stages import build_stage, grant, start_story
from tests.support.journeys.api import Reply
from tests.support.journeys.sealing import plain
from tests.support.journeys.story import Story

pytestmark = [pytest.mark.emulator, pytest.mark.slow]


class Faulty(NamedTuple):
    store: FaultyStore
    runtime: Runtime
    story: Story


@pytest.fixture(scope="module")
def faulty(emulator: Emulator, packed: Zip) -> Iterator[Faulty]:
    store = FaultyStore(emulator.url)
    store.start()
    given = {**packed.variables, "AWS_ENDPOINT_URL_DYNAMODB": store.url}
    try:
        with packed._replace(variables=given).environment("faulty") as runtime, build_stage(runtime) as made:
            grant(made)
            yield Faulty(store, runtime, start_story(made))
    finally:
        store.works()
        store.stop()


def poll(story: Story) -> Reply:
    return story.snapshot('"1-x"')


CALLS: dict[str, Callable[[Story], Reply]] = {
    "GetItem": poll,
    "Query": Story.snapshot,
    "TransactGetItems": lambda story: story.get("nowhere"),
    "BatchGetItem": lambda story: story.put("k", plain("two")),
    "TransactWriteItems": lambda story: story.put("k", plain("three")),
}


@pytest.mark.parametrize("fault", ["silent", "drips", "half", "resets"])
def test_a_faulty_store_gives_503_in_time_until_it_recovers(faulty: Faulty, fault: Fault) -> None:
    store, runtime, story = faulty
    pids = runtime.pids()
    for operation, ask in CALLS.items():
        assert story.snapshot().status == 200  # so that grants are cached
        assert story.put("k", plain("one")).status == 201  # and the snapshot is not
        store.breaks(fault, [operation])
        refused = ask(story)
        assert (refused.status, refused.code, refused.headers["retry-after"]) == (503, "unavailable", "1"), operation
        assert store.hit > 1, operation
        store.works()
        assert ask(story).status in {200, 201, 404}, operation
    assert runtime.pids() == pids


def test_a_repeated_write_without_a_response_is_confirmed(faulty: Faulty) -> None:
    store, _, story = faulty
    once = {"Idempotency-Key": "once"}
    store.breaks("committed, then silent", ["TransactWriteItems"])
    refused = story.put("silent", plain("one"), once)
    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert "may or may not have happened" in refused.problem()["detail"]
    store.works()
    again = story.put("silent", plain("one"), once)
    assert (again.status, again.json()["version"]) == (201, 1)
    assert len(story.read("/keys/silent/versions").json()["versions"]) == 1


def test_a_table_that_is_silent_at_the_start_is_503_until_it_responds(faulty: Faulty) -> None:
    store, runtime, story = faulty
    runtime.cool()
    store.breaks("silent", ["BatchGetItem", "GetItem"])
    assert story.snapshot().status == 503
    store.works()
    assert story.snapshot().status == 200
