"""Rows 37 to 39, 41, 46, 49, 50, 51 and 53: old, torn, altered or refused snapshots, and who is warned."""

from __future__ import annotations

import asyncio
import heapq
from contextlib import closing
from typing import Any

import pytest

from configsvc.model.errors import Unavailable
from configsvc_client import Config, Misconfigured
from tests.client.refresh.test_flights import Held, holding, reading
from tests.client.refresh.test_overdue import Context, invoke, loaded, reason, refreshes
from tests.client.service.test_two_api_keys import NEW, OLD, Keys
from tests.support.client.configs import Stage
from tests.support.client.sealing import make_plain_entry, make_snapshot, seal_values
from tests.support.client.stub_servers import run_stub
from tests.support.client.stub_service import run_service

TWO = seal_values({"a": "2"}, revision=2)


@pytest.mark.parametrize("left", [0.2, 1.5])
def test_37_an_hourly_invocation_with_little_time_sees_each_change(left: float) -> None:
    stage = loaded()
    for hour in range(2, 10):
        stage.clock.advance(3600)
        stage.serve(seal_values({"a": str(hour)}, revision=hour))
        assert (invoke(stage, left), stage.config.last_error) == (str(hour), None)
    assert refreshes(stage) == 8


def test_37_a_refresh_put_off_for_lack_of_time_is_reported() -> None:
    stage = loaded()
    stage.serve(TWO)
    stage.clock.advance(61)
    assert (invoke(stage, 1.0), reason(stage)) == ("1", "time_left")


@pytest.mark.parametrize("back", [1, 3600, 10 * 365 * 86400])
def test_38_a_wall_clock_set_back_serves_no_outdated_value(back: float) -> None:
    stage = loaded()
    stage.serve(TWO)
    stage.clock.advance(67)
    stage.clock.at -= 67 + back
    assert [stage.config["a"] for _ in range(20)] == ["2"] * 20


def test_38_a_monotonic_clock_stopped_by_a_freeze_serves_no_outdated_value() -> None:
    stage = loaded()
    stage.serve(TWO)
    stage.clock.at += 7200
    assert [stage.config["a"] for _ in range(20)] == ["2"] * 20


@pytest.mark.parametrize(("wall", "up"), [(7200, 0), (7200, 7200)])
def test_39_a_refresh_cut_off_by_a_freeze_is_reported_and_retried(wall: float, up: float) -> None:
    stage = loaded()
    stage.clock.advance(67)

    def freeze() -> None:
        stage.gateway.during = lambda: None
        stage.clock.at += wall
        stage.clock.up += up
        stage.gateway.fail = [Unavailable("reset")]  # the connection broke in the meantime

    stage.gateway.during = freeze
    stage.serve(TWO)
    assert (stage.config["a"], type(stage.config.last_error)) == ("1", Unavailable)
    stage.clock.advance(67)
    assert (stage.config["a"], stage.config.last_error) == ("2", None)


def test_39_an_answer_delayed_by_a_freeze_is_not_new() -> None:
    stage, gateway = holding()
    stage.config.snapshot()
    stage.clock.advance(67)
    held = Held()
    with reading(lambda: stage.config["a"], held, gateway) as got:
        stage.clock.at += 7200
        stage.serve(seal_values({"a": "3"}, revision=3))
        held.answer(TWO)
    assert (got, stage.config.age) == (["3"], 0)


def test_41_a_consumer_that_holds_both_keys_reads_all_through_a_rotation() -> None:
    keys = Keys(OLD)
    with run_stub(keys.answer) as api, run_service(seal_values({"a": "1"})) as running:
        environ = {**running.environ, "CONFIGSVC_URL": api.url, "CONFIGSVC_API_KEY": f"{NEW},{OLD}"}
        with closing(Config(environ=environ, start_seconds=20, refresh_seconds=20)) as config:
            config.snapshot()
            for allowed in ({OLD, NEW}, {NEW}):
                keys.allowed = allowed
                config.refresh()
            assert (config.last_error, config.counts["failures"]) == (None, 0)


def test_46_a_coroutine_sees_one_snapshot_from_first_to_last_step() -> None:
    stage = loaded()

    @stage.config.handler
    async def handle(event: object, context: object) -> list[object]:
        seen = [stage.config["a"]]
        stage.serve(TWO)
        stage.clock.advance(120)
        await asyncio.sleep(0)
        return [*seen, stage.config["a"], event, context][:2]

    assert asyncio.run(handle(None, Context(900))) == ["1", "1"]
    assert asyncio.run(handle(None, Context(900))) == ["2", "2"]


def test_46_generators_are_refused_when_they_are_wrapped() -> None:
    def stream(event: object, context: object) -> object:
        yield event, context

    with pytest.raises((TypeError, Misconfigured)):
        loaded().config.handler(stream)


def test_49_a_walk_reads_one_snapshot_despite_a_publication() -> None:
    keys = [f"k{number}" for number in range(5)]
    stage = Stage(make_snapshot([make_plain_entry(key, "1") for key in keys]))

    def published(key: str) -> str:
        if key == "k2":
            stage.serve(make_snapshot([make_plain_entry(key, "2") for key in keys], revision=2))
            stage.config.refresh()
        return key

    assert {published(key): value for key, value in stage.config.items()} == dict.fromkeys(keys, "1")
    assert dict(stage.config) == dict.fromkeys(keys, "2")


def test_50_bypassing_a_json_values_methods_breaks_no_refresh() -> None:
    stage = Stage(make_snapshot([make_plain_entry("a", "[3, 1, 2]", "application/json")]))
    value: Any = stage.config["a"]
    mine = value.plain()
    heapq.heapify(mine)
    assert (mine[0], stage.config["a"]) == (1, [3, 1, 2])
    list.append(value, value)
    stage.serve(make_snapshot([make_plain_entry("a", "[4]", "application/json")], revision=2))
    stage.clock.advance(67)
    assert stage.config["a"] == [4]


def test_51_an_outage_logs_two_lines_and_shows_in_health() -> None:
    stage = loaded()
    for fails in (True, True, True, False, False):
        stage.gateway.fail = [Unavailable("down")] if fails else []
        stage.clock.advance(67)
        assert stage.config["a"] == "1"
        assert stage.config.health().state == ("failing" if fails else "ok")
    assert len(stage.warnings) == 2


@pytest.mark.parametrize(("stored", "kind"), [("10.7", int), ("maybe", bool)])
def test_53_a_conversion_that_would_change_a_value_is_refused(stored: str, kind: type) -> None:
    stage = Stage(seal_values({"a": stored}))
    with pytest.raises(ValueError, match="cannot be read as"):
        stage.config.get("a", as_=kind)
