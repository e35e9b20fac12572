"""Arbitrary bytes in arbitrary pieces: either a complete response or BadAnswer."""

import contextlib
import gzip
import hashlib
import itertools
import threading
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc_client._transport.keep_alive import BadAnswer, StrayAnswer
from configsvc_client._transport.response import BODY_BYTES, WIRE_BYTES, AnswerParser, Response, inflate

WHOLE = b"HTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\nContent-Length: 5\r\n\r\nhello"
WORDS = [b"HTTP/1.1 200 OK\r\n", b"Content-Length: 3\r\n", b"\r\n", b"Transfer-Encoding: chunked\r\n", b"3\r\n", b"abc"]


@given(st.lists(st.integers(1, len(WHOLE) - 1), unique=True))
def test_response_is_the_same_however_its_bytes_are_split(cuts: list[int]) -> None:
    answer = AnswerParser()
    edges = [0, *sorted(cuts), len(WHOLE)]
    for start, end in itertools.pairwise(edges):
        assert not answer.complete
        answer.feed(WHOLE[start:end])
    assert answer.complete
    assert answer.build_response() == Response(200, {"a": "1, 2", "content-length": "5"}, b"hello")


@given(st.lists(st.sampled_from(WORDS) | st.binary(min_size=1, max_size=20)))
def test_arbitrary_bytes_are_a_response_or_are_refused(pieces: list[bytes]) -> None:
    answer = AnswerParser()
    with contextlib.suppress(BadAnswer):
        for piece in pieces:
            answer.feed(piece)
        if answer.complete:
            assert 100 <= answer.build_response().status <= 999


CHUNKED = b"HTTP/1.1 200 OK\r\nETag: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"


def test_trailers_do_not_change_headers() -> None:
    answer = AnswerParser()
    answer.feed(CHUNKED + b"ETag: y\r\nRetry-After: 9\r\n\r\n")
    assert answer.complete
    assert answer.build_response() == Response(200, {"etag": "x", "transfer-encoding": "chunked"}, b"hi")


