from collections.abc import Callable

import pytest

from configsvc.model.errors import Expired, Throttled, Unavailable
from configsvc_client import Config
from tests.support.client.configs import Stage
from tests.support.client.sealing import seal_values

FIVE_MINUTES = {"CONFIGSVC_MAX_STALE_SECONDS": "300"}


def failing(**environ: str) -> Stage:
    stage = Stage(seal_values({"a": "1"}), **environ)
    stage.config.snapshot()
    stage.gateway.fail = [Unavailable("down")] * 10_000
    return stage


def test_stale_values_are_served_until_max_stale_and_no_longer() -> None:
    stage = failing(**FIVE_MINUTES)
    for _ in range(301):
        assert stage.config["a"] == "1"
        stage.clock.advance(1)
    reads: list[Callable[[], object]] = [
        lambda: stage.config["a"],
        stage.config.snapshot,
        lambda: stage.config.get("a"),
        lambda: list(stage.config),
    ]
    for read in reads:
        with pytest.raises(Expired, match=r"301 seconds old.*300.*down"):
            read()
    with pytest.raises(Expired):
        stage.config.handler(print)(None, None)
    assert stage.config.age == 301


def test_without_max_stale_it_is_served_for_ever() -> None:
    stage = failing()
    stage.clock.advance(10 * 365 * 86400)
    assert stage.config["a"] == "1"


def test_an_expired_snapshot_is_refreshed_within_an_interval_and_serves_again() -> None:
    stage = failing(**FIVE_MINUTES)
    stage.chance = 0.999
    stage.clock.advance(301)
    with pytest.raises(Expired):
        stage.config["a"]
    stage.gateway.fail = []
    stage.clock.advance(60)
    assert stage.config["a"] == "1"
    assert stage.config.age == 0


def test_retry_after_is_heeded_also_by_what_expired() -> None:
    stage = failing(**FIVE_MINUTES)
    stage.gateway.fail = [Throttled("slow down", retry_after=200)]
    stage.clock.advance(301)
    for _ in range(200):
        with pytest.raises(Expired):
            stage.config["a"]
        stage.clock.advance(1)
    assert len(stage.gateway.asked) == 2
    stage.clock.advance(20)
    assert stage.config["a"] == "1"


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
def test_a_max_stale_of_one_interval_never_shows_while_the_service_answers(chance: float) -> None:
    stage = Stage(seal_values({"a": "1"}), CONFIGSVC_MAX_STALE_SECONDS="60")
    stage.chance = chance
    for _ in range(600):
        assert stage.config["a"] == "1"
        stage.clock.advance(1)


def test_a_snapshot_does_not_expire_during_its_invocation() -> None:
    stage = failing(**FIVE_MINUTES)

    def read(event: object, context: object) -> object:
        del event, context
        stage.clock.advance(10_000)
        return stage.config["a"]

    assert stage.config.handler(read)(None, None) == "1"


def test_a_fallback_file_older_than_max_stale_is_not_served() -> None:
    stage = Stage(seal_values({"a": "1"}), **FIVE_MINUTES, CONFIGSVC_FALLBACK="file")
    stage.save(seal_values({"a": "saved"}), ago=301)
    stage.gateway.fail = [Unavailable("down")] * 20
    with pytest.raises(Expired):
        stage.config["a"]
    assert stage.config.source == "fallback"


def test_an_age_is_shown_before_anything_is_held_and_after() -> None:
    assert Config(environ={}).age == float("inf")
    assert Config(environ={}).counts == {"callback_failures": 0}
