"""HTTP for the threads of a storm: persistent connections, lost responses, and limited concurrency."""

import http.client
import time
from collections.abc import Mapping
from threading import Lock, Semaphore
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from tests.support.journeys.api import Api, Reply, Who
from tests.support.journeys.stage import REGION

PATIENCE = 20.0
"""Seconds to wait for a response: more than the function's timeout."""
UNKNOWN = 500
"""From this status on, and without a response, a write may have happened."""


class Heard(NamedTuple):
    """One request: when it was sent, when its response arrived or was given up, and the response."""

    start: float
    end: float
    reply: Reply | None

    @property
    def status(self) -> int:
        """The status of the response; 599 without one."""
        return self.reply.status if self.reply else 599

    @property
    def body(self) -> Mapping[str, Any]:
        """The JSON of the response; empty without one."""
        return self.reply.json() if self.reply and self.reply.status < 300 else {}

    @property
    def problem(self) -> Mapping[str, Any]:
        """The problem of a refusal."""
        return self.reply.problem() if self.reply and self.reply.status >= 400 else {}


class Began:
    """Counts the operations that have begun, for events triggered by counts."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.count = 0

    def one(self) -> None:
        with self._lock:
            self.count += 1


class Wire(Api):
    """One thread's persistent connection. `room` limits concurrent requests."""

    def __init__(self, url: str, room: Semaphore) -> None:
        super().__init__(url, REGION)
        self._room = room
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(  # noqa: PLR0917  # the parts of a request
        self,
        method: str,
        path: str,
        who: Who,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
        patience: float = PATIENCE,
    ) -> Heard:
        """Sends a request. Without a response, the connection broke or `patience` seconds passed."""
        with self._room:
            start = time.perf_counter()
            self._connection.timeout = patience
            if self._connection.sock:
                self._connection.sock.settimeout(patience)
            try:
                reply = self.send(method, path, who, body, headers, query)
            except (OSError, http.client.HTTPException):
                self._connection.close()
                reply = None
            return Heard(start, time.perf_counter(), reply)

    def _exchange(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        self._connection.request(method, target, body or None, dict(headers))
        answer = self._connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, names, answer.read())
