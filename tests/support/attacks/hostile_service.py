"""A service that puts what a terminal would obey into its answers: it rewrites those of a genuine one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

EVIL = (
    "\nFORGED row\rFORGED\x1b]0;pwned\x07\x1b[2J\x1b[31m\x9b31m\x9d0;pwned\x9c\x85FORGED"
    "\u2028FORGED\u202egnp.exe\u2066\u200b\ue000\U000e0041\x00\x08\x7f\tx" + "\u0301" * 40
)
FREE = frozenset({
    "message", "description", "detail", "title", "principal", "written_by", "by", "subject", "user_agent", "source_ip",
    "correlation_id", "reason",
})  # fmt: skip

Rewrite = Callable[[Any], Any]


def free_text(found: Any) -> Any:  # noqa: ANN401  # JSON
    """Only the members that are texts for people."""
    return _mapped(found, lambda name, text: text + EVIL if name in FREE else text)


def every_text(found: Any) -> Any:  # noqa: ANN401  # JSON
    """Every text of an answer."""
    return _mapped(found, lambda _, text: text + EVIL)


def every_name(found: Any) -> Any:  # noqa: ANN401  # JSON
    """Every object has one more member, named so."""
    if isinstance(found, dict):
        return {**{name: every_name(each) for name, each in found.items()}, EVIL: EVIL}
    return [every_name(each) for each in found] if isinstance(found, list) else found


REWRITES: dict[str, Rewrite] = {"free text": free_text, "every text": every_text, "every name": every_name}
PROBLEM = {
    "type": EVIL, "title": EVIL, "status": 409, "code": "conflict", "detail": EVIL, "key": EVIL, "keys": [EVIL],
    "action": EVIL, "problems": [EVIL], "reason": EVIL, "errors": [{"detail": EVIL, "pointer": EVIL, "key": EVIL}],
}  # fmt: skip


def _mapped(found: Any, change: Callable[[str, str], str], name: str = "") -> Any:  # noqa: ANN401  # JSON
    if isinstance(found, dict):
        return {member: _mapped(each, change, member) for member, each in found.items()}
    if isinstance(found, list):
        return [_mapped(each, change, name) for each in found]
    return change(name, found) if isinstance(found, str) else found


class Hostile:
    """How the server changes each answer; `problem` answers an error instead."""

    def __init__(self, behind: str) -> None:
        self.behind = urlsplit(behind)
        self.url = ""
        self.rewrite: Rewrite = lambda found: found
        self.problem: dict[str, Any] | None = None

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        if self.problem is not None:
            return (
                self.problem["status"],
                {"content-type": "application/problem+json"},
                json.dumps(self.problem).encode(),
            )
        connection = HTTPConnection(self.behind.hostname or "", self.behind.port, timeout=10)
        connection.request(method, path, body, {**headers, "accept-encoding": "identity"})
        response = connection.getresponse()
        text = response.read()
        told = {name: each for name, each in response.headers.items() if name.lower() in ("content-type", "etag")}
        connection.close()
        return response.status, told, json.dumps(self.rewrite(json.loads(text))).encode() if text else b""


@contextmanager
def hostile(behind: str) -> Iterator[Hostile]:
    """A hostile service on loopback until the block ends."""
    made = Hostile(behind)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            status, told, content = made.answer(self.command, self.path, dict(self.headers), body)
            self.send_response(status)
            for name, text in {**told, "x-correlation-id": "\x9b31m\x9d0;pwned\x9c"}.items():
                self.send_header(name, text)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = _answer  # noqa: N815  # the standard library's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_address[1]}{made.behind.path}"
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join(10)
