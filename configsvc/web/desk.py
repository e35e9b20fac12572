"""The wrapper round every route: caller, correlation id, problems, one log line."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from configsvc.model import limits
from configsvc.model.errors import ConfigsvcError, Internal
from configsvc.model.text import shown
from configsvc.service.ports import Caller
from configsvc.web import reply
from configsvc.web.arrival import Arrival
from configsvc.web.event import Event, context_of, headers_of, request_id
from configsvc.web.identity import caller_of
from configsvc.web.log import Log, Logged, fault, level_of, namespace_of
from configsvc.web.reply import Reply
from configsvc.web.request import Request

CORRELATION = "X-Correlation-Id"
_LONGEST = 128

_FAILED = "Something went wrong here. Try again; the correlation id finds it in the log."


class Desk:
    """Serves requests one by one.

    Args:
        log: where the line of each request goes.
        monotonic: seconds of a clock that never goes back.
    """

    def __init__(self, log: Log, monotonic: Callable[[], float]) -> None:
        self._log = log
        self._monotonic = monotonic
        self._cold = True

    def serve(self, came: Arrival, view: Callable[[Request], Reply]) -> Reply:
        """What the view answers, or the problem that it ended in; logged either way."""
        began, event = self._monotonic(), came.event
        headers = headers_of(event)
        caller, members = caller_of(event, headers), dict[str, Logged]()
        request: Request | None = None
        try:
            request = Request(event, headers, caller)
            answer = view(request)
        except Exception as error:  # noqa: BLE001  # whatever it was, the caller gets a problem and we get a line
            answer, members = reply.problem(_sent(error), request_id(event)), _remembered(error)
        answer.headers[CORRELATION] = caller.correlation_id
        cold, self._cold = self._cold, False
        level = level_of(answer.status, cold=cold, suspect=came.suspect)
        if self._log.takes(level):
            spent: dict[str, Logged] = {"duration_ms": round((self._monotonic() - began) * 1000, 3), "cold_start": cold}
            members |= {"unproven": True} if came.suspect else {}
            self._log.line(level, **_about(event, request, caller, answer), **members, **spent)
        return answer

    def refuse(self, came: Arrival, error: Exception, headers: Mapping[str, str]) -> Reply:
        """The problem of a request that reached no view."""

        def view(_request: Request) -> Reply:
            raise error

        answer = self.serve(came, view)
        answer.headers.update(headers)
        return answer


def _sent(error: Exception) -> ConfigsvcError:
    if isinstance(error, ConfigsvcError) and error.status:
        return error
    return Internal(_FAILED)


def _remembered(error: Exception) -> dict[str, Logged]:
    """A fault of ours is told in the log, and that a right is lacking, which a 404 does not say."""
    sent = _sent(error)
    if sent.status >= Internal.status:
        return fault(error)
    return {"denied": True} if sent.denied else {}


def _about(event: Event, request: Request | None, caller: Caller, answer: Reply) -> dict[str, Logged]:
    context = context_of(event)
    return {
        "method": _text(context.get("httpMethod")),
        "route": _text(context.get("resourcePath")),
        "status": answer.status,
        "code": answer.code,
        "principal": caller.principal or caller.api_key,
        "api_key": caller.api_key,
        "namespace": _namespaces(event, request),
        "revision": answer.revision,
        "correlation_id": caller.correlation_id,
        "request_id": request_id(event),
    }


def _text(found: object) -> str | None:
    """A method or a route, cut: CloudWatch counts nothing in a line that is too long for it."""
    return shown(found[:_LONGEST]) if isinstance(found, str) else None


def _namespaces(event: Event, request: Request | None) -> str | None:
    """That of the path, or those of the query; the valid ones where the request was refused before it was parsed."""
    if request and request.namespaces:
        return ",".join(request.namespaces)
    parameters: Mapping[str, str] = event.get("pathParameters") or {}
    if "namespace" in parameters:
        return namespace_of(parameters["namespace"])
    query: Mapping[str, list[str]] = event.get("multiValueQueryStringParameters") or {}
    asked = query.get("namespace", [])[: limits.SNAPSHOTS_NAMESPACES]
    return ",".join(each for text in asked if (each := namespace_of(text))) or None
