"""Fetch snapshots over HTTP with one conditional GET, for one or several namespaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from configsvc.model.errors import ConfigsvcError, NotFound, Unavailable
from configsvc.model.etag import is_weak_match
from configsvc.model.names import Namespace
from configsvc_client._ports import FetchedSnapshot, FetchResult
from configsvc_client._secret import Secret, mask
from configsvc_client._service.answers import NotOurs, Received, make_not_ours, read_answer, read_snapshot
from configsvc_client._transport.http import Connection

if TYPE_CHECKING:
    from configsvc_client._service.api_keys import ApiKeys
    from configsvc_client._service.many import Several
    from configsvc_client._transport.response import Response

_OK = 200
_NOT_MODIFIED = 304
_TOO_MUCH = frozenset({400, 413, 431})
"""The answers of servers that reject a long or malformed If-None-Match."""

USER_AGENT = "configsvc-client/0.1.0"
"""Names the client and its version in the service's logs. A constant, because a poll's request is kept short."""

WhileWaiting = Callable[[], None] | None


class ApiGateway:
    """Fetches snapshots. Reads are not signed: the API key identifies the caller. A poll's request is under 300 bytes.

    Args:
        connection: the connection to the service.
        api_keys: one, or two of which one may be refused.
    """

    def __init__(self, connection: Connection, *api_keys: str | Secret) -> None:
        self._connection = connection
        self._api_keys = tuple(map(mask, api_keys))
        self._either: ApiKeys | None = None

    def __repr__(self) -> str:
        return f"ApiGateway({self._connection.url.origin})"

    def fetch(
        self, known: Mapping[Namespace, str | None], deadline: float, while_waiting: WhileWaiting = None
    ) -> FetchResult:
        """See `Gateway.fetch`."""
        if len(known) == 1:
            return self._fetch_one(*next(iter(known.items())), deadline, while_waiting)
        from configsvc_client._service.many import AT_ONCE

        names, found = list(known), FetchResult()
        parts = [names[at : at + AT_ONCE] for at in range(0, len(names), AT_ONCE)]
        for part in parts:
            asked = {namespace: known[namespace] for namespace in part}
            if len(parts) == 1:
                return self._fetch_several(asked, deadline, while_waiting)
            found |= self._fetch_apart(asked, deadline, while_waiting)
            while_waiting = None
        failed = _find_total_failure(found, known)
        if failed is not None:
            raise failed
        return found

    def _fetch_one(
        self, namespace: Namespace, etag: str | None, deadline: float, while_waiting: WhileWaiting = None
    ) -> FetchResult:
        target = f"{self._connection.url.path}/v1/namespaces/{namespace}/snapshot"
        response = self._get(target, etag, deadline, while_waiting)
        if response is None:
            return {}

        def read(came: Received) -> FetchResult:
            return {namespace: FetchedSnapshot(*read_snapshot(namespace, came.etag, came.members))}

        return read_answer(response, self._connection.url, read, _describe_doubt(namespace))

    def _fetch_several(
        self, known: Mapping[Namespace, str | None], deadline: float, while_waiting: WhileWaiting
    ) -> FetchResult:
        """Fetches several namespaces in one request; if the service reports one as absent, fetches the others."""
        from configsvc_client._service import many

        etag = many.join_etags(known)
        try:
            response = self._get(many.build_target(self._connection.url.path, known), etag, deadline, while_waiting)
        except NotFound as error:
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            return self._fetch_others(error, known, deadline)
        if response is None:
            return {}

        def read(came: Received) -> Several | NotOurs:
            try:
                return many.read_several(tuple(known), came.etag, came.members)
            except NotOurs as error:
                from configsvc_client._interrupts import reraise_interrupt

                reraise_interrupt(error)
                return error.with_traceback(None)

        named = ", ".join(known)
        several = read_answer(response, self._connection.url, read, _describe_doubt(named))
        if isinstance(several, NotOurs):
            return self._fetch_singly(known, deadline, self._make_doubtful(named, several))
        return self._collect(several, known, deadline)

    def _collect(self, several: Several, known: Mapping[Namespace, str | None], deadline: float) -> FetchResult:
        from configsvc_client._service import many

        found: FetchResult = dict(many.select_changed(several.found, known))
        found |= {namespace: self._make_doubtful(namespace, fault) for namespace, fault in several.malformed.items()}
        for namespace in several.deferred:
            found |= self._fetch_apart({namespace: known[namespace]}, deadline)
        return found

    def _fetch_others(self, error: NotFound, known: Mapping[Namespace, str | None], deadline: float) -> FetchResult:
        rest = {namespace: etag for namespace, etag in known.items() if namespace != error.members.get("namespace")}
        absent = known.keys() - rest.keys()
        if not absent and self._either is not None:  # each API key lacks another one
            return self._fetch_singly(known, deadline, error)
        if not absent or not rest:
            raise error
        return {**dict.fromkeys(absent, error.with_traceback(None)), **self._fetch_apart(rest, deadline)}

    def _fetch_singly(
        self, known: Mapping[Namespace, str | None], deadline: float, error: ConfigsvcError
    ) -> FetchResult:
        """Fetches each namespace separately, because a fault in one spoiled the whole answer.

        Raises:
            ConfigsvcError: the error, if none could be fetched.
        """
        found = FetchResult()
        for namespace, etag in known.items():
            found |= self._fetch_apart({namespace: etag}, deadline)
        if _find_total_failure(found, known):
            raise error
        return found

    def _fetch_apart(
        self, known: Mapping[Namespace, str | None], deadline: float, while_waiting: WhileWaiting = None
    ) -> FetchResult:
        """Fetches some namespaces whose errors must not affect the others."""
        try:
            return self.fetch(known, deadline, while_waiting)
        except ConfigsvcError as error:
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            return dict.fromkeys(known, error.with_traceback(None))

    def _get(self, target: str, etag: str | None, deadline: float, while_waiting: WhileWaiting) -> Response | None:
        """Gets the answer, or None if nothing changed."""
        if len(self._api_keys) == 1:
            return self._get_with_key(self._api_keys[0], target, etag, deadline, while_waiting)
        if self._either is None:
            from configsvc_client._service.api_keys import ApiKeys

            self._either = ApiKeys(*self._api_keys)
        return self._either.attempt_with_keys(
            target, lambda api_key: self._get_with_key(api_key, target, etag, deadline, while_waiting)
        )

    def _get_with_key(
        self, api_key: Secret, target: str, etag: str | None, deadline: float, while_waiting: WhileWaiting
    ) -> Response | None:
        """Gets the answer with one key, or None if nothing changed. Drops a condition that is refused."""
        response = self._send(api_key, target, etag, deadline, while_waiting)
        if etag is not None and response.status in _TOO_MUCH:
            etag = None
            response = self._send(api_key, target, etag, deadline, None)
        status = response.status
        if status == _OK:
            return response
        if status != _NOT_MODIFIED:
            from configsvc_client._service.problems import read_problem

            raise read_problem(response, self._connection.url, target)
        if etag is None or not _is_same(response.headers.get("etag", etag), etag):
            self._connection.close()  # an unsolicited 304: the real answer would come as the next one
            raise Unavailable("The service answered 304 for an ETag we did not send.")
        return None

    def _send(
        self, api_key: Secret, target: str, etag: str | None, deadline: float, while_waiting: WhileWaiting
    ) -> Response:
        headers: dict[str, str | Secret] = {
            "x-api-key": api_key, "accept-encoding": "gzip", "user-agent": USER_AGENT,
        }  # fmt: skip
        if etag is not None:
            headers["if-none-match"] = etag
        return self._connection.request("GET", target, headers, b"", deadline, while_waiting=while_waiting)

    def _make_doubtful(self, what: str, fault: ValueError) -> Unavailable:
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(fault)
        return make_not_ours(self._connection.url, f"{_describe_doubt(what)} ({fault})")


def _is_same(answered: str, etag: str) -> bool:
    """Whether an answer's ETag is the one that was sent."""
    return answered == etag or is_weak_match(answered, etag)


def _describe_doubt(what: str) -> str:
    return f"the response is not a snapshot of {what}"


def _find_total_failure(found: FetchResult, known: Mapping[Namespace, str | None]) -> ConfigsvcError | None:
    """Returns the first error if every namespace failed."""
    errors = [each for each in found.values() if isinstance(each, ConfigsvcError)]
    return errors[0] if len(errors) == len(known) else None
