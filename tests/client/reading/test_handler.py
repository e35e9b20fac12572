import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from configsvc.model.errors import Unavailable
from configsvc_client import Config, ConfigUnavailable, Misconfigured
from tests.support.client.configs import Stage
from tests.support.client.sealing import seal_values


def test_one_invocation_sees_one_snapshot_whatever_changes_during_it() -> None:
    stage = Stage(seal_values({"a": "1"}))
    config = stage.config

    @config.handler
    def handler(event: str, context: object) -> list[object]:
        del context
        before = config["a"]
        stage.serve(seal_values({"a": "2"}, revision=2))
        stage.clock.advance(3600)
        config.refresh()
        return [event, before, config["a"], config.get("a"), config.secret("a").reveal(), config.revisions]

    assert handler("e", None) == ["e", "1", "1", "1", "1", {"payments.prod": 1}]
    assert config["a"] == "2"
    assert handler("e", None)[1] == "2"


def test_a_subclass_wraps_handlers_and_keeps_its_type() -> None:
    class Own(Config):
        def both(self) -> tuple[object, object]:
            return self["a"], self.get("a")

    stage = Stage(seal_values({"a": "1"}))
    config = Own(environ=stage.environ, world=stage.world)
    first, second = (config.handler(lambda _event, _context: config.both()) for _ in range(2))
    assert (first(None, None), second(None, None), config.both()) == (("1", "1"),) * 3
    assert isinstance(config, Own)
    assert repr(config).startswith("Config(")


def test_a_subclass_getitem_is_used_in_a_handler_with_its_snapshot() -> None:
    class Shouting(Config):
        def __getitem__(self, key: str) -> str:
            return f"{super().__getitem__(key)}!"

    class Twice(Shouting):
        def __getitem__(self, key: str) -> str:
            return super().__getitem__(key) * 2

    stage = Stage(seal_values({"a": "1"}))
    config = Twice(environ=stage.environ, world=stage.world)

    @config.handler
    def handler(event: object, context: object) -> tuple[object, object]:
        del event, context
        before = config["a"]
        stage.serve(seal_values({"a": "2"}, revision=2))
        config.refresh()
        return before, config["a"]

    assert handler(None, None) == ("1!1!", "1!1!")
    assert config["a"] == "2!2!"


class SeenLock:
    """A lock that tells of everyone who comes to it."""

    def __init__(self, arrived: threading.Semaphore) -> None:
        self._arrived = arrived
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._arrived.release()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_two_threads_that_wrap_at_once_make_one_class() -> None:
    arrived, inside, go_on, made = threading.Semaphore(0), threading.Event(), threading.Event(), list[type]()

    class Own(Config):
        def __init_subclass__(cls) -> None:
            made.append(cls)
            arrived.release()
            inside.set()
            assert go_on.wait(30)

    stage = Stage(seal_values({"a": "1"}))
    config = Own(environ=stage.environ, world=stage.world)
    config._making = SeenLock(arrived)  # type: ignore[assignment]  # noqa: SLF001  # to see who waits for it
    threads = [threading.Thread(target=config.handler, args=(print,)) for _ in range(2)]
    threads[0].start()
    assert inside.wait(30)
    threads[1].start()
    for _ in range(3):  # the first at the lock and in the making, the second at the lock
        assert arrived.acquire(timeout=30)
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert made == [type(config)]


def test_a_thread_reads_the_invocations_snapshot_only_in_its_context() -> None:
    stage = Stage(seal_values({"a": "1"}))
    config = stage.config

    def read() -> object:
        return config["a"]

    def handler(event: object, context: object) -> list[object]:
        del event, context
        roads: list[Callable[[], object]] = [read, lambda: carried.run(read), lambda: snapshot["a"]]
        snapshot, carried = config.snapshot(), contextvars.copy_context()
        stage.serve(seal_values({"a": "2"}, revision=2))
        config.refresh()
        return [*pool.map(lambda road: road(), roads), asyncio.run(asyncio.to_thread(read))]

    with ThreadPoolExecutor(1) as pool:
        pool.submit(read).result()  # its thread runs before the invocation
        assert config.handler(handler)(None, None) == ["2", "1", "1", "1"]


def test_an_invocation_after_the_interval_refreshes_before_it_runs() -> None:
    stage = Stage(seal_values({"a": "1"}))
    handler = stage.config.handler(lambda event, context: (event, context, stage.config["a"]))
    assert handler(1, 2) == (1, 2, "1")
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.advance(61)
    assert handler(1, 2) == (1, 2, "2")


def test_inside_a_handler_reading_asks_no_clock() -> None:
    stage = Stage(seal_values({"a": "1"}))

    def read(event: object, context: object) -> str:
        del event, context
        stage.clock.wall = stage.clock.now = None  # type: ignore[assignment, method-assign]  # any use of them fails
        return str(stage.config["a"])

    assert stage.config.handler(read)(None, None) == "1"


def test_wrapping_a_handler_loads_config_in_lambda_only() -> None:
    elsewhere = Stage(seal_values({"a": "1"}))
    elsewhere.config.handler(print)
    assert elsewhere.gateway.asked == []
    inside = Stage(seal_values({"a": "1"}), AWS_LAMBDA_FUNCTION_NAME="f")
    inside.config.handler(print)
    assert len(inside.gateway.asked) == 1


def test_an_invocation_retries_a_load_that_failed_during_init() -> None:
    stage = Stage(seal_values({"a": "1"}), AWS_LAMBDA_FUNCTION_NAME="f")
    stage.gateway.fail = [Unavailable("down")] * 20
    handler = stage.config.handler(lambda event, context: (event, context, stage.config["a"]))
    with pytest.raises(ConfigUnavailable):
        handler(1, 2)
    stage.gateway.fail = []
    assert handler(1, 2) == (1, 2, "1")


def test_in_lambda_missing_settings_fail_the_init_phase() -> None:
    with pytest.raises(Misconfigured):
        Config(environ={"AWS_LAMBDA_FUNCTION_NAME": "f"}).handler(print)


def test_a_wrapped_handler_keeps_its_name_and_lets_errors_through() -> None:
    stage = Stage(seal_values({"a": "1"}))

    @stage.config.handler
    def my_handler(event: object, context: object) -> None:
        del event, context
        raise ZeroDivisionError

    assert my_handler.__name__ == "my_handler"
    with pytest.raises(ZeroDivisionError):
        my_handler(None, None)
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.config.refresh()
    assert stage.config["a"] == "2"
