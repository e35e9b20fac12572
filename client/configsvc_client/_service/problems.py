"""Read the errors in answers, for readers and writers: problems of the service, or what a stranger's status means.

Imported with the first error, because a cold start pays for each module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from configsvc.model.errors import (
    ConfigsvcError,
    ErrorMember,
    Forbidden,
    Internal,
    Throttled,
    Unavailable,
    from_problem,
)
from configsvc_client._service.answers import NotOurs, decode_object, make_not_ours

if TYPE_CHECKING:
    from configsvc_client._transport.response import Response
    from configsvc_client._transport.url import Url

_PROBLEM = "application/problem+json"
_UNKNOWN = frozenset({502, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REFUSED = frozenset({Forbidden.status, Throttled.status})
_EXACT = 2**53
_DETAIL_CHARACTERS, _MOST_ITEMS = 2000, 100
_NAME_CHARACTERS, _MOST_NAMES = 50, 30
_OWN = frozenset({"retry_after", "reason"})  # members that only the client sets


def read_problem(
    response: Response, url: Url, path: str, method: str = "GET", *, signed: bool = False, ahead: float | None = None
) -> ConfigsvcError:
    """Reads the error in an answer (RFC 9457), including one that API Gateway or a proxy made.

    Only an error from configsvc can decide what happens next (not found, conflict, gone). Of other answers only the
    statuses for refusal, throttling and failure are believed. The error for a refusal says what to do.

    Args:
        response: the answer.
        url: of the service.
        path: the path that was requested, with the stage and the query.
        method: the method of the request.
        signed: whether the request was signed.
        ahead: seconds by which this clock is ahead of the answer's Date, if known.
    """
    error = _read_own_problem(response) or _read_foreign_problem(response, url)
    if response.status in _REFUSED:
        from configsvc_client._service.denials import DeniedCall, explain_denial

        asked = DeniedCall(method, path.partition("?")[0].removeprefix(url.path), signed, ahead)
        error = explain_denial(error, response, url, asked)
    from configsvc.model.retry import parse_retry_after

    seconds = parse_retry_after(response.headers)
    if seconds is not None:
        error.members["retry_after"] = seconds
    # Whether the service did it is unknown, whatever the gateway calls its own failure.
    return Unavailable(error.detail, **error.members) if response.status in _UNKNOWN else error


def _read_own_problem(response: Response) -> ConfigsvcError | None:
    """Reads a problem of the service, or of the API Gateway that was set up with it."""
    try:
        members = decode_object(response, _PROBLEM)
    except NotOurs as fault:
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(fault)
        return None
    code, detail = members.get("code"), members.get("detail")
    if not isinstance(code, str) or not isinstance(detail, str):
        return None
    from configsvc_client._wording import sanitize

    clean = {name: _clean_member(members[name]) for name in _select_names(members) if name not in _OWN}
    error = from_problem(response.status, {**clean, "code": code, "detail": sanitize(detail, _DETAIL_CHARACTERS)})
    return error if error.status // 100 == response.status // 100 else None


def _read_foreign_problem(response: Response, url: Url) -> ConfigsvcError:
    status = response.status
    kinds: dict[int, type[ConfigsvcError]] = {each.status: each for each in (Forbidden, Throttled, Internal)}
    kind = kinds.get(status) or (Unavailable if status > Internal.status else None)
    if kind is None:
        return make_not_ours(url, f"it answered {status}{', a redirect' if status in _REDIRECTS else ''}")
    detail = f"{url.origin}{url.path} answered {status}, but not with an error of configsvc."
    if kind is Forbidden:
        detail += (
            " A firewall or proxy on the way refused the request, or CONFIGSVC_URL is the URL of another server. Run "
            "configsvc doctor to see where it is set."
        )
    if status >= Internal.status:
        detail += " The service, or a proxy on the way, is failing. Try again; if it persists, ask its operators."
    return kind(detail)


def _clean_member(value: object) -> ErrorMember:
    """Cleans a member of a problem for programs. Returns None for other types; cuts what is too long."""
    from configsvc_client._wording import sanitize

    if isinstance(value, str):
        return sanitize(value)
    if isinstance(value, int):
        return value if abs(value) <= _EXACT else None
    if isinstance(value, list):
        listed = value[:_MOST_ITEMS]
        if all(isinstance(each, str) for each in listed):
            return [sanitize(each) for each in listed]
        if all(isinstance(each, dict) for each in listed):
            return [{name: _clean_flat(each[name]) for name in _select_names(each)} for each in listed]
    return None


def _select_names(members: dict[str, object]) -> list[str]:
    """Selects plausible member names, because errors are kept, printed and sent to trackers with their members."""
    return [name for name in members if len(name) <= _NAME_CHARACTERS and name.isidentifier()][:_MOST_NAMES]


def _clean_flat(value: object) -> object:
    return None if isinstance(value, list | dict) else _clean_member(value)
