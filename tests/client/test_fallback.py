"""The format of the fallback file, and what is refused."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model.names import Namespace
from configsvc_client._fallback import FILE_BYTES, BadFallback, Fallback, checked, decode, encode, read
from configsvc_client._url import parse
from tests.client.sealing import found, plain, sealed_values

URL = "https://api.example/prod"
SHARED = Namespace("shared.prod")
FALLBACK = Fallback(
    URL,
    1_700_000_000.0,
    (
        sealed_values({"a": "canary"}, revision=42).sealed,
        found([plain("b", "é\ud7ff")], revision=7, namespace=SHARED).sealed,
    ),
)
ENCODED = encode(FALLBACK)


def test_what_was_saved_is_what_is_loaded_and_shows_no_value() -> None:
    assert decode(ENCODED) == FALLBACK
    assert b"canary" not in ENCODED
    assert json.loads(ENCODED)["fallback"]["revisions"] == {"payments.prod": 42, "shared.prod": 7}


@given(st.integers(0, len(ENCODED) - 2))
def test_a_truncated_file_is_refused_wherever_it_ends(length: int) -> None:
    with pytest.raises(BadFallback):
        decode(ENCODED[:length])


@given(st.integers(0, len(ENCODED) - 2), st.integers(0, 7))
def test_a_damaged_file_is_refused_or_means_the_same(at: int, bit: int) -> None:
    damaged = ENCODED[:at] + bytes([ENCODED[at] ^ 1 << bit]) + ENCODED[at + 1 :]
    try:
        decoded = decode(damaged)
    except BadFallback:
        return
    assert decoded == FALLBACK


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"[]", b"{}", b'{"fallback":{},"sha256":1}', b"[" * 100_000, b"\xff", b'"fallback"', b"1"],
)
def test_what_is_no_fallback_file_is_refused(content: bytes) -> None:
    with pytest.raises(BadFallback):
        decode(content)


@pytest.mark.parametrize("member", ["format", "url", "saved_at", "revisions", "snapshots"])
@pytest.mark.parametrize("value", [None, "x", 1.5, [], [{}], True])
def test_a_sound_digest_over_wrong_members_is_refused(member: str, value: object) -> None:
    if (member, value) == ("url", "x"):
        return
    with pytest.raises(BadFallback):
        decode(forged({**json.loads(ENCODED)["fallback"], member: value}))


@pytest.mark.parametrize("members", [[1], [], 1, "x", None, True])
def test_a_sound_digest_over_no_members_at_all_is_refused(members: object) -> None:
    with pytest.raises(BadFallback):
        decode(forged(members))


@pytest.mark.parametrize("saved_at", [-1, 2**53, 10**400])
def test_a_time_that_none_can_be_is_refused(saved_at: int) -> None:
    with pytest.raises(BadFallback):
        decode(forged({**json.loads(ENCODED)["fallback"], "saved_at": saved_at}))


def forged(members: object) -> bytes:
    """A file with a sound digest over any members."""
    from configsvc_client import _fallback

    return json.dumps({"fallback": members, "sha256": _fallback._digest(members)}).encode()  # noqa: SLF001  # a forger knows it


def test_a_file_of_another_url_or_without_a_namespace_is_refused_and_one_with_more_is_not() -> None:
    url = parse(URL)
    assert list(checked(FALLBACK, url, [SHARED])) == [SHARED]
    with pytest.raises(BadFallback, match="was saved from"):
        checked(FALLBACK, parse("https://api.example/test"), [SHARED])
    with pytest.raises(BadFallback, match=r"other\.prod"):
        checked(FALLBACK, url, [SHARED, Namespace("other.prod")])


def test_a_file_that_is_absent_unreadable_a_link_a_pipe_a_folder_or_huge_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(ENCODED)
    assert read(str(file)) == ENCODED
    (tmp_path / "link").symlink_to(file)
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(FILE_BYTES + 1)
    for name in ("absent", "link", "pipe", "", "huge"):
        with pytest.raises(BadFallback):
            read(str(tmp_path / name))


def test_a_namespace_twice_is_no_fallback() -> None:
    with pytest.raises(ValueError, match="once"):
        encode(FALLBACK._replace(snapshots=FALLBACK.snapshots[:1] * 2))
