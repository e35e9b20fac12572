"""One of several namespaces is refused or comes from the fallback file: what is said of it, and what the others get."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping

import pytest

from configsvc.model.errors import CannotOpen, ConfigsvcError, StaleRevision, Throttled, Unavailable
from configsvc.model.names import Namespace
from configsvc_client._aws.kms import Decrypted
from tests.support.client.configs import Stage
from tests.support.client.sealing import (
    NS,
    make_data_key,
    make_envelope,
    make_kms_entry,
    make_plain_entry,
    make_snapshot,
    seal_values,
)

SHARED = Namespace("shared.prod")
OTHER = bytes(range(32))


def shared(text: str, revision: int = 1) -> Callable[[Stage], None]:
    return lambda stage: stage.serve(seal_values({"b": text}, revision=revision, namespace=SHARED))


def two(**environ: str) -> Stage:
    stage = Stage(seal_values({"a": "1"}), seal_values({"b": "1"}, namespace=SHARED), **environ)
    stage.config.snapshot()
    return stage


def from_file(revision: int, **environ: str) -> Stage:
    """Both namespaces came from the fallback file, at that revision."""
    served = [seal_values({key: "1"}, revision=revision, namespace=each) for key, each in (("a", NS), ("b", SHARED))]
    stage = Stage(*served, CONFIGSVC_FALLBACK="file", **environ)
    stage.save(*served)
    stage.gateway.fail = [Throttled("slow down", retry_after=100)]
    stage.config.snapshot()
    assert stage.config.source == "fallback"
    return stage


@pytest.mark.parametrize("told", ["It is busy.", "payments.prod is busy."])
def test_an_error_names_the_namespace_that_it_is_about_once(told: str) -> None:
    stage = two()
    stage.gateway.served[NS] = Unavailable(told)
    with pytest.raises(Unavailable) as caught:
        stage.config.refresh()
    assert caught.value.members["namespace"] == "payments.prod"
    assert caught.value.detail == ("payments.prod: It is busy." if told == "It is busy." else told)


def test_retry_after_for_one_namespace_delays_all() -> None:
    stage = two()
    stage.gateway.served[NS] = Throttled("slow down", retry_after=200)
    stage.clock.advance(67)
    stage.config.snapshot()
    for _ in range(19):
        stage.clock.advance(10)
        stage.config.snapshot()
    assert len(stage.gateway.asked) == 2
    stage.clock.advance(30)
    stage.config.snapshot()
    assert len(stage.gateway.asked) == 3


def test_one_refused_namespace_does_not_stop_confirming_the_others() -> None:
    stage = two()
    stage.gateway.served[NS] = Unavailable("It is busy.")
    stage.clock.advance(67)
    stage.config.snapshot()
    stage.gateway.served = dict.fromkeys((NS, SHARED), Unavailable("Both are busy."))
    stage.clock.advance(67)
    stage.config.snapshot()
    assert stage.config.age == 134
    stage.serve(seal_values({"a": "1"}))
    stage.clock.advance(67)
    stage.config.snapshot()
    assert stage.config.age == 134
    assert set(stage.config.refused) == {"shared.prod"}


def test_refused_namespaces_about_to_expire_are_retried_within_one_interval() -> None:
    stage = two(CONFIGSVC_MAX_STALE_SECONDS="100")
    stage.chance = 1.0
    stage.gateway.served = dict.fromkeys((NS, SHARED), Unavailable("Both are busy."))
    stage.clock.advance(67)
    stage.config.snapshot()
    stage.serve(seal_values({"a": "2"}, revision=2))
    shared("2", 2)(stage)
    stage.clock.advance(54)
    assert dict(stage.config) == {"a": "2", "b": "2"}


def test_the_source_is_fallback_until_all_namespaces_were_fetched() -> None:
    stage = from_file(1)
    stage.gateway.served[SHARED] = Unavailable("It is busy.")
    stage.serve(seal_values({"a": "2"}, revision=2))
    with pytest.raises(Unavailable):
        stage.config.refresh()
    assert (stage.config["a"], stage.config.source) == ("2", "fallback")
    shared("2", 2)(stage)
    stage.config.refresh()
    assert (dict(stage.config), stage.config.source) == ({"a": "2", "b": "2"}, "service")
    shared("3", 3)(stage)
    stage.config.refresh()
    assert (stage.config["b"], stage.config.source) == ("3", "service")


def test_min_revision_applies_to_the_service_after_a_fallback_start() -> None:
    stage = from_file(5, CONFIGSVC_MIN_REVISION="payments.prod=5")
    stage.serve(seal_values({"a": "old"}, revision=4))
    stage.serve(make_snapshot([], revision=0, namespace=SHARED))
    with pytest.raises(
        StaleRevision, match=r"^The snapshot of payments\.prod has revision 4, but CONFIGSVC_MIN_REVISION is 5"
    ):
        stage.config.refresh()
    assert stage.config.revisions == {"payments.prod": 5, "shared.prod": 0}
    assert stage.config["a"] == "1"


def test_a_namespace_that_was_never_written_to_loads_empty() -> None:
    stage = Stage(make_snapshot([], revision=0))
    assert (dict(stage.config), stage.config.revisions) == ({}, {"payments.prod": 0})


def test_a_refused_answer_is_reopened_by_refresh_but_not_by_polls() -> None:
    stage = two()
    stage.serve(make_snapshot([make_envelope("a", b"2", raw=OTHER)], revision=2, data_keys=[make_data_key(OTHER)]))
    stage.kms.down = CannotOpen("AccessDeniedException", reason="AccessDeniedException")
    stage.chance = 1.0
    stage.clock.advance(67)
    stage.config.snapshot()
    refused = len(stage.kms.calls)
    stage.clock.advance(67)
    stage.config.snapshot()
    assert (len(stage.kms.calls), set(stage.config.refused)) == (refused, {"payments.prod"})
    stage.kms.down = None
    assert stage.config.refresh() is True
    assert stage.config["a"] == "2"


def test_another_answer_than_the_refused_one_is_opened_by_the_next_poll() -> None:
    stage = two()
    stage.serve(make_snapshot([make_envelope("a", b"2", raw=OTHER)], revision=2, data_keys=[]))
    stage.chance = 1.0
    stage.clock.advance(67)
    stage.config.snapshot()
    assert set(stage.config.refused) == {"payments.prod"}
    stage.serve(seal_values({"a": "3"}, revision=3))
    stage.clock.advance(67)
    assert (stage.config["a"], stage.config.refused) == ("3", {})


def test_broken_keys_do_not_use_up_another_namespace_s_time() -> None:
    """They are opened again with each refresh, which takes as many KMS calls as when they came."""
    junk = [make_kms_entry(f"junk.{number}", b"1") for number in range(10)]
    stage = Stage(make_snapshot(junk), make_snapshot([make_plain_entry("b", "1")], namespace=SHARED))
    stage.kms.down = CannotOpen("AccessDeniedException", reason="AccessDeniedException")
    assert len(stage.config.broken) == 10
    asked = len(stage.kms.calls)
    stage.serve(make_snapshot([make_kms_entry("b", b"2", namespace=SHARED)], revision=2, namespace=SHARED))
    stage.kms.fail, stage.kms.down = [None], Unavailable("KMS did not answer in time.", reason="deadline")
    stage.clock.advance(67)
    assert stage.config["b"] == "2"
    assert stage.kms.calls[asked][0] == {"configsvc:namespace": "shared.prod", "configsvc:key": "b"}


class Struck:
    """A signal handler that raises while the service or KMS is asked."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __call__(self, signum: int, frame: object) -> None:
        del signum, frame
        raise self._error


