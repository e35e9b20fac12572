"""Arbitrary bytes, arbitrarily cut: a whole answer or BadAnswer, nothing else."""

import contextlib
import gzip
import itertools
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc_client._answer import BODY_BYTES, WIRE_BYTES, Answer, Response, inflate
from configsvc_client._kept import BadAnswer

WHOLE = b"HTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\nContent-Length: 5\r\n\r\nhello"
WORDS = [b"HTTP/1.1 200 OK\r\n", b"Content-Length: 3\r\n", b"\r\n", b"Transfer-Encoding: chunked\r\n", b"3\r\n", b"abc"]


@given(st.lists(st.integers(1, len(WHOLE) - 1), unique=True))
def test_an_answer_is_the_same_however_it_is_cut(cuts: list[int]) -> None:
    answer = Answer()
    edges = [0, *sorted(cuts), len(WHOLE)]
    for start, end in itertools.pairwise(edges):
        assert not answer.complete
        answer.feed(WHOLE[start:end])
    assert answer.complete
    assert answer.response() == Response(200, {"a": "1, 2", "content-length": "5"}, b"hello")


@given(st.lists(st.sampled_from(WORDS) | st.binary(min_size=1, max_size=20)))
def test_arbitrary_bytes_make_an_answer_or_are_refused(pieces: list[bytes]) -> None:
    answer = Answer()
    with contextlib.suppress(BadAnswer):
        for piece in pieces:
            answer.feed(piece)
        if answer.complete:
            assert 100 <= answer.response().status <= 999


CHUNKED = b"HTTP/1.1 200 OK\r\nETag: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"


def test_what_trails_a_body_changes_no_header() -> None:
    answer = Answer()
    answer.feed(CHUNKED + b"ETag: y\r\nRetry-After: 9\r\n\r\n")
    assert answer.complete
    assert answer.response() == Response(200, {"etag": "x", "transfer-encoding": "chunked"}, b"hi")


@pytest.mark.parametrize("endless", [b"a: b\r\n" * 10_000, b"x" * 60_000], ids=["many", "long"])
def test_endless_trailers_are_refused(endless: bytes) -> None:
    answer = Answer()
    answer.feed(CHUNKED + (b"a: " if endless.startswith(b"x") else b""))
    pieces = itertools.repeat(endless, 1 + WIRE_BYTES // len(endless))
    with pytest.raises(BadAnswer):
        any(map(answer.feed, pieces))  # nothing: until it raises
    assert len(answer._headers) == 2  # noqa: SLF001  # nothing of them was kept


def test_a_gzip_bomb_is_not_inflated_beyond_the_limit() -> None:
    bomb = gzip.compress(bytes(8 * BODY_BYTES), 1)
    tracemalloc.start()
    try:
        with pytest.raises(BadAnswer, match="inflates to more"):
            inflate(bomb)
        assert tracemalloc.get_traced_memory()[1] < 3 * BODY_BYTES
    finally:
        tracemalloc.stop()
