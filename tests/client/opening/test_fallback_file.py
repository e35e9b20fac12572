"""The format of the fallback file, and what is refused."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model.names import Namespace
from configsvc_client._opening.fallback_file import (
    FILE_BYTES,
    BadFallback,
    Fallback,
    decode,
    encode,
    read,
    select_snapshots,
)
from configsvc_client._transport.url import parse_url
from tests.support.client.sealing import make_plain_entry, make_snapshot, seal_values

URL = "https://api.example/prod"
SHARED = Namespace("shared.prod")
FALLBACK = Fallback(
    URL,
    1_700_000_000.0,
    (
        seal_values({"a": "canary"}, revision=42).sealed,
        make_snapshot([make_plain_entry("b", "é\ud7ff")], revision=7, namespace=SHARED).sealed,
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
    from configsvc_client._opening import fallback_file

    return json.dumps({"fallback": members, "sha256": fallback_file._compute_digest(members)}).encode()  # noqa: SLF001  # a forger knows it


def test_a_file_must_match_the_url_and_contain_every_namespace() -> None:
    url = parse_url(URL)
    assert select_snapshots(FALLBACK, url, [SHARED]) == {SHARED: FALLBACK.snapshots[1]}
    both = select_snapshots(FALLBACK, url, iter([SHARED, FALLBACK.snapshots[0].namespace]))
    assert [*both.values()] == [*reversed(FALLBACK.snapshots)]
    with pytest.raises(BadFallback, match="was saved from"):
        select_snapshots(FALLBACK, parse_url("https://api.example/test"), [SHARED])
    with pytest.raises(BadFallback, match=r"other\.prod"):
        select_snapshots(FALLBACK, url, [SHARED, Namespace("other.prod")])


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("absent", "cannot be read .No such file"), ("link", "cannot be read .*symbolic link"),
        ("pipe", "not a regular file"), ("folder", "not a regular file"),
        ("", "not a regular file"), ("huge", "more than 50331648 bytes"),
    ],
)  # fmt: skip
def test_only_a_regular_file_of_limited_size_is_read(name: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "file").write_bytes(ENCODED)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(1 << 40)
    with pytest.raises(BadFallback, match=why):
        read(str(tmp_path / name))


def test_a_file_may_have_48_mebibytes(tmp_path: Path) -> None:
    assert FILE_BYTES == 48 * 1024 * 1024
    assert (tmp_path / "file").write_bytes(ENCODED)
    assert read(str(tmp_path / "file")) == ENCODED
    with (tmp_path / "large").open("wb") as large:
        large.truncate(FILE_BYTES)
    assert len(read(str(tmp_path / "large"))) == FILE_BYTES
    os.truncate(tmp_path / "large", FILE_BYTES + 1)
    with pytest.raises(BadFallback, match="more than 50331648 bytes"):
        read(str(tmp_path / "large"))


def test_the_descriptor_of_a_file_is_not_left_open(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(ENCODED)
    (tmp_path / "folder").mkdir()
    before = len([*Path("/proc/self/fd").iterdir()])
    for _ in range(9):
        read(str(tmp_path / "file"))
        with pytest.raises(BadFallback):
            read(str(tmp_path / "folder"))
    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_a_file_is_canonical_json_with_a_digest() -> None:
    encoded = encode(FALLBACK)
    members = json.loads(encoded)["fallback"]
    spelled = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    digest = hashlib.sha256(spelled).hexdigest()
    assert b'{"fallback":%b,"sha256":"%b"}\n' % (spelled, digest.encode()) == encoded
    assert {name: members[name] for name in ("format", "url", "saved_at")} == {
        "format": "configsvc/fallback/1", "url": URL, "saved_at": 1_700_000_000,
    }  # fmt: skip
    assert "\ud7ff".encode() in spelled


def test_seconds_are_saved_whole() -> None:
    assert decode(encode(FALLBACK._replace(saved_at=1_700_000_000.9))).saved_at == 1_700_000_000.0


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"format": "configsvc/fallback/2"}, "format is not configsvc/fallback/1"),
        ({"saved_at": 2**53}, "A member is missing or malformed"),
        ({"url": None}, "A member is missing or malformed"),
        ({"saved_at": True}, "A member is missing or malformed"),
        ({"snapshots": []}, "A member is missing or malformed"),
        ({"snapshots": None}, "A member is missing or malformed"),
        ({"snapshots": [{}]}, "A snapshot in it is malformed"),
        ({"revisions": {"payments.prod": 41, "shared.prod": 7}}, "revisions do not match its snapshots"),
    ],
)  # fmt: skip
def test_a_refusal_of_a_file_says_what_is_wrong_with_it(members: dict[str, object], why: str) -> None:
    with pytest.raises(BadFallback, match=why):
        decode(forged({**json.loads(ENCODED)["fallback"], **members}))


def test_a_duplicate_snapshot_in_a_file_is_refused() -> None:
    members = json.loads(ENCODED)["fallback"]
    first = members["snapshots"][0]
    with pytest.raises(BadFallback, match="revisions do not match its snapshots"):
        decode(forged({**members, "snapshots": [first, first], "revisions": {"payments.prod": 42}}))


@pytest.mark.parametrize("saved_at", [0, 2**53 - 1])
def test_every_time_that_can_be_is_taken(saved_at: int) -> None:
    assert decode(forged({**json.loads(ENCODED)["fallback"], "saved_at": saved_at})).saved_at == saved_at


def test_a_cut_file_is_told_from_a_damaged_one() -> None:
    with pytest.raises(BadFallback, match="truncated, or not a fallback file"):
        decode(ENCODED[:-9])
    with pytest.raises(BadFallback, match="digest does not match"):
        decode(ENCODED.replace(b"42", b"43"))


def test_programs_know_a_bad_fallback_by_its_code() -> None:
    assert BadFallback.code == "bad_fallback"


def test_a_namespace_twice_is_no_fallback() -> None:
    with pytest.raises(ValueError, match="once"):
        encode(FALLBACK._replace(snapshots=FALLBACK.snapshots[:1] * 2))
