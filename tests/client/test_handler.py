import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from configsvc.model.errors import Unavailable
from configsvc_client import Config, ConfigUnavailable, Misconfigured
from tests.client.configs import Stage
from tests.client.sealing import sealed_values


def test_one_invocation_sees_one_snapshot_whatever_happens_meanwhile() -> None:
    stage = Stage(sealed_values({"a": "1"}))
    config = stage.config

    @config.handler
    def handler(event: str, context: object) -> list[object]:
        del context
        before = config["a"]
        stage.serve(sealed_values({"a": "2"}, revision=2))
        stage.clock.advance(3600)
        config.refresh()
        return [event, before, config["a"], config.get("a"), config.secret("a").reveal(), config.revisions]

    assert handler("e", None) == ["e", "1", "1", "1", "1", {"payments.prod": 1}]
    assert config["a"] == "2"
    assert handler("e", None)[1] == "2"


def test_a_class_of_ones_own_wraps_handlers_too_and_stays_what_it_is() -> None:
    class Own(Config):
        def both(self) -> tuple[object, object]:
            return self["a"], self.get("a")

    stage = Stage(sealed_values({"a": "1"}))
    config = Own(environ=stage.environ, world=stage.world)
    first, second = (config.handler(lambda _event, _context: config.both()) for _ in range(2))
    assert (first(None, None), second(None, None), config.both()) == (("1", "1"),) * 3
    assert isinstance(config, Own)
    assert repr(config).startswith("Config(")


def test_a_thread_sees_the_snapshot_of_the_invocation_where_it_is_handed_over_and_else_what_is_current() -> None:
    stage = Stage(sealed_values({"a": "1"}))
    config = stage.config

    def read() -> object:
        return config["a"]

    def handler(event: object, context: object) -> list[object]:
        del event, context
        roads: list[Callable[[], object]] = [read, lambda: carried.run(read), lambda: snapshot["a"]]
        snapshot, carried = config.snapshot(), contextvars.copy_context()
        stage.serve(sealed_values({"a": "2"}, revision=2))
        config.refresh()
        return [*pool.map(lambda road: road(), roads), asyncio.run(asyncio.to_thread(read))]

    with ThreadPoolExecutor(1) as pool:
        pool.submit(read).result()  # its thread runs before the invocation
        assert config.handler(handler)(None, None) == ["2", "1", "1", "1"]


def test_an_invocation_after_the_interval_refreshes_before_it_runs() -> None:
    stage = Stage(sealed_values({"a": "1"}))
    handler = stage.config.handler(lambda event, context: (event, context, stage.config["a"]))
    assert handler(1, 2) == (1, 2, "1")
    stage.serve(sealed_values({"a": "2"}, revision=2))
    stage.clock.advance(61)
    assert handler(1, 2) == (1, 2, "2")


def test_inside_a_handler_reading_asks_no_clock() -> None:
    stage = Stage(sealed_values({"a": "1"}))

    def read(event: object, context: object) -> str:
        del event, context
        stage.clock.wall = stage.clock.now = None  # type: ignore[assignment, method-assign]  # any use of them fails
        return str(stage.config["a"])

    assert stage.config.handler(read)(None, None) == "1"


def test_in_lambda_config_is_loaded_when_the_handler_is_wrapped_and_elsewhere_when_it_is_called() -> None:
    elsewhere = Stage(sealed_values({"a": "1"}))
    elsewhere.config.handler(print)
    assert elsewhere.gateway.asked == []
    inside = Stage(sealed_values({"a": "1"}), AWS_LAMBDA_FUNCTION_NAME="f")
    inside.config.handler(print)
    assert len(inside.gateway.asked) == 1


def test_a_load_that_fails_in_the_init_phase_is_tried_again_by_the_invocation_which_raises() -> None:
    stage = Stage(sealed_values({"a": "1"}), AWS_LAMBDA_FUNCTION_NAME="f")
    stage.gateway.fail = [Unavailable("down")] * 6
    handler = stage.config.handler(lambda event, context: (event, context, stage.config["a"]))
    with pytest.raises(ConfigUnavailable):
        handler(1, 2)
    assert handler(1, 2) == (1, 2, "1")


def test_in_lambda_missing_settings_fail_the_init_phase() -> None:
    with pytest.raises(Misconfigured):
        Config(environ={"AWS_LAMBDA_FUNCTION_NAME": "f"}).handler(print)


def test_a_wrapped_handler_keeps_its_name_and_lets_errors_through() -> None:
    stage = Stage(sealed_values({"a": "1"}))

    @stage.config.handler
    def my_handler(event: object, context: object) -> None:
        del event, context
        raise ZeroDivisionError

    assert my_handler.__name__ == "my_handler"
    with pytest.raises(ZeroDivisionError):
        my_handler(None, None)
    stage.serve(sealed_values({"a": "2"}, revision=2))
    stage.config.refresh()
    assert stage.config["a"] == "2"
