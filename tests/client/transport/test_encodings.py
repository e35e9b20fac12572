"""Encodings of bodies: gzip in every form that HTTP allows, and nothing else."""

import gzip
import subprocess
import zlib

import pytest

from configsvc_client._transport.keep_alive import BadAnswer
from configsvc_client._transport.response import BODY_BYTES, AnswerParser, inflate

HI = gzip.compress(b"hi")
EMPTY = gzip.compress(b"")


def body_of(encodings: list[str], body: bytes) -> bytes:
    answer = AnswerParser()
    lines = "".join(f"Content-Encoding: {each}\r\n" for each in encodings)
    answer.feed(f"HTTP/1.1 200 OK\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return answer.build_response().body


@pytest.mark.parametrize(
    "encodings",
    [
        ["gzip"], ["GZIP"], ["GZip"], ["x-gzip"], ["X-Gzip"], [" gzip\t"], ["gzip, identity"], ["identity", "gzip"],
        ["identity,gzip"], ["gzip,"], [", gzip"],
    ],
)  # fmt: skip
def test_gzip_encoding_is_recognized_in_every_spelling(encodings: list[str]) -> None:
    assert body_of(encodings, HI) == b"hi"
    assert body_of(encodings, b"") == b""


@pytest.mark.parametrize("encodings", [[], [""], ["identity"], ["Identity"], [","], ["identity, identity"]])
def test_body_without_encoding_is_unchanged(encodings: list[str]) -> None:
    assert body_of(encodings, b"hi") == b"hi"


@pytest.mark.parametrize("encodings", [["gzip, gzip"], ["gzip", "x-gzip"]])
def test_body_compressed_twice_is_inflated_twice(encodings: list[str]) -> None:
    assert body_of(encodings, gzip.compress(HI)) == b"hi"


@pytest.mark.parametrize("encodings", [["br"], ["deflate"], ["zstd"], ["gzip, br"], ["gzi"], ["gzip;q=1"], ["*"]])
def test_encoding_that_was_not_requested_is_refused(encodings: list[str]) -> None:
    with pytest.raises(BadAnswer, match="not requested"):
        body_of(encodings, HI)
    with pytest.raises(BadAnswer, match="too many"):
        body_of(["gzip"] * 6, HI)


MEMBERS = {
    "one": HI,
    "two": HI + HI,
    "empty ones between": EMPTY + HI + EMPTY + EMPTY + HI,
    "with names and comments": b"\x1f\x8b\x08\x10\0\0\0\0\0\x03comment\0" + HI[10:] + HI,
    "many": HI * 1000,
    "padded": HI + bytes(512),
    "one of stored blocks": gzip.compress(b"hi", 0) + HI,
}


@pytest.mark.parametrize("body", MEMBERS.values(), ids=MEMBERS)
def test_several_members_are_read_as_gzip_reads_them(body: bytes) -> None:
    by_gzip = subprocess.run(["gzip", "-dc"], input=body, capture_output=True, check=False).stdout  # noqa: S607
    assert inflate(body) == gzip.decompress(body) == by_gzip


UNSOUND = {
    "garbage behind": HI + b"garbage",
    "garbage behind zeros": HI + b"\0\0garbage",
    "a truncated second": HI + HI[:-1],
    "only a second head": HI + HI[:10],
    "a wrong checksum": HI[:-8] + b"\0\0\0\0" + HI[-4:],
    "a wrong checksum in the second": HI + HI[:-8] + b"\0\0\0\0" + HI[-4:],
    "zlib's": zlib.compress(b"hi"),
    "zeros alone": bytes(20),
    "too many": EMPTY * 1001,
}


@pytest.mark.parametrize("body", UNSOUND.values(), ids=UNSOUND)
def test_body_that_is_not_gzip_to_its_end_is_refused(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        inflate(body)


def test_the_size_limit_covers_all_members_together() -> None:
    half = gzip.compress(bytes(BODY_BYTES // 2))
    assert len(inflate(half + half)) == BODY_BYTES
    with pytest.raises(BadAnswer, match="inflates to more"):
        inflate(half + half + gzip.compress(b"x"))
    with pytest.raises(BadAnswer, match="inflates to more"):
        body_of(["gzip, gzip"], gzip.compress(gzip.compress(bytes(BODY_BYTES + 1))))
