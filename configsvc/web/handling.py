"""The wrapper around every route: caller, correlation id, problems, and one log line without values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Literal, Protocol

from configsvc.model import limits, names
from configsvc.model.errors import ConfigsvcError, Internal, InvalidName
from configsvc.model.text import make_printable
from configsvc.service.engine.ports import Caller
from configsvc.web import reply
from configsvc.web.arrival import Arrival
from configsvc.web.event import Event, collect_headers, get_context, get_request_id, identify_caller
from configsvc.web.reply import Reply
from configsvc.web.request import Request

Level = Literal["debug", "info", "warning", "error"]
Logged = str | int | float | bool | list[str] | None

_NOT_MODIFIED, _REFUSED, _FAILED_STATUS = 304, 400, 500


class Log(Protocol):
    """Receives log lines."""

    def takes(self, level: Level) -> bool:
        """Whether lines of this level are written; if not, they need not be built."""

    def line(self, level: Level, /, **members: Logged) -> None:
        """Writes one line with these members."""


def choose_level(status: int, *, cold: bool, suspect: bool = False) -> Level:
    """The log level. Most requests are unchanged polls: those are logged at debug, except cold starts and suspects."""
    if suspect and status < _FAILED_STATUS:
        return "warning"
    if status == _NOT_MODIFIED and not cold:
        return "debug"
    return "error" if status >= _FAILED_STATUS else "warning" if status >= _REFUSED else "info"


def describe_fault(error: BaseException) -> dict[str, Logged]:
    """The type and place of an unexpected error, without its text, which may contain a value; ours contain none."""
    members: dict[str, Logged] = {
        "fault": type(error).__name__,
        "causes": _list_causes(error),
        "where": locate(error.__traceback__),
    }
    return members | {"detail": error.detail} if isinstance(error, ConfigsvcError) else members


def parse_valid_namespace(text: str) -> str | None:
    """The namespace for the log; None if it is misspelled, because then it may be any text."""
    try:
        return names.parse_namespace(text)
    except InvalidName:
        return None


def _list_causes(error: BaseException) -> list[str]:
    kinds: list[str] = []
    cause = error.__cause__ or error.__context__
    while cause is not None:
        kinds.append(_name_kind(cause))
        cause = cause.__cause__ or cause.__context__
    return kinds[:_MOST_PLACES]


def _name_kind(error: BaseException) -> str:
    if isinstance(error, ConfigsvcError):
        return f"{type(error).__name__}: {error.detail}"
    response = getattr(error, "response", None)  # AWS's response, whose code is more specific than the exception type
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return f"{type(error).__name__} {code}" if code else type(error).__name__


def locate(traceback: TracebackType | None) -> list[str]:
    """The innermost places: an endless recursion has hundreds, and CloudWatch finds 200 fields of a line."""
    places = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        places.append(f"{'/'.join(code.co_filename.split('/')[-2:])}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return places[-_MOST_PLACES:]


CORRELATION = "X-Correlation-Id"
_LONGEST = 128
_MOST_PLACES = 32

_FAILED = "The service failed. Try again; search its log for the correlation id to see why."


class RequestHandler:
    """Serves requests one by one.

    Args:
        log: receives one line per request.
        monotonic: seconds of a clock that never goes back.
    """

    def __init__(self, log: Log, monotonic: Callable[[], float]) -> None:
        self._log = log
        self._monotonic = monotonic
        self._cold = True

    def serve(self, came: Arrival, view: Callable[[Request], Reply]) -> Reply:
        """Calls the view and returns its reply, or the problem that it raised. Logs both."""
        began, event = self._monotonic(), came.event
        headers = collect_headers(event)
        caller, members = identify_caller(event, headers), dict[str, Logged]()
        request: Request | None = None
        try:
            request = Request(event, headers, caller)
            answer = view(request)
        except Exception as error:  # noqa: BLE001  # whatever the error, the caller gets a problem and the log a line
            answer, members = (
                reply.answer_problem(_make_sendable(error), get_request_id(event)),
                _describe_refusal(error),
            )
        answer.headers[CORRELATION] = caller.correlation_id
        cold, self._cold = self._cold, False
        level = choose_level(answer.status, cold=cold, suspect=came.suspect)
        if self._log.takes(level):
            spent: dict[str, Logged] = {"duration_ms": round((self._monotonic() - began) * 1000, 3), "cold_start": cold}
            members |= {"unproven": True} if came.suspect else _describe_sender(caller)
            self._log.line(level, **_describe_request(event, request, caller, answer), **members, **spent)
        return answer

    def refuse(self, came: Arrival, error: Exception, headers: Mapping[str, str]) -> Reply:
        """Answers with a problem a request that reaches no view."""

        def view(_request: Request) -> Reply:
            raise error

        answer = self.serve(came, view)
        answer.headers.update(headers)
        return answer


def _make_sendable(error: Exception) -> ConfigsvcError:
    if isinstance(error, ConfigsvcError) and error.status:
        return error
    return Internal(_FAILED)


def _describe_refusal(error: Exception) -> dict[str, Logged]:
    """Members for the log: our own faults, and a missing permission, which a 404 does not reveal."""
    sent = _make_sendable(error)
    if sent.status >= Internal.status:
        return describe_fault(error)
    return {"denied": True} if sent.denied else {}


def _describe_request(event: Event, request: Request | None, caller: Caller, answer: Reply) -> dict[str, Logged]:
    context = get_context(event)
    return {
        "method": _cut_text(context.get("httpMethod")),
        "route": _cut_text(context.get("resourcePath")),
        "status": answer.status,
        "code": answer.code,
        "principal": caller.principal or caller.api_key,
        "api_key": caller.api_key,
        "namespace": _name_namespaces(event, request),
        "revision": answer.revision,
        "correlation_id": caller.correlation_id,
        "request_id": get_request_id(event),
    }


def _describe_sender(caller: Caller) -> dict[str, Logged]:
    """Where a request came from, as API Gateway saw it: a direct invocation could claim any address."""
    return {"source_ip": caller.source_ip or None, "user_agent": caller.user_agent or None}


def _cut_text(found: object) -> str | None:
    """A method or a route, truncated: CloudWatch extracts no metrics from an overlong line."""
    return make_printable(found[:_LONGEST]) if isinstance(found, str) else None


def _name_namespaces(event: Event, request: Request | None) -> str | None:
    """The namespaces in the path or query; only valid ones if the request was refused before it was parsed."""
    if request and request.namespaces:
        return ",".join(request.namespaces)
    parameters: Mapping[str, str] = event.get("pathParameters") or {}
    if "namespace" in parameters:
        return parse_valid_namespace(parameters["namespace"])
    query: Mapping[str, list[str]] = event.get("multiValueQueryStringParameters") or {}
    asked = query.get("namespace", [])[: limits.SNAPSHOTS_NAMESPACES]
    return ",".join(each for text in asked if (each := parse_valid_namespace(text))) or None
