"""Which values of a snapshot open, what is said of the others, and how often KMS is asked in vain."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Iterator
from typing import NoReturn

import pytest

from configsvc.model.errors import CannotOpen
from configsvc.model.snapshot import Entry
from configsvc_client._opening.keyring import Keyring
from configsvc_client._opening.opening import OpeningRules, open_layer
from configsvc_client._pin import Pin
from configsvc_client._ports import FetchedSnapshot
from tests.support.client.configs import Stage
from tests.support.client.fakes import KMS_KEY, FakeClock, FakeKms
from tests.support.client.sealing import (
    NS,
    make_data_key,
    make_envelope,
    make_kms_entry,
    make_plain_entry,
    make_snapshot,
    seal_values,
)

IN_VAIN = 20
BEGAN = FakeClock().up
DENIED = CannotOpen("AccessDeniedException", reason="AccessDeniedException")


def test_a_plain_value_of_a_must_seal_key_does_not_open() -> None:
    stage = Stage(
        make_snapshot(
            [
                make_plain_entry("db.password", "canary"),
                make_plain_entry("log.level", "info"),
                make_envelope("db.url", b"sealed"),
            ]
        ),
        CONFIGSVC_SEALED_KEYS="db.*",
    )
    assert stage.config.broken == {"db.password"}
    assert (stage.config["log.level"], stage.config["db.url"]) == ("info", "sealed")
    with pytest.raises(
        CannotOpen, match=r"db\.password is plain, but CONFIGSVC_SEALED_KEYS requires it sealed"
    ) as refused:
        stage.config["db.password"]
    assert refused.value.members["key"] == "db.password"


def test_an_envelope_whose_data_key_did_not_come_says_which_it_is() -> None:
    stage = Stage(make_snapshot([make_envelope("a", b"1")], data_keys=[]))
    with pytest.raises(CannotOpen, match="no data key") as refused:
        stage.config["a"]
    assert refused.value.members["kid"] == make_data_key().kid


def kms_values(count: int) -> FetchedSnapshot:
    return make_snapshot([make_kms_entry(f"k{number}", b"x") for number in range(count)])


def envelopes(count: int) -> FetchedSnapshot:
    raws = [hashlib.sha256(bytes([number])).digest() for number in range(count)]
    sealed = [make_envelope(f"k{number}", b"x", raw=raw) for number, raw in enumerate(raws)]
    return make_snapshot(sealed, data_keys=[make_data_key(raw) for raw in raws])


@pytest.mark.parametrize("served", [kms_values(25), envelopes(25)], ids=["kms", "envelope"])
def test_after_twenty_refusals_of_kms_the_rest_is_not_asked_for(served: FetchedSnapshot) -> None:
    stage = Stage(served)
    stage.kms.down = CannotOpen("InvalidCiphertextException", reason="InvalidCiphertextException")
    assert len(stage.config.broken) == 25
    assert len(stage.kms.calls) == IN_VAIN
    with pytest.raises(CannotOpen, match=r"Not tried: 20 other values in payments\.prod did not open"):
        stage.config["k24"]


@pytest.mark.parametrize("served", [kms_values(25), envelopes(25)], ids=["kms", "envelope"])
def test_a_policy_that_denies_single_keys_stops_no_other(served: FetchedSnapshot) -> None:
    stage = Stage(served)
    stage.kms.fail = [DENIED] * 24
    assert stage.config["k24"] == "x"
    assert len(stage.config.broken) == 24


def test_refusals_of_kms_values_do_not_stop_envelopes() -> None:
    stage = Stage(make_snapshot([*kms_values(25).sealed.entries, make_envelope("sealed", b"opens")]))
    stage.kms.fail = [CannotOpen("InvalidCiphertextException")] * IN_VAIN
    assert stage.config["sealed"] == "opens"
    assert len(stage.kms.calls) == IN_VAIN + 1


def test_a_broken_value_is_retried_without_a_fetch() -> None:
    stage = Stage(make_snapshot([make_kms_entry("a", b"1"), make_kms_entry("b", b"2")]))
    stage.kms.fail = [DENIED]
    assert stage.config.broken == {"a"}
    stage.clock.advance(60)
    assert stage.config["a"] == "1"
    assert not stage.config.broken


def test_previously_broken_keys_are_tried_last_and_may_stay_broken() -> None:
    stage = Stage(make_snapshot([make_kms_entry("a", b"1"), make_kms_entry("b", b"2"), make_kms_entry("c", b"3")]))
    stage.kms.fail = [DENIED]
    stage.config.snapshot()
    stage.serve(make_snapshot([make_kms_entry(key, b"4") for key in "abc"], revision=2))
    stage.kms.fail = [None, None, DENIED]
    stage.clock.advance(60)
    assert stage.config.broken == {"a"}
    assert stage.config["b"] == stage.config["c"] == "4"
    stage.serve(make_snapshot([make_kms_entry(key, b"5") for key in "abc"], revision=3))
    stage.kms.fail = [DENIED]
    stage.clock.advance(60)
    assert stage.config["b"] == "4"
    assert [call[0]["configsvc:key"] for call in stage.kms.calls[3:]] == ["b", "c", "a", "b"]


def test_kms_has_the_time_that_the_load_has() -> None:
    stage = Stage(make_snapshot([make_kms_entry("a", b"1"), *seal_values({"b": "2"}).sealed.entries]))
    assert dict(stage.config) == {"a": "1", "b": "2"}
    assert len(stage.kms.deadlines) == 2
    assert all(BEGAN < deadline <= BEGAN + 10 for deadline in stage.kms.deadlines)


def test_a_data_key_that_does_not_unwrap_is_asked_for_once() -> None:
    stage = Stage(seal_values({"a": "1", "b": "2", "c": "3"}))
    stage.kms.down = DENIED
    assert stage.config.broken == {"a", "b", "c"}
    assert len(stage.kms.calls) == 1


def test_a_value_that_is_not_what_its_content_type_says_is_named() -> None:
    stage = Stage(make_snapshot([make_envelope("a", b"\xff"), make_envelope("b", b"fine")]))
    with pytest.raises(CannotOpen, match=r"^a is not valid text/plain, which is its content type") as refused:
        stage.config["a"]
    assert refused.value.members["key"] == "a"
    assert stage.config["b"] == "fine"


def test_a_layer_keeps_its_sealed_snapshot_only_while_broken() -> None:
    kms = FakeKms()
    kms.fail = [DENIED]
    clock = FakeClock()
    rules = OpeningRules(Keyring(kms, Pin((KMS_KEY,)), clock, 60.0))
    served = make_snapshot([make_kms_entry("a", b"1")])
    assert open_layer(NS, served, rules, clock.up + 10).reopen == served.sealed
    assert open_layer(NS, served, rules, clock.up + 10).reopen is None


@pytest.fixture
def limit() -> Iterator[CannotOpen]:
    """An error that a signal handler raises, and that looks like a refusal."""
    error = CannotOpen("of a signal handler")

    def strikes(*_: object) -> NoReturn:
        raise error

    before = signal.signal(signal.SIGALRM, strikes)
    try:
        yield error
    finally:
        signal.signal(signal.SIGALRM, before)


class StruckKms(FakeKms):
    """A signal comes with each call."""

    def decrypt(self, *_: object, **__: object) -> NoReturn:
        signal.raise_signal(signal.SIGALRM)
        raise AssertionError


@pytest.mark.parametrize("entry", [make_kms_entry("a", b"1"), make_envelope("a", b"1")], ids=["kms", "envelope"])
def test_an_error_from_a_signal_handler_breaks_no_value(limit: CannotOpen, entry: Entry) -> None:
    clock = FakeClock()
    rules = OpeningRules(Keyring(StruckKms(), Pin((KMS_KEY,)), clock, 60.0))
    with pytest.raises(CannotOpen) as raised:
        open_layer(NS, make_snapshot([entry, make_plain_entry("b", "2")]), rules, clock.up + 10)
    assert raised.value is limit
