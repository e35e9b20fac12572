"""The ports of the write side, and connections that report each exchange to `configsvc --debug`."""

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
    """HTTP/1.1 to the API's origin. Repeats a request once if a kept-alive connection turns out to be dead."""

    def request(
        self, method: str, target: str, headers: Mapping[str, str | Secret], body: bytes | Secret, deadline: float
    ) -> Response:
        """Sends a request and returns the answer, whatever its status. The deadline is in monotonic seconds.

        Raises:
            Unavailable: no complete answer came in time.
        """


class Randomness(Protocol):
    """Randomness from the operating system."""

    def nonce(self) -> bytes:
        """Returns 12 bytes, new for every seal."""

    def idempotency_key(self) -> str:
        """Returns a new name for a write, so that it can be sent twice but done once."""

    def fraction(self) -> float:
        """Returns a number in [0, 1), for jitter."""


class WriterKms(Protocol):
    """KMS for writers: decrypts, like that of readers, and sends signed requests of any other operation."""

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str], key_id: str | None, deadline: float) -> Decrypted:
        """See `configsvc_client._aws.kms.Kms.decrypt`."""

    def call(self, operation: str, members: Mapping[str, object], deadline: float) -> Mapping[str, object]:
        """Calls an operation and returns the members of the answer.

        Raises:
            CannotOpen: KMS refuses; retrying does not help.
            Unavailable: KMS did not answer, or asks to try later.
        """


class AdminPorts(NamedTuple):
    """All ports. `credentials` is asked only when a signature is needed: reading needs none.

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
    """One request and its answer, without their content.

    `route` is the path without its query, or the KMS operation; `status` is None if no answer came.
    """

    method: str
    route: str
    status: int | None
    seconds: float
    correlation_id: str


ExchangeHook = Callable[[Exchange], None]


class ObservedConnection(Connection):
    """A connection that reports each exchange."""

    def __init__(self, url: Url, environ: Mapping[str, str], on_exchange: ExchangeHook) -> None:
        super().__init__(url, environ)
        self._on_exchange = on_exchange

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
            self._on_exchange(
                _describe_exchange(method, _describe_route(target, headers), response, time.monotonic() - started)
            )


def open_connection(url: Url, environ: Mapping[str, str], on_exchange: ExchangeHook | None) -> Connection:
    """Opens a connection, which reports its exchanges if a hook is given."""
    return ObservedConnection(url, environ, on_exchange) if on_exchange else Connection(url, environ)


def _describe_route(target: str, headers: Mapping[str, str | Secret]) -> str:
    """Describes a request by its path, or by the KMS operation, because all KMS requests have the same path."""
    operation = str(headers.get("x-amz-target", "")).rpartition(".")[2]
    return f"kms:{operation}" if operation else target.partition("?")[0]


def _describe_exchange(method: str, route: str, response: Response | None, seconds: float) -> Exchange:
    if response is None:
        return Exchange(method, route, None, seconds, "")
    headers = response.headers
    named = headers.get("x-correlation-id") or headers.get("x-amzn-requestid", "")
    return Exchange(method, route, response.status, seconds, sanitize(named, _ID))
