"""What the write side needs of the world, and connections that report each exchange to `configsvc --debug`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from configsvc_client._aws.credentials import FindCredentials
from configsvc_client._aws.kms import Decrypted
from configsvc_client._ports import Clocks, Gateway
from configsvc_client._secret import Secret
from configsvc_client._transport.http import Connection
from configsvc_client._transport.response import Response
from configsvc_client._transport.url import Url
from configsvc_client._wording import sanitize


class Transport(Protocol):
    """HTTP/1.1 to the API's origin; repeats a request once when a kept connection turns out to be dead."""

    def request(
        self, method: str, target: str, headers: Mapping[str, str | Secret], body: bytes | Secret, deadline: float
    ) -> Response:
        """The answer to a request for a path and query, whatever its status; the deadline is in monotonic seconds.

        Raises:
            Unavailable: no whole answer came in time.
        """


class Randomness(Protocol):
    """Randomness from the operating system."""

    def nonce(self) -> bytes:
        """12 bytes, new for every seal."""

    def idempotency_key(self) -> str:
        """A new name for a write, so that it can be sent twice and done once."""

    def fraction(self) -> float:
        """A number in [0, 1), for jitter."""


class WriterKms(Protocol):
    """What writing asks of KMS: opening, as readers do, and one signed request of any other operation."""

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str], key_id: str | None, deadline: float) -> Decrypted:
        """See `configsvc_client._aws.kms.Kms.decrypt`."""

    def call(self, operation: str, members: Mapping[str, object], deadline: float) -> Mapping[str, object]:
        """The answer's members.

        Raises:
            CannotOpen: KMS refuses, and will again.
            Unavailable: KMS did not answer or asks to try later.
        """


class AdminPorts(NamedTuple):
    """All of them. `credentials` is asked once a signature is needed: reading needs none.

    `gateway` reads snapshots conditionally, as consumers do.
    """

    transport: Transport
    kms: WriterKms
    credentials: FindCredentials
    clock: Clocks
    chance: Randomness
    gateway: Gateway


_ID = 100


class Exchange(NamedTuple):
    """One request and its answer, without anything that was in them.

    `route` is the path without its query, or the KMS operation; `status` is None where no answer came.
    """

    method: str
    route: str
    status: int | None
    seconds: float
    correlation_id: str


ExchangeHook = Callable[[Exchange], None]


class ObservedConnection(Connection):
    """A connection that tells of each exchange."""

    def __init__(self, url: Url, environ: Mapping[str, str], told: ExchangeHook) -> None:
        super().__init__(url, environ)
        self._told = told

    def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str | Secret],
        body: bytes | Secret,
        deadline: float,
        *,
        while_waiting: Callable[[], None] | None = None,
    ) -> Response:
        """See `Connection.request`."""
        started, response = time.monotonic(), None
        try:
            response = super().request(method, target, headers, body, deadline, while_waiting=while_waiting)
            return response
        finally:
            self._told(
                _describe_exchange(method, _describe_route(target, headers), response, time.monotonic() - started)
            )


def open_connection(url: Url, environ: Mapping[str, str], told: ExchangeHook | None) -> Connection:
    """A connection, told of where someone listens."""
    return ObservedConnection(url, environ, told) if told else Connection(url, environ)


def _describe_route(target: str, headers: Mapping[str, str | Secret]) -> str:
    """The path, or what KMS is asked: all its requests have one path."""
    operation = str(headers.get("x-amz-target", "")).rpartition(".")[2]
    return f"kms:{operation}" if operation else target.partition("?")[0]


def _describe_exchange(method: str, route: str, response: Response | None, seconds: float) -> Exchange:
    if response is None:
        return Exchange(method, route, None, seconds, "")
    headers = response.headers
    named = headers.get("x-correlation-id") or headers.get("x-amzn-requestid", "")
    return Exchange(method, route, response.status, seconds, sanitize(named, _ID))
