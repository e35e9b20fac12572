"""Requests that are told of as they are done: what `configsvc --debug` shows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from configsvc_client._answer import Response
from configsvc_client._body import shown
from configsvc_client._http import Connection
from configsvc_client._secret import Secret
from configsvc_client._url import Url

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


Told = Callable[[Exchange], None]


class Observed(Connection):
    """A connection that tells of each exchange."""

    def __init__(self, url: Url, environ: Mapping[str, str], told: Told) -> None:
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
        meanwhile: Callable[[], None] | None = None,
    ) -> Response:
        """See `Connection.request`."""
        started, response = time.monotonic(), None
        try:
            response = super().request(method, target, headers, body, deadline, meanwhile=meanwhile)
            return response
        finally:
            self._told(_exchange(method, _route(target, headers), response, time.monotonic() - started))


def connection(url: Url, environ: Mapping[str, str], told: Told | None) -> Connection:
    """A connection, told of where someone listens."""
    return Observed(url, environ, told) if told else Connection(url, environ)


def _route(target: str, headers: Mapping[str, str | Secret]) -> str:
    """The path, or what KMS is asked: all its requests have one path."""
    operation = str(headers.get("x-amz-target", "")).rpartition(".")[2]
    return f"kms:{operation}" if operation else target.partition("?")[0]


def _exchange(method: str, route: str, response: Response | None, seconds: float) -> Exchange:
    if response is None:
        return Exchange(method, route, None, seconds, "")
    headers = response.headers
    named = headers.get("x-correlation-id") or headers.get("x-amzn-requestid", "")
    return Exchange(method, route, response.status, seconds, shown(named, _ID))
