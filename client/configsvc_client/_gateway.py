"""The service over HTTP, for reading: one conditional GET, whether of one namespace or of several."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from configsvc.model.errors import ConfigsvcError, Unavailable, from_problem
from configsvc.model.names import Namespace
from configsvc.model.snapshot import MalformedSnapshot, parse
from configsvc_client._http import Connection
from configsvc_client._ports import Found
from configsvc_client._secret import Secret, masked

if TYPE_CHECKING:
    from configsvc_client._answer import Response

_OK = 200
_NOT_MODIFIED = 304
_DIGITS = 9

Meanwhile = Callable[[], None] | None


class ApiGateway:
    """Reads are not signed; the API key says who asks. Sends few headers: a poll's request is under 300 bytes."""

    def __init__(self, connection: Connection, api_key: str | Secret) -> None:
        self._connection = connection
        self._api_key = masked(api_key)

    def __repr__(self) -> str:
        return f"ApiGateway({self._connection.url.origin})"

    def fetch(
        self, known: Mapping[Namespace, str | None], deadline: float, meanwhile: Meanwhile = None
    ) -> dict[Namespace, Found]:
        """See `Gateway.fetch`."""
        if len(known) == 1:
            return self._single(*next(iter(known.items())), deadline, meanwhile)
        from configsvc_client._many import AT_ONCE

        names, found = list(known), dict[Namespace, Found]()
        for at in range(0, len(names), AT_ONCE):
            part = {namespace: known[namespace] for namespace in names[at : at + AT_ONCE]}
            found |= self._several(part, deadline, meanwhile)
            meanwhile = None
        return found

    def _single(
        self, namespace: Namespace, etag: str | None, deadline: float, meanwhile: Meanwhile = None
    ) -> dict[Namespace, Found]:
        target = f"{self._connection.url.path}/v1/namespaces/{namespace}/snapshot"
        response = self._get(target, etag, deadline, meanwhile)
        if response is None:
            return {}
        try:
            return {namespace: Found(response.headers["etag"], parse(json.loads(response.body)))}
        except (KeyError, ValueError, RecursionError, MalformedSnapshot):
            raise _senseless(namespace) from None

    def _several(
        self, known: Mapping[Namespace, str | None], deadline: float, meanwhile: Meanwhile
    ) -> dict[Namespace, Found]:
        from configsvc_client import _many

        response = self._get(_many.target(self._connection.url.path, known), _many.etag_of(known), deadline, meanwhile)
        if response is None:
            return {}
        try:
            several = _many.several(tuple(known), response.headers["etag"], json.loads(response.body))
        except (KeyError, ValueError, RecursionError, MalformedSnapshot):
            raise _senseless(", ".join(known)) from None
        found = _many.changed(several.found, known)
        for namespace in several.deferred:
            found |= self._single(namespace, known[namespace], deadline)
        return found

    def _get(self, target: str, etag: str | None, deadline: float, meanwhile: Meanwhile) -> Response | None:
        """The answer, None where nothing changed."""
        headers: dict[str, str | Secret] = {"x-api-key": self._api_key, "accept-encoding": "gzip"}
        if etag is not None:
            headers["if-none-match"] = etag
        response = self._connection.request("GET", target, headers, b"", deadline, meanwhile=meanwhile)
        if response.status == _OK:
            return response
        if response.status != _NOT_MODIFIED:
            raise problem(response)
        if etag is None or _strong(response.headers.get("etag", etag)) != _strong(etag):
            raise Unavailable("The service says that nothing changed, but not since what is held.")
        return None


def problem(response: Response) -> ConfigsvcError:
    """The error in an answer (RFC 9457), also in one that API Gateway or a proxy made in its own way.

    Its member `retry_after` is the header's, in seconds; a date in its place (RFC 9110, 10.2.3) is passed over: no part
    of AWS sends one, and to read it would take a clock that agrees.
    """
    try:
        members = json.loads(response.body)
    except (ValueError, RecursionError):
        members = None
    error = from_problem(response.status, members if isinstance(members, dict) else {})
    error.members.pop("retry_after", None)
    said = response.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdecimal() and len(said) <= _DIGITS:
        error.members["retry_after"] = int(said)
    return error


def _strong(etag: str) -> str:
    """Compared weakly (RFC 9110, 8.8.3.2): a proxy that compresses weakens ours."""
    return etag.removeprefix("W/")


def _senseless(what: str) -> Unavailable:
    return Unavailable(
        f"What came is no snapshot of {what} that this release can read. Does CONFIGSVC_URL name the service? "
        "If it does, upgrade configsvc where it is read."
    )
