"""The service over HTTP, for reading: one conditional GET for each namespace."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from configsvc.model.errors import ConfigsvcError, Unavailable, from_problem
from configsvc.model.names import Namespace
from configsvc.model.snapshot import MalformedSnapshot, parse
from configsvc_client._http import Connection
from configsvc_client._ports import Found

if TYPE_CHECKING:
    from configsvc_client._answer import Response

_OK = 200
_NOT_MODIFIED = 304


class ApiGateway:
    """Reads are not signed; the API key says who asks. Sends few headers: a poll's request is under 300 bytes."""

    def __init__(self, connection: Connection, api_key: str) -> None:
        self._connection = connection
        self._api_key = api_key

    def __repr__(self) -> str:
        return f"ApiGateway({self._connection.url.origin})"

    def fetch(
        self,
        known: Mapping[Namespace, str | None],
        deadline: float,
        meanwhile: Callable[[], None] | None = None,
    ) -> dict[Namespace, Found]:
        """See `Gateway.fetch`."""
        found: dict[Namespace, Found] = {}
        for namespace, etag in known.items():
            response = self._get(namespace, etag, deadline, meanwhile)
            meanwhile = None
            if response.status == _NOT_MODIFIED:
                _check_unchanged(namespace, etag, response)
            elif response.status == _OK:
                found[namespace] = _found(namespace, response)
            else:
                raise problem(response)
        return found

    def _get(
        self, namespace: Namespace, etag: str | None, deadline: float, meanwhile: Callable[[], None] | None
    ) -> Response:
        headers = {"x-api-key": self._api_key, "accept-encoding": "gzip"}
        if etag is not None:
            headers["if-none-match"] = etag
        target = f"{self._connection.url.path}/v1/namespaces/{namespace}/snapshot"
        return self._connection.request("GET", target, headers, b"", deadline, meanwhile=meanwhile)


def problem(response: Response) -> ConfigsvcError:
    """The error in an answer (RFC 9457), also in one that API Gateway or a proxy made in its own way."""
    try:
        members = json.loads(response.body)
    except (ValueError, RecursionError):
        members = None
    return from_problem(response.status, members if isinstance(members, dict) else {})


def _check_unchanged(namespace: Namespace, sent: str | None, response: Response) -> None:
    if sent is None or _strong(response.headers.get("etag", sent)) != _strong(sent):
        raise Unavailable(f"The service says that {namespace} is unchanged, but not since what is held.")


def _strong(etag: str) -> str:
    """Compared weakly (RFC 9110, 8.8.3.2): a proxy that compresses weakens ours."""
    return etag.removeprefix("W/")


def _found(namespace: Namespace, response: Response) -> Found:
    try:
        return Found(response.headers["etag"], parse(json.loads(response.body)))
    except (KeyError, ValueError, RecursionError, MalformedSnapshot):
        raise Unavailable(f"What came is no snapshot of {namespace}. Does CONFIGSVC_URL name the service?") from None
