"""`config.health()`: its states, and that it sends no request."""

from __future__ import annotations

import contextlib
import json
import math
import signal
import subprocess
import sys
import types

import pytest

from configsvc.model.errors import ConfigsvcError, Forbidden, NotFound, Unavailable
from configsvc.model.names import Namespace
from configsvc_client import CannotOpen, Config, ConfigUnavailable, Expired, Health
from tests.support.client.configs import Stage
from tests.support.client.sealing import make_envelope, make_plain_entry, make_snapshot, seal_values

SHARED = Namespace("shared.prod")
WARM = {"payments.prod": 1, "shared.prod": 1}


def warm(**environ: str) -> Stage:
    """A Config of two namespaces that has loaded."""
    stage = Stage(seal_values({"a": "1"}), make_snapshot([make_plain_entry("b", "1")], namespace=SHARED), **environ)
    stage.config.snapshot()
    return stage


def polled(stage: Stage) -> Health:
    """How it is after the next poll, which may fail; asked twice, because asking changes nothing."""
    stage.clock.advance(600)
    with contextlib.suppress(ConfigsvcError):
        stage.config.snapshot()
    asked = len(stage.gateway.asked)
    first, second = stage.config.health(), stage.config.health()
    assert first == second
    assert len(stage.gateway.asked) == asked
    return second


def test_before_the_first_read_nothing_is_loaded_and_nothing_is_asked() -> None:
    stage = Stage(seal_values({"a": "1"}))
    assert stage.config.health() == Health("not_loaded", math.inf, {}, None, None, {}, {}, 0)
    assert not stage.config.health().serves
    assert stage.gateway.asked == []


def test_missing_settings_are_named() -> None:
    health = Config(environ={}).health()
    assert health.state == "not_loaded"
    assert health.reason is not None
    assert health.reason.code == "misconfigured"
    assert "CONFIGSVC_URL, CONFIGSVC_API_KEY, CONFIGSVC_NAMESPACES" in health.reason.text


def test_arguments_of_a_wrong_type_are_told_and_not_raised() -> None:
    stage = Stage(seal_values({"a": "1"}))
    health = Config(environ=stage.environ, kms_keys=[3]).health()  # type: ignore[list-item]  # a number
    assert health.reason == ("misconfigured", "The settings cannot be read: TypeError.")


def test_what_was_just_loaded_is_ok_and_grows_old() -> None:
    stage = warm()
    stage.clock.advance(7)
    assert stage.config.health() == Health("ok", 7.0, WARM, "service", None, {}, {}, 0)
    assert stage.config.health().ok


def test_an_outage_is_failing_for_all_namespaces_until_it_is_over() -> None:
    stage = warm()
    stage.gateway.fail = [Unavailable("The service is down.")]
    health = polled(stage)
    assert (health.state, health.age, health.ok, health.serves) == ("failing", 600.0, False, True)
    assert health.failing.keys() == WARM.keys()
    assert health.reason == ("unavailable", "The service is down.")
    assert health.refused == {}
    assert polled(stage).state == "ok"


class Context:
    """An invocation with less than two refreshes' time left."""

    def get_remaining_time_in_millis(self) -> int:
        return 1500


def test_a_refresh_put_off_to_the_next_invocation_is_healthy() -> None:
    stage = warm()
    handler = stage.config.handler(lambda event, context: (event, context))
    stage.clock.advance(60.5)
    handler(None, Context())
    assert len(stage.gateway.asked) == 1
    assert stage.config.last_error is not None
    assert stage.config.last_error.members["reason"] == "time_left"
    assert (stage.config.health().state, stage.config.health().reason) == ("ok", None)
    assert stage.warnings == []


def test_one_namespace_that_is_withheld_fails_alone() -> None:
    stage = warm()
    stage.gateway.served[SHARED] = Forbidden("shared.prod is not for you.", namespace=SHARED)
    health = polled(stage)
    assert health.state == "failing"
    assert health.failing == {"shared.prod": ("forbidden", "shared.prod is not for you.")}


@pytest.mark.parametrize(
    ("entries", "revision", "code"),
    [
        ([make_plain_entry("b", "2")], 1, "not_taken"),
        ([make_plain_entry("b", "2")], 0, "stale_revision"),
        ([], 10**8, "not_taken"),
    ],
)
def test_an_answer_that_is_not_taken_is_refused_for_its_namespace_alone(
    entries: list[object], revision: int, code: str
) -> None:
    stage = warm()
    stage.serve(make_snapshot(entries, namespace=SHARED, revision=revision, tag="ff"))  # type: ignore[arg-type]  # entries
    health = polled(stage)
    assert (health.state, health.revisions) == ("refused", WARM)
    assert {name: reason.code for name, reason in health.refused.items()} == {"shared.prod": code}
    assert health.failing == {}
    assert health.reason == health.refused["shared.prod"]


def test_an_outage_while_a_namespace_is_refused_fails_for_the_others() -> None:
    stage = warm()
    stage.serve(make_snapshot([make_plain_entry("b", "2")], namespace=SHARED, tag="ff"))
    polled(stage)
    stage.gateway.fail = [Unavailable("down")]
    health = polled(stage)
    assert health.state == "refused"
    assert (list(health.refused), list(health.failing)) == (["shared.prod"], ["payments.prod"])


def test_health_counts_broken_keys_without_naming_them() -> None:
    broken = make_envelope("db.password", b"x")._replace(value="e30....")
    stage = Stage(make_snapshot([broken, make_plain_entry("b", "1")]))
    assert stage.config["b"] == "1"
    health = stage.config.health()
    assert (health.state, health.broken, health.ok, health.serves) == ("broken", 1, False, True)
    assert health.reason is not None
    assert health.reason.code == "cannot_open"
    assert health.reason.text == "1 key does not open; see config.broken."
    assert "db.password" not in json.dumps(health.as_dict())


