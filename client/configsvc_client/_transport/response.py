"""HTTP responses: llhttp parses the bytes (through httptools); this collects, limits and inflates them."""

from __future__ import annotations

import sys

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from configsvc_client._process import start_thread
from configsvc_client._secret import Hidden
from configsvc_client._transport.keep_alive import BadAnswer, StrayAnswer

BODY_BYTES = 8 * 1024 * 1024
"""Maximum size of a body, before and after inflating. One namespace's snapshot is at most 4 MiB, several 5 MiB."""

HEAD_BYTES = 64 * 1024
"""Maximum size of status line and headers."""

WIRE_BYTES = 2 * BODY_BYTES
"""Maximum size of everything received: chunk sizes and trailers may not exceed the size of a body."""

_GZIP = ("gzip", "x-gzip")
_CODINGS = 5
_MEMBERS = 1000
_PIECE = 64 * 1024
_FINAL = 200
TOO_IDLE = 408  # load balancers send it on an idle connection, and it may cross with a request


class Response(Hidden):
    """A complete response: header names in lower case, the body inflated."""

    status: int
    headers: dict[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Response(status={self.status}, {len(self.body)} bytes)"


class AnswerParser:
    """Parses the bytes of one response until it is complete.

    Its own framing decides when it is complete: Content-Length, chunks, or a status without a body. A response that
    ends with the connection is refused, because a truncated one looks the same. Only a 408 may end so.
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
        """Parses the next bytes; none mean that the connection ended.

        Raises:
            BadAnswer: the response is incomplete, malformed, too large, or more than one.
        """
        if not data:
            self._end_with_connection()
            return
        self.started = True
        self._received += len(data)
        if self.complete:
            raise self._make_malformed()
        try:
            self._parse(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)  # an exception in a callback below arrives as the parser's error
            raise self._make_malformed() from None
        if self._in_head and self._received > HEAD_BYTES:
            raise BadAnswer(f"more than {HEAD_BYTES} bytes of headers")
        if len(self._body) > BODY_BYTES or self._received > WIRE_BYTES:
            raise BadAnswer(f"more than {BODY_BYTES} bytes")

    @property
    def is_too_idle(self) -> bool:
        """Whether the head is complete with status 408; nothing else of such a response matters."""
        return self._status == TOO_IDLE and not self._in_head

    def build_response(self) -> Response:
        """Builds the response from what was parsed.

        Raises:
            BadAnswer: an encoding other than gzip, or a body that does not inflate within the limit.
        """
        body = bytes(self._body)
        codings = self._headers.get("content-encoding")
        for coding in reversed(_parse_codings(codings)) if codings else ():
            if coding not in _GZIP:
                raise BadAnswer("an encoding that was not requested")
            body = inflate(body) if body else body  # a response without a body has nothing to inflate
        return Response(self._status, self._headers, body)

    def _end_with_connection(self) -> None:
        """Ends the response with the connection. Only a 408 may: load balancers send it without a length and close."""
        if not self.is_too_idle:
            raise BadAnswer("the connection ended before the response did")
        self._headers.pop("content-encoding", None)
        self._body.clear()
        self.complete = True

    def _parse(self, data: bytes) -> None:
        """Feeds the parser, in a thread if the caller is handling an exception.

        If a signal handler raises in a callback below, its exception is the context of the parser's error. While
        another exception is being handled, Python replaces that context. No signal handler runs in a thread.
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

    def _make_malformed(self) -> BadAnswer:
        if self.complete:
            return StrayAnswer("more than one response")
        return (StrayAnswer if self._in_head else BadAnswer)("it is not HTTP/1.1")

    # llhttp's callbacks. The parser looks for each, and those that are missing cost more than None.

    on_status = on_chunk_header = on_chunk_complete = None

    def on_message_begin(self) -> None:
        """Starts a response; a second one is an error."""
        if self.complete:
            raise self._make_malformed()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Adds a header; repeated ones are joined (RFC 9110, 5.3). Trailers are ignored (6.5.1)."""
        if not self._in_head:
            return
        lower, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self._headers[lower] = f"{self._headers[lower]}, {text}" if lower in self._headers else text

    def on_headers_complete(self) -> None:
        """Ends the head."""
        self._status = self._parser.get_status_code()
        self._in_head = False

    def on_body(self, body: bytes) -> None:
        """Adds a part of the body, already unchunked."""
        self._body += body

    def on_message_complete(self) -> None:
        """Ends a response. Interim ones (RFC 9110, 15.2) are skipped; at a 101 the parser itself fails."""
        if self._status < _FINAL:
            self._headers.clear()
            self._in_head = True
        else:
            self.complete = True
            self.keeps_alive = self._parser.should_keep_alive()  # llhttp knows this only now


def _parse_codings(header: str) -> list[str]:
    """Parses a Content-Encoding header: names in any case, in the order applied (RFC 9110, 8.4)."""
    codings = [each for part in header.split(",") if (each := part.strip().lower()) not in ("", "identity")]
    if len(codings) > _CODINGS:
        raise BadAnswer("too many encodings")
    return codings


def inflate(body: bytes) -> bytes:
    """Inflates the members of a gzip body (RFC 1952, 2.2). Trailing zeros are padding, as for the gzip tool.

    Raises:
        BadAnswer: not gzip, truncated, followed by other data, too many members, or over the limit.
    """
    rest, plain, members = memoryview(body), bytearray(), 0
    while not members or (rest and rest[0]):
        used = _inflate_member(rest, plain)
        rest, members = rest[used:], members + 1
        if members > _MEMBERS:
            raise BadAnswer(f"gzip with more than {_MEMBERS} members")
    if bytes(rest).strip(b"\0"):
        raise BadAnswer("gzip followed by other data")
    return bytes(plain)


def _inflate_member(rest: memoryview, plain: bytearray) -> int:
    """Inflates one member and returns its compressed size. Works in pieces, because the rest of each is copied."""
    import zlib

    inflating, at = zlib.decompressobj(wbits=31), 0
    try:
        while not inflating.eof:
            piece = rest[at : at + _PIECE]
            if not piece:
                raise BadAnswer("truncated gzip")
            plain += inflating.decompress(piece, BODY_BYTES + 1 - len(plain))
            if len(plain) > BODY_BYTES:
                raise BadAnswer(f"inflates to more than {BODY_BYTES} bytes")
            at += len(piece) - len(inflating.unused_data)
    except zlib.error:
        raise BadAnswer("not gzip, contrary to its header") from None
    return at
