"""Hostile answers: the client refuses whatever one could contain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model import names
from configsvc.model.encoding import to_base64std
from configsvc.model.snapshot import DataKey, Entry
from configsvc_client import CannotOpen
from configsvc_client._opening import cipher
from configsvc_client._ports import FetchedSnapshot
from tests.support.client.configs import Stage
from tests.support.client.fakes import FOREIGN_KEY, KMS_KEY, OTHER_KEY, wrap
from tests.support.client.sealing import (
    DATA_KEY,
    NS,
    make_data_key,
    make_envelope,
    make_kms_entry,
    make_plain_entry,
    make_snapshot,
    seal_values,
)

MRK = "arn:aws:kms:{}:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"


def refused(served: FetchedSnapshot, **environ: str) -> str:
    """Why the one key of an answer does not open."""
    stage = Stage(served, **environ)
    with pytest.raises(CannotOpen) as caught:
        stage.config[next(iter(stage.config))]
    return str(caught.value)


@given(st.sampled_from(["key", "version", "namespace", "content_type"]))
def test_an_envelope_opens_only_where_it_was_sealed_for(moved: str) -> None:
    entry = make_envelope("db.url", b"canary", version=2)
    assert Stage(make_snapshot([entry])).config["db.url"] == "canary"
    elsewhere = names.Namespace("payments.test")
    hostile = {
        "key": make_snapshot([entry._replace(key=names.Key("other"))]),
        "version": make_snapshot([entry._replace(version=3)]),
        "content_type": make_snapshot([entry._replace(content_type="application/octet-stream")]),
        "namespace": make_snapshot([entry], namespace=elsewhere, data_keys=[make_data_key(namespace=elsewhere)]),
    }
    assert "sealed for a different key, namespace or version" in refused(hostile[moved])


@given(st.data())
def test_an_envelope_with_any_flipped_bit_is_refused(data: st.DataObject) -> None:
    entry = make_envelope("k", b"canary")
    at = data.draw(st.integers(0, len(entry.value) - 1))
    bit = data.draw(st.integers(0, 6))
    flipped = entry.value[:at] + chr(ord(entry.value[at]) ^ 1 << bit) + entry.value[at + 1 :]
    assert "canary" not in refused(make_snapshot([entry._replace(value=flipped)]))


def test_a_data_key_under_a_foreign_kms_key_never_reaches_kms() -> None:
    forged = seal_values({"k": "forged"})
    served = make_snapshot(forged.sealed.entries, data_keys=[make_data_key(kms_key=FOREIGN_KEY)])
    assert FOREIGN_KEY in refused(served)
    stage = Stage(served)
    assert stage.config.broken == {"k"}
    assert stage.kms.calls == []


def test_the_pin_refuses_a_data_key_that_lies_about_its_kms_key() -> None:
    claimed = make_data_key(kms_key=FOREIGN_KEY)._replace(kms_key=KMS_KEY)
    assert "IncorrectKey" in refused(make_snapshot([make_envelope("k", b"forged")], data_keys=[claimed]))
    unpinned = make_snapshot([make_envelope("k", b"forged")], data_keys=[make_data_key(kms_key=FOREIGN_KEY)])
    assert Stage(unpinned, CONFIGSVC_KMS_KEYS="*").config["k"] == "forged"


def test_trusting_any_key_still_requires_the_named_one() -> None:
    claimed = make_data_key(kms_key=FOREIGN_KEY)._replace(kms_key=OTHER_KEY)
    assert "IncorrectKey" in refused(
        make_snapshot([make_envelope("k", b"x")], data_keys=[claimed]), CONFIGSVC_KMS_KEYS="*"
    )


@pytest.mark.parametrize("pin", [KMS_KEY, f"{KMS_KEY},{OTHER_KEY}"])
def test_a_kms_value_under_a_foreign_key_is_refused(pin: str) -> None:
    forged = make_snapshot([make_kms_entry("k", b"forged", kms_key=FOREIGN_KEY)])
    refused(forged, CONFIGSVC_KMS_KEYS=pin)
    assert Stage(forged, CONFIGSVC_KMS_KEYS="*").config["k"] == "forged"


def test_a_kms_value_opens_only_as_that_key_in_that_namespace() -> None:
    entry = make_kms_entry("k", b"x")
    refused(make_snapshot([entry._replace(key=names.Key("other"))]))
    refused(make_snapshot([entry], namespace=names.Namespace("payments.test")))
    assert Stage(make_snapshot([entry])).kms.calls == []
    stage = Stage(make_snapshot([entry]))
    assert stage.config["k"] == "x"
    assert stage.kms.calls == [({"configsvc:namespace": NS, "configsvc:key": "k"}, KMS_KEY)]


def test_nothing_sealed_opens_without_a_pin_and_the_error_advises() -> None:
    for served in (seal_values({"k": "x"}), make_snapshot([make_kms_entry("k", b"x")])):
        assert "CONFIGSVC_KMS_KEYS" in refused(served, CONFIGSVC_KMS_KEYS="")


def test_a_multi_region_key_is_pinned_in_every_region_of_its_account() -> None:
    pin = MRK.format("eu-central-1")
    served = make_snapshot([make_envelope("k", b"x")], data_keys=[make_data_key(kms_key=MRK.format("us-east-1"))])
    assert Stage(served, CONFIGSVC_KMS_KEYS=pin).config["k"] == "x"
    foreign = MRK.format("us-east-1").replace("111122223333", "666666666666")
    refused(
        make_snapshot([make_envelope("k", b"x")], data_keys=[make_data_key(kms_key=foreign)]), CONFIGSVC_KMS_KEYS=pin
    )
    refused(served, CONFIGSVC_KMS_KEYS=MRK.format("us-east-1").replace("mrk-", "aaa-"))


def test_a_data_key_other_than_its_kid_commits_to_is_refused() -> None:
    other = bytes(range(32))
    swapped = DataKey(cipher.derive_kid(DATA_KEY), KMS_KEY, make_data_key(other).wrapped)
    assert "commits to" in refused(make_snapshot([make_envelope("k", b"x")], data_keys=[swapped]))


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_data_key_of_another_size_is_refused(size: int) -> None:
    blob = to_base64std(wrap(KMS_KEY, {"configsvc:namespace": NS}, bytes(size)))
    assert "32 bytes" in refused(
        make_snapshot([make_envelope("k", b"x")], data_keys=[make_data_key()._replace(wrapped=blob)])
    )


def test_a_data_key_of_another_namespace_does_not_unwrap_here() -> None:
    elsewhere = make_data_key(namespace=names.Namespace("payments.test"))
    assert "InvalidCiphertext" in refused(make_snapshot([make_envelope("k", b"x")], data_keys=[elsewhere]))


@pytest.mark.parametrize("value", ["", "....", "a.b.c.d.e", "eyJ9..AAAA.AAAA.AAAA", "é", "x" * 10_000])
def test_what_is_no_envelope_is_refused(value: str) -> None:
    assert "names no data key" in refused(make_snapshot([Entry(names.Key("k"), 1, "envelope", "text/plain", value)]))


@pytest.mark.parametrize(
    "entry",
    [
        make_envelope("k", b"\xff"),
        make_envelope("k", b"{canary", content_type="application/json"),
        make_envelope("k", b"[" * 100_000, content_type="application/json"),
        make_plain_entry("k", "{canary", "application/json"),
    ],
)
def test_a_value_of_the_wrong_content_type_is_refused_and_not_shown(entry: Entry) -> None:
    assert "canary" not in refused(make_snapshot([entry]))


def test_the_key_in_kms_answers_is_always_checked() -> None:
    claimed = make_data_key(kms_key=OTHER_KEY)._replace(kms_key=KMS_KEY)
    stage = Stage(
        make_snapshot([make_envelope("k", b"x")], data_keys=[claimed]), CONFIGSVC_KMS_KEYS=f"{KMS_KEY},{OTHER_KEY}"
    )
    stage.kms.obeys = False
    with pytest.raises(CannotOpen, match=OTHER_KEY):
        stage.config["k"]