@pytest.mark.parametrize("endless", [b"a: b\r\n" * 10_000, b"x" * 60_000], ids=["many", "long"])
def test_endless_trailers_are_refused(endless: bytes) -> None:
    answer = AnswerParser()
    answer.feed(CHUNKED + (b"a: " if endless.startswith(b"x") else b""))
    pieces = itertools.repeat(endless, 1 + WIRE_BYTES // len(endless))
    with pytest.raises(BadAnswer):
        any(map(answer.feed, pieces))  # feeds until it raises
    assert len(answer._headers) == 2  # noqa: SLF001  # no trailer was kept


@pytest.mark.parametrize("before", [b"", gzip.compress(bytes(BODY_BYTES - 1), 1)], ids=["alone", "after a member"])
def test_gzip_bomb_is_not_inflated_beyond_the_limit(before: bytes) -> None:
    bomb = before + gzip.compress(bytes(8 * BODY_BYTES), 1)
    tracemalloc.start()
    try:
        with pytest.raises(BadAnswer, match="inflates to more"):
            inflate(bomb)
        assert tracemalloc.get_traced_memory()[1] < 3 * BODY_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("interim", [100, 102, 103, 199])
@pytest.mark.parametrize("times", [1, 3])
def test_headers_of_interim_responses_are_dropped(interim: int, times: int) -> None:
    answer = AnswerParser()
    answer.feed(b"HTTP/1.1 %d Early\r\nLink: x\r\nA: 0\r\n\r\n" % interim * times)
    assert not answer.complete
    answer.feed(WHOLE)
    assert answer.build_response() == Response(200, {"a": "1, 2", "content-length": "5"}, b"hello")


def test_interim_response_alone_is_incomplete_when_the_connection_ends() -> None:
    answer = AnswerParser()
    answer.feed(b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n")
    with pytest.raises(BadAnswer, match="ended before the response did"):
        answer.feed(b"")


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


def test_body_may_have_at_most_eight_mebibytes() -> None:
    assert BODY_BYTES == 8 * 1024 * 1024
    largest = AnswerParser()
    largest.feed(HEAD % BODY_BYTES + bytes(BODY_BYTES))
    assert largest.build_response().body == bytes(BODY_BYTES)
    with pytest.raises(BadAnswer, match="more than 8388608 bytes"):
        AnswerParser().feed(HEAD % (BODY_BYTES + 1) + bytes(BODY_BYTES + 1))


def test_body_may_inflate_to_at_most_eight_mebibytes() -> None:
    assert inflate(gzip.compress(bytes(BODY_BYTES), 1)) == bytes(BODY_BYTES)
    assert len(inflate(gzip.compress(bytes(BODY_BYTES - 1), 1) + gzip.compress(b"x"))) == BODY_BYTES
    for beyond in (bytes(BODY_BYTES + 1), bytes(BODY_BYTES)):
        with pytest.raises(BadAnswer, match="inflates to more than 8388608 bytes"):
            inflate(gzip.compress(beyond, 1) + gzip.compress(b"x"))


@pytest.mark.parametrize(("more", "taken"), [(0, True), (1, False)])
def test_status_line_and_headers_may_have_at_most_64_kibibytes(*, more: int, taken: bool) -> None:
    start = b"HTTP/1.1 200 OK\r\nA: "
    endless = start + b"x" * (64 * 1024 - len(start) + more)
    answer = AnswerParser()
    if taken:
        answer.feed(endless)
        return
    with pytest.raises(BadAnswer, match="more than 65536 bytes of headers"):
        answer.feed(endless)


def test_body_bytes_do_not_count_toward_the_header_limit() -> None:
    answer = AnswerParser()
    answer.feed(HEAD % 100_000 + bytes(100_000))
    assert len(answer.build_response().body) == 100_000


@pytest.mark.parametrize(("more", "taken"), [(0, True), (1, False)])
def test_chunk_sizes_and_trailers_are_limited_to_the_size_of_a_body(*, more: int, taken: bool) -> None:
    answer = AnswerParser()
    answer.feed(CHUNKED)
    left = WIRE_BYTES - len(CHUNKED)
    assert WIRE_BYTES == 2 * BODY_BYTES
    with pytest.raises(BadAnswer, match="more than 8388608 bytes") if not taken else contextlib.nullcontext():
        for start in range(0, left + more, 60_000):
            answer.feed((b"a: b\r\n" * 10_000)[: left + more - start])


def noise(size: int) -> bytes:
    """Returns bytes that do not compress, the same ones each time."""
    return hashlib.shake_128(b"noise").digest(size)


@pytest.mark.parametrize("distance", [1, 300, 5_000, 20_000, 32_000])
def test_gzip_with_any_window_size_inflates(distance: int) -> None:
    body = noise(distance) * 3
    for window in range(25, 32):
        packing = zlib.compressobj(wbits=window)
        assert inflate(packing.compress(body) + packing.flush()) == body


@pytest.mark.parametrize("window", [15, -15], ids=["zlib", "deflate"])
def test_zlib_and_raw_deflate_are_not_gzip(window: int) -> None:
    packing = zlib.compressobj(wbits=window)
    with pytest.raises(BadAnswer, match="not gzip"):
        inflate(packing.compress(b"hello") + packing.flush())


@pytest.mark.parametrize("size", [64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 200_000])
def test_gzip_of_any_size_inflates_and_truncation_is_refused(size: int) -> None:
    body = noise(size)
    packed = gzip.compress(body, 0)
    assert inflate(packed + bytes(9)) == body
    assert inflate(packed * 2) == body * 2
    for end in (packed[:-1], packed + packed[:-1]):
        with pytest.raises(BadAnswer, match="truncated"):
            inflate(end)


@pytest.mark.parametrize("after", [b"\0x", b"\0X\0", bytes(8) + gzip.compress(b"hi", mtime=0)])
def test_only_zeros_may_follow_gzip(after: bytes) -> None:
    assert inflate(gzip.compress(b"hi") + b"\0") == b"hi"
    with pytest.raises(BadAnswer, match="followed by other data"):
        inflate(gzip.compress(b"hi") + after)


def test_at_most_a_thousand_members_are_read() -> None:
    empty = gzip.compress(b"")
    assert inflate(empty * 1000) == b""
    with pytest.raises(BadAnswer, match="more than 1000 members"):
        inflate(empty * 1001)


def test_at_most_five_encodings_are_read() -> None:
    body = b"hello"
    for times in range(1, 7):
        body = gzip.compress(body)
        answer = AnswerParser()
        codings = b"Content-Encoding: gzip\r\n" * times
        answer.feed(b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (codings, len(body), body))
        with pytest.raises(BadAnswer, match="too many encodings") if times > 5 else contextlib.nullcontext():
            assert answer.build_response().body == b"hello"


@pytest.mark.parametrize(
    ("received", "idle"),
    [(b"HTTP/1.1 408 Timeout\r\nA: b\r\n\r\n", True), (b"HTTP/1.1 408 Timeout\r\nA: b\r\n", False),
     (b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n", False), (b"", False)],
)  # fmt: skip
def test_only_a_408_may_end_after_its_head(received: bytes, *, idle: bool) -> None:
    answer = AnswerParser()
    assert not answer.started
    if received:
        answer.feed(received)
    assert answer.started is bool(received)
    assert answer.is_too_idle is idle
    with contextlib.nullcontext() if idle else pytest.raises(BadAnswer, match="ended before the response did"):
        answer.feed(b"")
    assert answer.complete is idle


def test_only_the_head_of_a_truncated_408_counts() -> None:
    answer = AnswerParser()
    answer.feed(b"HTTP/1.1 408 Timeout\r\nContent-Encoding: br\r\nContent-Length: 9\r\n\r\nhalf")
    answer.feed(b"")
    assert answer.build_response() == Response(408, {"content-length": "9"}, b"")


@pytest.mark.parametrize(
    ("whole", "keeps"),
    [(WHOLE, True), (WHOLE.replace(b"A: 1", b"Connection: close"), False), (WHOLE.replace(b"1.1", b"1.0"), False)],
)
def test_response_decides_whether_the_connection_is_kept(whole: bytes, *, keeps: bool) -> None:
    answer = AnswerParser()
    assert answer.keeps_alive is False
    answer.feed(whole)
    assert answer.keeps_alive is keeps


@pytest.mark.parametrize(("first", "second"), [(b"", WHOLE * 2), (WHOLE, WHOLE), (WHOLE, b"\r\n")])
def test_bytes_after_a_complete_response_are_stray(first: bytes, second: bytes) -> None:
    answer = AnswerParser()
    if first:
        answer.feed(first)
    with pytest.raises(StrayAnswer, match="more than one response"):
        answer.feed(second)


@pytest.mark.parametrize(("received", "astray"), [(b"SSH-2.0-OpenSSH_9.6\r\n", True), (CHUNKED + b"?\0", False)])
def test_malformed_bytes_are_stray_unless_a_head_came_before(received: bytes, *, astray: bool) -> None:
    with pytest.raises(BadAnswer, match=r"not HTTP/1\.1") as refused:
        AnswerParser().feed(received)
    assert isinstance(refused.value, StrayAnswer) is astray


class SlowParser(AnswerParser):
    """Records which thread parses, and takes a moment for each header."""

    def on_header(self, name: bytes, value: bytes) -> None:
        self.parsed_by = threading.get_ident()
        threading.Event().wait(0.02)
        super().on_header(name, value)


def feed_while_handling(answer: AnswerParser, received: bytes) -> None:
    """Feeds bytes while an exception is being handled."""
    try:
        dict[str, int]()["absent"]
    except KeyError:
        answer.feed(received)


def test_while_an_exception_is_handled_a_thread_parses_the_response() -> None:
    aside, here = SlowParser(), SlowParser()
    feed_while_handling(aside, WHOLE)
    here.feed(WHOLE)
    assert (
        aside.build_response() == here.build_response() == Response(200, {"a": "1, 2", "content-length": "5"}, b"hello")
    )
    assert aside.parsed_by != here.parsed_by == threading.get_ident()


def test_while_an_exception_is_handled_malformed_bytes_are_refused() -> None:
    with pytest.raises(StrayAnswer, match=r"not HTTP/1\.1"):
        feed_while_handling(AnswerParser(), b"SSH-2.0-OpenSSH_9.6\r\n")


def test_if_no_thread_can_start_the_response_is_still_parsed() -> None:
    answer, size = SlowParser(), threading.stack_size(1 << 46)
    try:
        feed_while_handling(answer, WHOLE)
    finally:
        threading.stack_size(size)
    assert answer.build_response().body == b"hello"
    assert answer.parsed_by == threading.get_ident()


def test_repr_of_a_response_shows_only_status_and_size() -> None:
    assert repr(Response(200, {"a": "secret"}, b"hello")) == "Response(status=200, 5 bytes)"