def test_what_has_expired_serves_no_longer() -> None:
    stage = warm(CONFIGSVC_MAX_STALE_SECONDS="300")
    stage.gateway.fail = [Unavailable("down")] * 9
    health = polled(stage)
    assert (health.state, health.serves) == ("expired", False)
    assert health.reason == ("unavailable", "down")
    with pytest.raises(Expired):
        stage.config.snapshot()


def test_a_fallback_file_says_why_it_serves() -> None:
    stage = Stage(seal_values({"a": "1"}), CONFIGSVC_FALLBACK="file")
    stage.save(seal_values({"a": "saved"}), ago=3600)
    stage.gateway.fail = [Forbidden("No grant.")]
    assert stage.config["a"] == "saved"
    health = stage.config.health()
    assert (health.state, health.source, health.age, health.serves) == ("fallback", "fallback", 3600.0, True)
    assert health.reason is not None
    assert (health.reason.code, "No grant." in health.reason.text) == ("forbidden", True)
    assert polled(stage).state == "ok"


def test_what_expired_while_nobody_read_says_so() -> None:
    stage = warm(CONFIGSVC_MAX_STALE_SECONDS="100")
    stage.clock.advance(200)
    health = stage.config.health()
    assert (health.state, health.reason and health.reason.code) == ("expired", "expired")
    stage.config.snapshot()
    assert (stage.config.health().state, stage.config.health().reason) == ("ok", None)


def test_closing_changes_nothing() -> None:
    stage = warm()
    before = stage.config.health()
    stage.config.close()
    assert stage.config.health() == before


def test_health_in_a_handler_describes_the_config() -> None:
    stage = warm()

    def handler() -> dict[str, int]:
        stage.serve(seal_values({"a": "2"}, revision=2))
        stage.config.refresh()
        return stage.config.health().revisions

    assert stage.config.handler(handler)() == {"payments.prod": 2, "shared.prod": 1}


def test_a_signal_handler_may_ask_amid_a_load_and_a_refresh() -> None:
    stage, seen = Stage(seal_values({"a": "1"})), list[str]()

    def asks(number: int, frame: types.FrameType | None) -> None:
        del number, frame
        seen.append(stage.config.health().state)

    before = signal.signal(signal.SIGUSR1, asks)
    try:
        stage.gateway.during = lambda: signal.raise_signal(signal.SIGUSR1)
        stage.config.snapshot()
        stage.config.refresh()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert seen == ["not_loaded", "ok"]


AMID_THE_IMPORT = """
import signal, sys
from tests.support.client.configs import Stage
from tests.support.client.sealing import seal_values

config = Stage(seal_values({"a": "1"})).config
config.snapshot()
states = []

def asked_at_each_line(frame, event, argument):
    if event == "line" and frame.f_code.co_filename.endswith(("/health.py", "_bootstrap>", "_bootstrap_external>")):
        signal.raise_signal(signal.SIGUSR1)
    return asked_at_each_line

signal.signal(signal.SIGUSR1, lambda *_: states.append(config.health().state))
assert "configsvc_client._refresh.health" not in sys.modules
sys.settrace(asked_at_each_line)
first = config.health()
sys.settrace(None)
from configsvc_client import Health
assert type(first) is type(config.health()) is Health
print(len(states) > 100, set(states))
"""


def test_a_signal_handler_may_ask_amid_the_first_call_of_all() -> None:
    command = [sys.executable, "-c", AMID_THE_IMPORT]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "True {'ok'}\n", done.stderr


def test_health_converts_to_a_json_dict_and_shares_nothing() -> None:
    stage = warm()
    stage.gateway.fail = [NotFound("There is no shared.prod.")]
    health = polled(stage)
    assert json.loads(json.dumps(health.as_dict())) == {
        "state": "failing", "ok": False, "serves": True, "age": 600.0, "revisions": WARM, "source": "service",
        "reason": {"code": "not_found", "text": "There is no shared.prod."}, "refused": {},
        "failing": {each: {"code": "not_found", "text": "There is no shared.prod."} for each in WARM}, "broken": 0,
    }  # fmt: skip
    assert json.loads(json.dumps(Stage(seal_values({"a": "1"})).config.health().as_dict()))["age"] is None
    health.revisions.clear()
    assert stage.config.health().revisions == WARM


def test_it_does_not_change() -> None:
    health = warm().config.health()
    with pytest.raises(AttributeError):
        health.state = "failing"  # type: ignore[misc]  # as a reader might


def test_no_value_is_in_it() -> None:
    stage = Stage(seal_values({"a": "canary"}))
    stage.config.snapshot()
    stage.serve(seal_values({"a": "canary2"}))
    assert "canary" not in repr(polled(stage)) + json.dumps(stage.config.health().as_dict())


def test_a_broken_key_raises_and_the_rest_is_read() -> None:
    stage = Stage(make_snapshot([make_envelope("k", b"x")._replace(value="e30....")]))
    with pytest.raises(CannotOpen):
        stage.config["k"]
    assert stage.config.health().broken == 1


def test_a_first_load_that_failed_says_why() -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.gateway.fail = [Forbidden("No grant.")]
    with pytest.raises(ConfigUnavailable):
        stage.config.snapshot()
    health = stage.config.health()
    assert health.state == "not_loaded"
    assert health.reason is not None
    assert (health.reason.code, "No grant." in health.reason.text) == ("forbidden", True)
    assert (stage.config.last_error or health).__class__ is ConfigUnavailable
    assert stage.config["a"] == "1"
    assert stage.config.last_error is None
    assert stage.config.health().ok
