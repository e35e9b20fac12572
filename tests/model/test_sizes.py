"""The largest value of each form, to the byte, and refusals in bytes of the value."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model import limits, names, sizes
from configsvc.model.change_set import Put, check_put
from configsvc.model.envelope import NONCE, TAG, EnvelopeParts, Header, join
from configsvc.model.errors import TooLarge
from configsvc.model.names import Key, Namespace
from configsvc.model.snapshot import CONTENT_TYPES, ContentType

NS, KEY = names.parse_namespace("payments.prod"), names.parse_key("db.password")


def make_envelope(
    namespace: Namespace, key: Key, content_type: ContentType, size: int, version: int = 10**10 - 1
) -> str:
    header = Header(namespace, key, version, content_type, names.parse_kid("A" * 43))
    return join(EnvelopeParts(header.protected(), bytes(NONCE), bytes(size), bytes(TAG)))


@given(st.integers(1, 255), st.integers(1, 64), st.sampled_from(CONTENT_TYPES), st.integers(1, 10**10 - 1))
def test_the_largest_sealed_value_fits_at_every_version_to_the_byte(
    key_length: int, namespace_length: int, content_type: ContentType, version: int
) -> None:
    namespace, key = names.parse_namespace("n" * namespace_length), names.parse_key("k" * key_length)
    most = sizes.compute_sealed_limit(namespace, key, content_type)
    assert len(make_envelope(namespace, key, content_type, most, version)) <= limits.STORED_VALUE
    assert len(make_envelope(namespace, key, content_type, most + 1)) > limits.STORED_VALUE


def test_a_sealed_value_ends_near_196_000_bytes_as_the_docs_say() -> None:
    assert sizes.compute_sealed_limit(NS, KEY, "text/plain") == 196_393
    longest = names.parse_namespace("n" * 64), names.parse_key("k" * 255)
    least = sizes.compute_sealed_limit(*longest, "application/octet-stream")
    said = (Path(__file__).parents[2] / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")
    assert f"196,393 bytes of value** for `db.password` in `payments.prod`, and at least {least:,}" in said


def test_an_envelope_is_refused_by_the_size_of_its_value() -> None:
    most = sizes.compute_sealed_limit(NS, KEY, "text/plain")
    with pytest.raises(TooLarge, match="S3") as refused:
        check_put(Put(KEY, "envelope", "text/plain", make_envelope(NS, KEY, "text/plain", 200_000)))
    assert refused.value.members == {"limit": most, "size": 200_000, "key": KEY}
    assert re.search(
        rf"db.password has 200000 bytes, but a sealed value can have at most {most},", refused.value.detail
    )


@pytest.mark.parametrize("value", ["x" * 300_000, "." * 300_000, "a.b.c.d" * 60_000, f"é{'x' * 300_000}"])
def test_a_large_text_that_is_no_envelope_is_refused_too(value: str) -> None:
    with pytest.raises(TooLarge):
        check_put(Put(KEY, "envelope", "text/plain", value))


def test_a_plain_value_ends_at_256_kib_and_one_by_kms_at_4096_bytes() -> None:
    assert sizes.refuse_large_plain(KEY, limits.STORED_VALUE) is None
    assert sizes.refuse_large_kms(KEY, limits.KMS_PLAINTEXT, 196_393) is None
    plain, kms = sizes.refuse_large_plain(KEY, limits.STORED_VALUE + 1), sizes.refuse_large_kms(KEY, 4097, 196_393)
    assert plain is not None
    assert kms is not None
    assert "262145 bytes, but a plain value can have at most 262144" in plain.detail
    assert "at most 4096" in kms.detail
    assert "196393" in kms.detail


def test_a_full_namespace_names_the_command_that_raises_its_limit() -> None:
    told = sizes.refuse_large_namespace(NS, 1_100_000, limits.SNAPSHOT_BYTES).detail
    assert "1100000 bytes" in told
    assert "configsvc namespace set payments.prod --snapshot-bytes N" in told
    assert str(limits.SNAPSHOT_BYTES_MOST) in told
    assert "namespace set" not in sizes.refuse_large_namespace(NS, 5_000_000, limits.SNAPSHOT_BYTES_MOST).detail
