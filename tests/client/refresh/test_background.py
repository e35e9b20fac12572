import gc
import threading
import weakref

from tests.support.client.configs import Stage
from tests.support.client.sealing import seal_values
from tests.support.client.stub_service import Service, run_service


def wait_until(true: object) -> None:
    """Bounded; the thread of a Config has no other sign of life than what it does."""
    pause = threading.Event()
    for _ in range(3000):
        if true():  # type: ignore[operator]  # a function
            return
        pause.wait(0.01)
    raise AssertionError("did not happen")


def staged(**environ: str) -> Stage:
    stage = Stage(seal_values({"a": "1"}), CONFIGSVC_POLL_SECONDS="0.01", **environ)
    from configsvc_client import Config

    stage.config = Config("payments.prod", environ=stage.environ, world=stage.world, background=True)
    return stage


def refreshing() -> int:
    return sum(thread.name.startswith("configsvc") for thread in threading.enumerate())


def test_it_refreshes_while_nobody_reads_and_calls_back_and_ends_with_close() -> None:
    stage, told = staged(), threading.Event()
    assert refreshing() == 0
    stage.config.on_change("a", lambda _: told.set())
    assert stage.config["a"] == "1"
    assert refreshing() == 1
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.advance(1)
    assert told.wait(30)
    assert stage.config["a"] == "2"
    stage.config.close()
    assert refreshing() == 0


def test_in_lambda_there_is_never_a_thread_that_polls() -> None:
    stage = staged(AWS_LAMBDA_FUNCTION_NAME="f")
    assert stage.config["a"] == "1"
    assert refreshing() == 0


def test_it_ends_when_its_config_is_gone() -> None:
    stage = staged()
    stage.config.snapshot()
    gone = weakref.ref(stage.config)
    del stage
    gc.collect()
    assert gone() is None
    wait_until(lambda: refreshing() == 0)


def test_what_nobody_foresaw_does_not_end_it() -> None:
    stage = staged()
    stage.config.snapshot()
    stage.gateway.fail = [ZeroDivisionError()]
    stage.clock.advance(1)
    wait_until(lambda: len(stage.gateway.asked) == 2)
    del stage.chance  # what it draws from fails, after the answer came
    stage.clock.advance(1)
    wait_until(lambda: len(stage.gateway.asked) > 2)
    stage.chance = 0.5
    stage.serve(seal_values({"a": "2"}, revision=2))
    for _ in range(10):
        stage.clock.advance(1)
    wait_until(lambda: stage.config._shown["a"] == "2")  # noqa: SLF001  # reading would refresh by itself
    assert refreshing() == 1
    stage.config.close()


def test_a_service_that_fails_is_not_asked_without_a_pause() -> None:
    from configsvc.model.errors import Unavailable

    stage = staged()
    stage.config.snapshot()
    stage.gateway.fail = [Unavailable("down")] * 10
    stage.clock.advance(1)
    wait_until(lambda: len(stage.gateway.asked) == 2)
    stage.config.close()
    assert len(stage.gateway.asked) == 2


def test_over_the_wire_a_change_arrives_by_itself() -> None:
    running: Service
    with run_service(seal_values({"a": "1"})) as running:
        from configsvc_client import Config

        config = Config(environ=running.environ, poll_seconds=0.02, refresh_seconds=20, background=True)
        config.snapshot()
        running.serve(seal_values({"a": "2"}, revision=2))
        wait_until(lambda: config.revisions["payments.prod"] == 2)
        config.close()