@pytest.mark.parametrize("where", ["service", "kms"])
@pytest.mark.parametrize("limit", [Unavailable("the time limit"), CannotOpen("the time limit")], ids=type)
def test_an_error_from_a_signal_handler_refuses_no_namespace(where: str, limit: ConfigsvcError) -> None:
    stage = two()
    stage.serve(make_snapshot([make_kms_entry("a", b"2")], revision=2))
    decrypt = stage.kms.decrypt

    def struck(ciphertext: bytes, context: Mapping[str, str], key_id: str | None, deadline: float) -> Decrypted:
        signal.raise_signal(signal.SIGUSR1)
        return decrypt(ciphertext, context, key_id, deadline)

    if where == "kms":
        stage.kms.decrypt = struck  # type: ignore[method-assign]  # for as long as the handler is there
    else:
        stage.gateway.during = lambda: signal.raise_signal(signal.SIGUSR1)
    before = signal.signal(signal.SIGUSR1, Struck(limit))
    try:
        with pytest.raises(type(limit)) as caught:
            stage.config.refresh()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert caught.value is limit
    assert (stage.config.refused, stage.config.counts["failures"], stage.config.counts["refused"]) == ({}, 0, 0)
    stage.kms.decrypt, stage.gateway.during = decrypt, lambda: None  # type: ignore[method-assign]  # as before
    assert stage.config.refresh() is True
    assert stage.config["a"] == "2"
