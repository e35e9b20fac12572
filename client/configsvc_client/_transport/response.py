"""An HTTP/1.1 answer as it comes in: llhttp parses (through httptools), this collects, bounds and inflates."""

from __future__ import annotations

import sys

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from configsvc_client._process import start_thread
from configsvc_client._secret import Hidden
from configsvc_client._transport.keep_alive import BadAnswer, StrayAnswer

BODY_BYTES = 8 * 1024 * 1024
"""The most of a body, before and after inflating: a namespace's snapshot ends at 4 MiB, several at 5."""

HEAD_BYTES = 64 * 1024
"""The most of status line and headers."""

WIRE_BYTES = 2 * BODY_BYTES
"""The most of all that comes: the sizes of chunks and what trails them are not more than a body may be."""

_GZIP = ("gzip", "x-gzip")
_CODINGS = 5
_MEMBERS = 1000
_PIECE = 64 * 1024
_FINAL = 200
TOO_IDLE = 408  # load balancers say so on an idle connection, which may cross with a request


class Response(Hidden):
    """A complete answer: header names in lower case, the body inflated."""

    status: int
    headers: dict[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Response(status={self.status}, {len(self.body)} bytes)"


class AnswerParser:
    """Takes the bytes of one answer until it is complete.

    Complete means that its own framing says so: Content-Length, chunks, or a status without a body. One that would end
    with the connection is refused, because a truncated one looks the same; a 408 alone may.
    """

    def __init__(self) -> None:
        self.complete = False
        self.keeps_alive = False
        self.started = False
        self._parser = HttpResponseParser(self)
        self._in_head = True
        self._received = 0
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body = bytearray()

    def feed(self, data: bytes) -> None:
        """The next bytes.

        Raises:
            BadAnswer: they end, are malformed, too many, or more than one answer.
        """
        if not data:
            self._end()
            return
        self.started = True
        self._received += len(data)
        if self.complete:
            raise self._malformed()
        try:
            self._parse(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)  # what is raised in the methods below comes as the parser's error
            raise self._malformed() from None
        if self._in_head and self._received > HEAD_BYTES:
            raise BadAnswer(f"more than {HEAD_BYTES} bytes of headers")
        if len(self._body) > BODY_BYTES or self._received > WIRE_BYTES:
            raise BadAnswer(f"more than {BODY_BYTES} bytes")

    @property
    def is_too_idle(self) -> bool:
        """Whether its head is there and says 408: that is all of it that counts."""
        return self._status == TOO_IDLE and not self._in_head

    def build_response(self) -> Response:
        """The answer.

        Raises:
            BadAnswer: an encoding other than gzip, or one that does not inflate within the limit.
        """
        body = bytes(self._body)
        for coding in reversed(_parse_codings(self._headers.get("content-encoding", ""))):
            if coding not in _GZIP:
                raise BadAnswer("an encoding that was not asked for")
            body = inflate(body) if body else body  # of an answer without a body there is nothing to inflate
        return Response(self._status, self._headers, body)

    def _end(self) -> None:
        """The connection ended. A 408 is complete with its head: load balancers send it without a length, and close."""
        if not self.is_too_idle:
            raise BadAnswer("the connection ended before the answer did")
        self._headers.pop("content-encoding", None)
        self._body.clear()
        self.complete = True

    def _parse(self, data: bytes) -> None:
        """The parser's error has what a signal handler raised in a method below as its context.

        Where an exception is being handled, as by whoever called the client, Python puts that in its place. So it is
        then done in a thread, in which no handler runs.
        """
        if sys.exc_info()[1] is None:
            self._parser.feed_data(data)
            return
        failed: list[BaseException] = []

        def parse() -> None:
            try:
                self._parser.feed_data(data)
            except BaseException as error:  # noqa: BLE001  # raised below
                failed.append(error)

        thread = start_thread(parse, "configsvc parse")
        if thread is None:
            parse()
        else:
            thread.join()
        if failed:
            raise failed[0]

    def _malformed(self) -> BadAnswer:
        if self.complete:
            return StrayAnswer("more than one answer")
        return (StrayAnswer if self._in_head else BadAnswer)("it is not HTTP/1.1")

    # What llhttp calls.

    def on_message_begin(self) -> None:
        """An answer starts; a second one is more than was asked for."""
        if self.complete:
            raise self._malformed()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; repeated ones are joined (RFC 9110, 5.3). Trailers are passed over (6.5.1)."""
        if not self._in_head:
            return
        lower, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self._headers[lower] = f"{self._headers[lower]}, {text}" if lower in self._headers else text

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._status = self._parser.get_status_code()
        self._in_head = False

    def on_body(self, body: bytes) -> None:
        """A part of the body, its chunking removed."""
        self._body += body

    def on_message_complete(self) -> None:
        """An interim answer (RFC 9110, 15.2) is passed over; any other is the one. At a 101 the parser itself fails."""
        if self._status < _FINAL:
            self._headers.clear()
            self._in_head = True
        else:
            self.complete = True
            self.keeps_alive = self._parser.should_keep_alive()  # llhttp knows it only now


def _parse_codings(header: str) -> list[str]:
    """What was done to the body, in order: names in any case, several of them a list (RFC 9110, 8.4)."""
    codings = [each for part in header.split(",") if (each := part.strip().lower()) not in ("", "identity")]
    if len(codings) > _CODINGS:
        raise BadAnswer("too many encodings")
    return codings


def inflate(body: bytes) -> bytes:
    """The bytes of gzip's members, one after the other (RFC 1952, 2.2). Zeros after them are padding, as gzip has it.

    Raises:
        BadAnswer: not gzip, truncated, followed by something else, of too many members, or beyond the limit.
    """
    rest, plain, members = memoryview(body), bytearray(), 0
    while not members or (rest and rest[0]):
        used = _inflate_member(rest, plain)
        rest, members = rest[used:], members + 1
        if members > _MEMBERS:
            raise BadAnswer(f"gzip of more than {_MEMBERS} members")
    if bytes(rest).strip(b"\0"):
        raise BadAnswer("gzip that is followed by something else")
    return bytes(plain)


def _inflate_member(rest: memoryview, plain: bytearray) -> int:
    """Inflates one member; how many bytes it has. In pieces: what is left of one is copied."""
    import zlib

    inflating, at = zlib.decompressobj(wbits=31), 0
    try:
        while not inflating.eof:
            piece = rest[at : at + _PIECE]
            if not piece:
                raise BadAnswer("gzip that is truncated")
            plain += inflating.decompress(piece, BODY_BYTES + 1 - len(plain))
            if len(plain) > BODY_BYTES:
                raise BadAnswer(f"inflates to more than {BODY_BYTES} bytes")
            at += len(piece) - len(inflating.unused_data)
    except zlib.error:
        raise BadAnswer("not gzip, as it says") from None
    return at
