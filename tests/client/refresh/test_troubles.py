"""The warnings in a consumer's log: one when trouble begins, one when it is over."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model.errors import ConfigsvcError, Contended, Forbidden, Internal, NotTaken, Throttled, Unavailable
from configsvc.model.names import Namespace
from configsvc.model.snapshot import render
from configsvc_client import Config
from configsvc_client._ports import warn
from configsvc_client._refresh.troubles import Troubles, settle
from tests.support.client.configs import Stage
from tests.support.client.sealing import NS, make_envelope, make_plain_entry, make_snapshot, seal_values
from tests.support.client.stub_servers import Answer, Stub, run_stub

SHARED = Namespace("shared.prod")
DOWN = Unavailable("The service is down.")
ALTERED = make_snapshot([make_plain_entry("b", "2")], namespace=SHARED, tag="ff")
"""Another content at the revision that is held: refused."""


def warm(**environ: str) -> Stage:
    """A Config of two namespaces that has loaded."""
    stage = Stage(seal_values({"a": "1"}), make_snapshot([make_plain_entry("b", "1")], namespace=SHARED), **environ)
    stage.config.snapshot()
    assert stage.warnings == []
    return stage


def told(stage: Stage, *errors: Exception, polls: int = 1) -> list[str]:
    """Returns the log lines of some polls, each of which meets one of the errors while there are any."""
    before = len(stage.warnings)
    stage.gateway.fail = list(errors)
    for _ in range(max(polls, len(errors))):
        stage.clock.advance(600)
        with contextlib.suppress(ConfigsvcError):
            stage.config.snapshot()
    return stage.warnings[before:]


BEGINS = "payments.prod, shared.prod are not updated and keep their values. The service is down."
OVER = "payments.prod, shared.prod are updated again."


def test_an_outage_is_logged_at_its_beginning_and_end_only() -> None:
    stage = warm()
    assert told(stage, DOWN) == [BEGINS]
    assert told(stage, DOWN, Internal("500"), Throttled("429"), Contended("429"), DOWN) == []
    assert told(stage, polls=3) == [OVER]
    assert told(stage, DOWN) == [BEGINS]


def test_a_refresh_that_is_asked_for_tells_the_same() -> None:
    stage = warm()
    for lines in ([BEGINS], []):
        before = len(stage.warnings)
        stage.gateway.fail = [DOWN]
        with pytest.raises(Unavailable):
            stage.config.refresh()
        assert stage.warnings[before:] == lines
    stage.config.refresh()
    assert stage.warnings == [BEGINS, OVER]


def test_a_namespace_that_is_refused_is_named_and_the_others_are_not() -> None:
    stage = warm()
    stage.serve(ALTERED)
    (line,) = told(stage)
    assert line.startswith("shared.prod is not updated and keeps its values. ")
    assert "The snapshot of shared.prod has the current revision 1 but different entries. " in line
    assert told(stage, polls=5) == []
    stage.serve(make_snapshot([make_plain_entry("b", "3")], namespace=SHARED, revision=2))
    assert told(stage, polls=2) == ["shared.prod is updated again."]


@pytest.mark.parametrize("error", [Forbidden("No grant.", namespace=SHARED), Unavailable("Not now.")])
def test_a_namespace_that_fails_alone_is_named(error: ConfigsvcError) -> None:
    stage = warm()
    served = stage.gateway.served[SHARED]
    stage.gateway.served[SHARED] = error
    (line,) = told(stage, polls=3)
    assert line.startswith("shared.prod is not updated")
    assert error.detail in line
    stage.gateway.served[SHARED] = served
    assert told(stage) == ["shared.prod is updated again."]


def test_trouble_of_another_kind_is_told_once_however_often_the_kinds_change() -> None:
    stage = warm()
    assert told(stage, DOWN) == [BEGINS]
    (line,) = told(stage, Forbidden("The API key was rotated."))
    assert "The API key was rotated." in line
    assert told(stage, *[DOWN, Forbidden("The API key was rotated.")] * 5) == []
    assert told(stage) == [OVER]


def test_a_namespace_refused_after_an_outage_is_logged_and_heals_separately() -> None:
    stage = warm()
    stage.serve(ALTERED)
    told(stage, DOWN)
    refused, healed = told(stage)
    assert refused.startswith("shared.prod is not updated")
    assert healed == "payments.prod is updated again."
    assert told(stage, DOWN) == ["payments.prod is not updated and keeps its values. The service is down."]
    assert told(stage) == ["payments.prod is updated again."]
    stage.serve(make_snapshot([make_plain_entry("b", "1")], namespace=SHARED))
    assert told(stage) == ["shared.prod is updated again."]


def test_a_start_from_the_fallback_file_is_told_once_and_heals_once() -> None:
    stage = Stage(seal_values({"a": "1"}), CONFIGSVC_FALLBACK="file")
    stage.save(seal_values({"a": "saved"}))
    stage.gateway.fail = [DOWN] * 9
    assert stage.config["a"] == "saved"
    (line,) = stage.warnings
    assert line.startswith("Config is served from the fallback file")
    assert told(stage, DOWN, DOWN) == []
    assert told(stage, polls=3) == ["payments.prod is updated again."]


def test_keys_broken_at_the_start_are_logged_once_and_when_healed() -> None:
    good = make_envelope("db.password", b"x")
    stage = Stage(make_snapshot([good._replace(value="e30...."), make_plain_entry("b", "1")]))
    stage.config.snapshot()
    assert stage.warnings == ["1 key of payments.prod does not open, and reading one raises why: db.password."]
    assert told(stage, polls=3) == []
    assert told(stage, DOWN) == ["payments.prod is not updated and keeps its values. The service is down."]
    assert told(stage) == ["payments.prod is updated again."]
    stage.serve(make_snapshot([good, make_plain_entry("b", "1")], revision=2))
    assert told(stage, polls=3) == ["All keys of payments.prod open again."]


def test_refreshes_that_never_come_back_are_told_once_and_healed_once() -> None:
    stage, hang, hanging = warm(), threading.Event(), threading.Semaphore(0)

    def hangs() -> None:
        hanging.release()
        assert hang.wait(30)

    stage.gateway.during = hangs
    threads = [threading.Thread(target=stage.config.snapshot) for _ in range(3)]
    for thread in threads:
        stage.clock.advance(600)
        thread.start()
        assert hanging.acquire(timeout=30)
    line = "payments.prod, shared.prod are not updated and keep their values. A refresh did not end within "
    assert [each.startswith(line) for each in stage.warnings] == [True]
    assert stage.config.health().state == "failing"
    stage.gateway.during = lambda: None
    assert told(stage) == [OVER]
    hang.set()
    for thread in threads:
        thread.join(30)
    assert stage.config.health().ok
    assert len(stage.warnings) == 2


def test_a_first_load_that_fails_is_raised_and_tells_the_log_nothing() -> None:
    stage = Stage(seal_values({"a": "1"}))
    assert told(stage, Forbidden("No grant.")) == []
    assert told(stage, polls=2) == []


def test_a_handler_warns_once_of_a_failed_refresh() -> None:
    stage = warm()
    handler = stage.config.handler(lambda: stage.config["a"])
    stage.gateway.fail = [DOWN] * 2
    for _ in range(2):
        stage.clock.advance(600)
        assert handler() == "1"
    assert stage.warnings == [BEGINS]


def test_no_value_is_told() -> None:
    stage = Stage(seal_values({"a": "canary"}))
    stage.config.snapshot()
    stage.serve(seal_values({"a": "canary2"}))
    assert "canary" not in "".join(told(stage, DOWN, DOWN, polls=3))


class Raising(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        raise ZeroDivisionError(record.msg)


@contextlib.contextmanager
def raising_log() -> Iterator[None]:
    logger, raising = logging.getLogger("configsvc_client"), Raising()
    logger.addFilter(raising)
    try:
        yield
    finally:
        logger.removeFilter(raising)


def test_a_log_that_raises_fails_no_read() -> None:
    stage = warm()
    config = Config(environ=stage.environ, world=lambda found: stage.world(found)._replace(warn=warn))
    config.snapshot()
    stage.gateway.fail = [DOWN]
    stage.clock.advance(600)
    with raising_log():
        assert config["a"] == "1"
    assert config.last_error is not None


def test_a_real_outage_logs_one_line_at_each_end(caplog: pytest.LogCaptureFixture) -> None:
    served, down = make_snapshot([make_plain_entry("a", "1")]), list[str]()

    def answer(*_: object) -> Answer:
        if down:
            return 503, {}, b""
        return 200, {"content-type": "application/json", "etag": served.etag}, render(served.sealed).encode()

    with run_stub(answer) as server, contextlib.closing(of(server)) as config:
        assert config["a"] == "1"
        down.append("for a while")
        for _ in range(3):
            with pytest.raises(Unavailable):
                config.refresh()
        (begun,) = caplog.records
        assert (begun.name, begun.levelname) == ("configsvc_client", "WARNING")
        assert begun.getMessage().startswith("payments.prod is not updated and keeps its values. ")
        assert config.health().state == "failing"
        down.clear()
        for _ in range(3):
            config.refresh()
        assert caplog.messages[1:] == ["payments.prod is updated again."]
        assert config.health().ok


def of(server: Stub) -> Config:
    """A real Config that reads from there."""
    return Config("payments.prod", url=f"{server.url}/prod", api_key="k" * 20, environ={}, refresh_seconds=20)


# The decision itself.

ERRORS = st.sampled_from([DOWN, Throttled("429"), Forbidden("403"), NotTaken("refused"), NotTaken("refused again")])


@given(st.lists(st.dictionaries(st.sampled_from([NS, SHARED]), ERRORS, max_size=2), max_size=20))
def test_troubles_always_begin_before_they_heal_and_only_once(
    happens: list[dict[Namespace, ConfigsvcError]],
) -> None:
    troubles = Troubles()
    for errors in [*happens, {}]:
        before = troubles
        troubles, lines = settle(before, errors, {})
        healed = set(before.told) - set(errors)
        begun = {each for each in errors if troubles.told[each] != before.told.get(each)}
        assert sum("updated again" in line for line in lines) == bool(healed)
        for each in (NS, SHARED):
            assert any("not updated" in line and each in line.partition("not")[0] for line in lines) == (each in begun)
        assert len(lines) <= 3
    assert troubles == Troubles()


def test_a_poll_that_finds_all_well_says_nothing() -> None:
    assert settle(Troubles(), {}, {NS: ()}) == (Troubles(), [])


def test_as_many_broken_keys_as_fit_are_all_named() -> None:
    (line,) = settle(Troubles(), {}, {NS: [f"k{number}" for number in range(5)]})[1]
    assert line == "5 keys of payments.prod do not open, and reading one raises why: k0, k1, k2, k3, k4."


def test_more_broken_keys_than_fit_are_counted() -> None:
    (line,) = settle(Troubles(), {}, {NS: [f"k{number}" for number in range(7)]})[1]
    assert line == "7 keys of payments.prod do not open, and reading one raises why: k0, k1, k2, k3, k4, …."
