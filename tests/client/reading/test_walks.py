"""Who walks over a Config walks over one snapshot, whatever is published between any two steps; other reads do not."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import threading
import weakref
from collections import ChainMap, OrderedDict, UserDict
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from configsvc_client import Config, Snapshot
from tests.support.client.configs import Stage
from tests.support.client.sealing import make_plain_entry, make_snapshot
from tests.support.client.stub_service import run_service

KEYS = [f"k{number}" for number in range(6)]


def served(label: int) -> Any:  # noqa: ANN401  # as `found` gives it
    """Every value is the label; each other label has a key of its own instead of one of the others."""
    keys = KEYS if label % 2 else [*KEYS[:-1], "other"]
    return make_snapshot([make_plain_entry(key, str(label)) for key in keys], revision=label)


def called(**values: object) -> dict[str, object]:
    return values


def read_each_in_a_loop(config: Config) -> dict[str, object]:
    values: dict[str, object] = {}
    for key in config:
        values[key] = config[key]
    return values


def updated(values: dict[str, object], config: Config) -> dict[str, object]:
    values.update(config)
    return values


WALKS: dict[str, Callable[[Config], object]] = {
    "dict": dict,
    "display": lambda config: {**config},
    "call": lambda config: called(**config),
    "update": lambda config: updated({}, config),
    "items": lambda config: dict(config.items()),
    "list of items": lambda config: dict(list(config.items())),
    "loop over items": lambda config: {key: value for key, value in config.items()},  # noqa: C416  # a loop
    "loop over keys": lambda config: {key: config[key] for key in config.keys()},  # noqa: SIM118  # what is tested
    "loop": read_each_in_a_loop,
    "loop with get": lambda config: {key: config.get(key) for key in config},
    "OrderedDict": lambda config: dict(OrderedDict(config)),
    "UserDict": lambda config: dict(UserDict(config)),
    "json": lambda config: json.loads(json.dumps(dict(config))),
    "sorted items": lambda config: dict(sorted(config.items())),
    "in a thread's loop": lambda config: in_a_thread(lambda: dict(config)),
}


def in_a_thread(what: Callable[[], object]) -> object:
    done: list[object] = []
    thread = threading.Thread(target=lambda: done.append(what()))
    thread.start()
    thread.join(30)
    return done[0]


class Publishing:
    """Publishes a newer snapshot, from another thread, at each step of a walk, or at one."""

    def __init__(self, stage: Stage, at: int | None = None) -> None:
        self.stage, self.label, self.at, self.steps = stage, 1, at, 0
        self.on, self.inside = False, False

    def step(self) -> None:
        self.steps += self.on
        if not self.on or self.inside or (self.at is not None and self.steps != self.at):
            return
        self.inside = True
        self.label += 1
        self.stage.serve(served(self.label))
        in_a_thread(self.stage.config.refresh)
        self.inside = False

    def stepped(self, clock: Callable[[], float]) -> float:
        self.step()
        return clock()


class Stepped(Config):
    """Whoever reads a key meets a step before and after."""

    publishing: Publishing | None = None

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401  # as of a Config
        assert self.publishing
        self.publishing.step()
        try:
            return super().__getitem__(key)
        finally:
            self.publishing.step()


def stepped(at: int | None = None, *, by_clock: bool = True) -> Publishing:
    stage = Stage(served(1))
    publishing = Publishing(stage, at)
    if by_clock:
        wall, monotonic = stage.clock.wall, stage.clock.monotonic
        stage.clock.wall = lambda: publishing.stepped(wall)  # type: ignore[method-assign]  # steps
        stage.clock.monotonic = lambda: publishing.stepped(monotonic)  # type: ignore[method-assign]  # steps
    else:
        stage.config = config = Stepped("payments.prod", environ=stage.environ, world=stage.world)
        config.publishing = publishing
    stage.config.snapshot()
    publishing.on = True
    return publishing


def whole(values: object) -> bool:
    """Whether all values are of one label, and the keys those of that label."""
    assert isinstance(values, dict)
    labels = set(values.values())
    return len(labels) == 1 and set(values) == {entry.key for entry in served(int(labels.pop())).sealed.entries}


@pytest.mark.parametrize("walk", WALKS)
@pytest.mark.parametrize("by_clock", [True, False])
def test_a_walk_sees_one_snapshot_though_another_is_published_at_every_step(walk: str, *, by_clock: bool) -> None:
    publishing = stepped(by_clock=by_clock)
    assert whole(WALKS[walk](publishing.stage.config))


@pytest.mark.parametrize("walk", WALKS)
@pytest.mark.parametrize("by_clock", [True, False])
def test_a_walk_sees_one_snapshot_whichever_step_another_is_published_at(walk: str, *, by_clock: bool) -> None:
    at, more = 1, True
    while more:
        publishing = stepped(at, by_clock=by_clock)
        assert whole(WALKS[walk](publishing.stage.config))
        at, more = at + 1, publishing.steps >= at
    assert at > 1


def test_values_are_of_one_snapshot() -> None:
    config = stepped().stage.config
    assert len(set(config.values())) == 1
    assert len(set(list(config.values()))) == 1  # noqa: C414  # which asks for their number first


@pytest.mark.parametrize("walk", ["dict", "display", "call", "items", "list of items", "OrderedDict"])
def test_a_walk_sees_one_snapshot_though_its_window_closes_on_the_way(walk: str) -> None:
    stage = Stage(served(1))
    stage.config.snapshot()
    wall = stage.clock.wall

    def passes() -> float:
        stage.clock.advance(61)
        return wall()

    stage.serve(served(2))
    stage.clock.wall = passes  # type: ignore[method-assign]  # time passes with each look at it
    assert whole(WALKS[walk](stage.config))


def test_two_are_equal_where_both_have_the_values_of_one_snapshot() -> None:
    publishing = stepped()
    assert publishing.stage.config != dict.fromkeys(KEYS, "0")
    values = dict(publishing.stage.config.snapshot())
    publishing.on = False
    assert publishing.stage.config.snapshot() == publishing.stage.config
    assert values != publishing.stage.config or publishing.label == int(str(values["k0"]))


def fresh() -> Stage:
    stage = Stage(served(1))
    stage.config.snapshot()
    return stage


def publish(stage: Stage, label: int) -> None:
    stage.serve(served(label))
    in_a_thread(stage.config.refresh)


@pytest.mark.parametrize("before", [dict, list, set, lambda config: config.keys(), lambda config: dict(config.items())])
def test_a_read_after_a_walk_is_current_at_once(before: Callable[[Config], object]) -> None:
    stage = fresh()
    kept = before(stage.config)
    publish(stage, 3)
    assert [stage.config[key] for key in KEYS] == ["3"] * 6
    assert [stage.config.get(key) for key in KEYS] == ["3"] * 6
    assert kept is not None


def test_every_walk_begins_with_what_is_current() -> None:
    stage = fresh()
    for label in range(1, 20):
        values = dict(stage.config)
        assert set(values.values()) == {str(label)}
        publish(stage, label + 1)


def test_a_loop_reads_new_values_after_a_second_or_a_refresh() -> None:
    stage = fresh()
    values = []
    for key in stage.config:
        if key == "k2":
            publish(stage, 3)
        if key == "k3":
            stage.clock.advance(1.0)
        values.append(stage.config[key])
    assert values == ["1", "1", "1", "3", "3", "3"]
    for key in stage.config:
        stage.serve(served(5))
        stage.config.refresh()
        values.append(stage.config[key])
    assert values[6:] == ["5"] * 6


def test_a_loop_holds_one_key_and_thread_and_ends_with_its_frame() -> None:
    stage = fresh()
    for key in stage.config:
        publish(stage, 3)
        assert (stage.config["k0"], in_a_thread(lambda: stage.config["k0"])) == ("1" if key == "k0" else "3", "3")
        break
    assert stage.config["k0"] == "3"

    def begun() -> object:
        return next(iter(stage.config))

    assert begun() == "k0"
    publish(stage, 5)
    assert stage.config["k0"] == "5"


def test_a_walk_keeps_no_snapshot_alive_once_another_is_published() -> None:
    stage = fresh()
    kept: list[weakref.ref[object]] = []

    def walk() -> None:
        dict(stage.config)
        list(stage.config)
        for _ in stage.config:
            break
        kept.append(weakref.ref(stage.config._shown._held))  # noqa: SLF001  # of that snapshot

    walk()
    publish(stage, 3)
    gc.collect()
    assert [each() for each in kept] == [None]


def test_with_system_clocks_reads_are_fast_again_after_a_whole_walk() -> None:
    with run_service(served(1)) as running:
        config = Stepped(environ=running.environ, poll_seconds=60, refresh_seconds=20)

        class Serving(Publishing):
            def step(self) -> None:
                if self.on:
                    self.on, self.label = False, self.label + 2
                    running.serve(served(self.label))
                    in_a_thread(config.refresh)

        config.publishing = Serving(Stage(served(1)))
        config.snapshot()
        for walk in (dict, lambda it: {**it}, read_each_in_a_loop):
            config.publishing.on = True
            label = str(config.publishing.label)
            assert walk(config) == dict.fromkeys(KEYS, label)
            assert config["k0"] == str(int(label) + 2)
            assert config._open is config._published  # noqa: SLF001  # the fast path
        config.close()


def pausing(config: Config) -> Iterator[tuple[str, object]]:
    for key in config:
        yield key, config[key]


def test_a_paused_generator_walks_one_snapshot_despite_a_publication() -> None:
    stage = fresh()
    values: dict[str, object] = {}
    for label, (key, value) in enumerate(pausing(stage.config), 3):
        values[key] = value
        publish(stage, label)
        assert stage.config["k0"] == str(label)
    assert whole(values)


def test_a_generator_whose_steps_are_on_other_threads_walks_over_one_snapshot() -> None:
    stage = fresh()
    steps, values = pausing(stage.config), dict[str, object]()

    def step() -> bool:
        before = len(values)
        values.update([each for each in [next(steps, None)] if each is not None])
        return len(values) > before

    label = 2
    while in_a_thread(step):
        label += 1
        publish(stage, label)
    assert whole(values)


def test_a_coroutine_walks_one_snapshot_while_other_tasks_read_new_values() -> None:
    stage = fresh()
    values: dict[str, object] = {}

    async def walk() -> None:
        for label, key in enumerate(stage.config, 3):
            values[key] = stage.config[key]
            await asyncio.to_thread(publish, stage, label)
            assert await asyncio.create_task(read(stage.config)) == str(label)

    async def read(config: Config) -> object:
        return config["k0"]

    asyncio.run(walk())
    assert whole(values)


def test_a_generator_that_is_dropped_amid_its_walk_holds_nothing_up() -> None:
    stage = fresh()
    steps = pausing(stage.config)
    next(steps)
    publish(stage, 3)
    del steps
    gc.collect()
    assert stage.config["k0"] == "3"
    assert not stage.config._leases.any_left()  # type: ignore[union-attr]  # noqa: SLF001  # none is kept


def test_walks_inside_a_handler_and_of_a_snapshot_are_unchanged() -> None:
    stage = fresh()

    def handler(event: object, context: object) -> list[object]:
        del event, context
        publish(stage, 3)
        return [
            dict(stage.config),
            {**stage.config},
            list(stage.config.items()),
            ChainMap({}, dict(stage.config))["k0"],
        ]

    first = dict.fromkeys(KEYS, "1")
    assert stage.config.handler(handler)(None, None) == [first, first, list(first.items()), "1"]
    assert isinstance(stage.config.snapshot(), Snapshot)
    environ = os.environ.copy()
    environ.update(stage.config)  # type: ignore[arg-type]  # all of its values are text
    assert environ["k0"] == "3"
