"""The kit is held to what it stands for."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model.errors import (
    CannotOpen,
    ConfigUnavailable,
    InvalidName,
    NotFound,
    StaleRevision,
    Throttled,
    Unavailable,
    Unprocessable,
)
from configsvc.model.names import parse_namespace
from configsvc_client.testing import KMS_KEY, FakeClock, FakeKms, FakeService

CANARY = "canary-2b9c11"
CONTEXT = {"configsvc:namespace": "test"}
OTHER = KMS_KEY.replace("1234abcd", "0000abcd")
TEXT = st.text(st.characters(codec="utf-8"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda each: st.lists(each) | st.dictionaries(TEXT, each),
    max_leaves=5,
)  # fmt: skip


@given(value=TEXT | st.binary() | JSON, form=st.sampled_from(["envelope", "kms"]))
def test_what_is_put_is_what_is_read(value: object, form: str) -> None:
    fake = FakeService()
    fake.put("k", value, form=form)  # type: ignore[arg-type]  # forms by name
    assert fake.config()["k"] == value


def test_values_are_sealed_and_nothing_shows_them(configsvc_fake: FakeService) -> None:
    configsvc_fake.put("k", CANARY)
    found = configsvc_fake.fetch({parse_namespace("test"): None}, 0.0)
    assert CANARY not in "".join(entry.value for each in found.values() for entry in each.sealed.entries)
    assert CANARY not in repr(vars(configsvc_fake))


def test_every_write_is_a_revision_and_the_same_again_is_unchanged(configsvc_fake: FakeService) -> None:
    first = configsvc_fake.put("k", "1")
    assert configsvc_fake.put("k", "1") == configsvc_fake.revision() == first + 1
    config = configsvc_fake.config()
    assert config.revisions == {"test": first + 1}
    assert not config.refresh()
    assert configsvc_fake.delete("k") == first + 2
    assert config.refresh()
    assert "k" not in config


def test_a_lower_revision_is_refused_by_who_holds_a_higher_one(configsvc_fake: FakeService) -> None:
    configsvc_fake.put("k", "1")
    config = configsvc_fake.config()
    assert config["k"] == "1"
    configsvc_fake.move(1)
    with pytest.raises(StaleRevision):
        config.refresh()
    assert config["k"] == "1"


def test_failures_last_as_long_as_they_are_asked_for(configsvc_fake: FakeService) -> None:
    configsvc_fake.put("k", "1")
    config = configsvc_fake.config()
    config.refresh()
    configsvc_fake.fail(Throttled("slow down", retry_after=5), times=2)
    for _ in range(2):
        with pytest.raises(Throttled, match="slow down"):
            config.refresh()
    assert not config.refresh()
    configsvc_fake.fail()
    with pytest.raises(Unavailable):
        config.refresh()
    configsvc_fake.recover()
    assert not config.refresh()


def test_a_cold_start_that_fails_waits_by_the_fake_clock(configsvc_fake: FakeService) -> None:
    configsvc_fake.put("k", "1")
    configsvc_fake.fail(times=1)
    assert configsvc_fake.config()["k"] == "1"
    assert len(configsvc_fake.clock.pauses) == 1


def test_kms_that_fails_is_what_a_config_makes_of_it(configsvc_fake: FakeService) -> None:
    configsvc_fake.put("k", "1")
    configsvc_fake.put("plain", "2", form="plain")
    configsvc_fake.kms.fail(CannotOpen("AccessDeniedException"), times=1)
    config = configsvc_fake.config()
    assert config["plain"] == "2"
    assert config.broken == {"k"}
    configsvc_fake.kms.fail(Unavailable("KMS is down"))
    with pytest.raises(ConfigUnavailable):
        configsvc_fake.config().snapshot()
    configsvc_fake.kms.recover()
    assert configsvc_fake.config()["k"] == "1"


def test_the_fake_kms_keeps_to_context_and_key() -> None:
    kms, data = FakeKms(), os.urandom(32)
    blob = kms.encrypt(KMS_KEY, CONTEXT, data)
    for key_id in (KMS_KEY, None):
        opened = kms.decrypt(blob, CONTEXT, key_id, 0.0)
        assert (opened.plaintext.reveal(), opened.key_arn) == (data, KMS_KEY)
    refused: list[Callable[[], object]] = [
        lambda: kms.decrypt(blob, {}, KMS_KEY, 0.0),
        lambda: kms.decrypt(blob, {**CONTEXT, "more": "x"}, KMS_KEY, 0.0),
        lambda: kms.decrypt(blob, CONTEXT, OTHER, 0.0),
        lambda: kms.decrypt(b"not a blob", CONTEXT, KMS_KEY, 0.0),
    ]
    for each in refused:
        with pytest.raises(CannotOpen):
            each()
    assert [call.context for call in kms.calls][:3] == [CONTEXT, CONTEXT, {}]


def test_a_config_that_pins_another_kms_key_opens_nothing(configsvc_fake: FakeService) -> None:
    configsvc_fake.put("k", "1")
    assert configsvc_fake.config(kms_keys=[OTHER]).broken == {"k"}


def test_the_clock_stands_and_goes_on_by_both_clocks() -> None:
    clock = FakeClock(at=10.0, up=5.0)
    assert (clock.wall(), clock.now()) == (10.0, (10.0, 5.0))
    clock.advance(1.5)
    clock.pause(0.5)
    assert (clock.now(), clock.pauses) == ((12.0, 7.0), [0.5])


def test_mistakes_of_a_test_are_told(configsvc_fake: FakeService) -> None:
    mistakes: dict[Callable[[], object], type[Exception]] = {
        lambda: configsvc_fake.put("no/key", "x"): InvalidName,
        lambda: configsvc_fake.put("k", "x", namespace="No Namespace"): InvalidName,
        lambda: configsvc_fake.put("k", {1, 2}): Unprocessable,
        lambda: configsvc_fake.put("k", float("nan")): Unprocessable,
        lambda: configsvc_fake.put("k", b"x", form="plain"): Unprocessable,
        lambda: configsvc_fake.delete("k"): NotFound,
        lambda: configsvc_fake.damage("k"): NotFound,
        lambda: configsvc_fake.config("no.such")["k"]: ConfigUnavailable,
    }
    for mistake, error in mistakes.items():
        with pytest.raises(error):
            mistake()
    configsvc_fake.put("plain", "x", form="plain")
    with pytest.raises(NotFound, match="sealed"):
        configsvc_fake.damage("plain")


def test_each_service_is_its_own(configsvc_fake: FakeService) -> None:
    configsvc_fake.put("k", "1")
    assert "k" not in FakeService().config()
