"""Read the answers of the service, for readers and writers: JSON from configsvc, or an error.

Anything that configsvc would not send is refused and never shown: the URL may lead to a captive portal, a proxy's page
or an attacker.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from configsvc.model.errors import (
    CannotOpen,
    ConfigsvcError,
    ErrorMember,
    Forbidden,
    Internal,
    NotTaken,
    Throttled,
    Unavailable,
    from_problem,
)
from configsvc.model.etag import MalformedEtag, parse_snapshot, strengthen
from configsvc.model.names import Namespace
from configsvc.model.snapshot import MalformedSnapshot, SealedSnapshot, parse
from configsvc_client._ports import NOT_OURS
from configsvc_client._secret import Hidden

if TYPE_CHECKING:
    from configsvc_client._transport.response import Response
    from configsvc_client._transport.url import Url

_JSON, _PROBLEM = "application/json", "application/problem+json"
_NO_CONTENT = 204
_UNKNOWN = frozenset({502, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REFUSED = frozenset({Forbidden.status, Throttled.status})
_EXACT = 2**53
_DETAIL_CHARACTERS, _MOST_ITEMS = 2000, 100
_NAME_CHARACTERS, _MOST_NAMES = 50, 30
_OWN = frozenset({"retry_after", "reason"})  # members that only the client sets

AnswerResult = TypeVar("AnswerResult")


class NotOurs(ValueError):
    """The response is not from configsvc. The message says what is wrong with it, and never shows its content."""


class Received(Hidden):
    """A received answer: its status, the members of its JSON object, and its ETag, or an empty string."""

    status: int
    members: dict[str, object]
    etag: str

    def __repr__(self) -> str:
        return f"Received({self.status}, {len(self.members)} members)"


def is_unusable_answer(error: ConfigsvcError) -> bool:
    """Whether the error means an answer that came but cannot be used. Otherwise none came, or it was a refusal."""
    return isinstance(error, NotTaken | CannotOpen) or error.members.get("reason") == NOT_OURS


def read_answer(
    response: Response, url: Url, read: Callable[[Received], AnswerResult], doubt: str = ""
) -> AnswerResult:
    """Reads an answer whose status means success. `read_problem` reads the others.

    Args:
        response: the answer.
        url: the URL of the service.
        read: returns the meaning of the answer; raises NotOurs if it is not what was asked for.
        doubt: a description for the error of what the answer should have been.

    Raises:
        Unavailable: it is not from configsvc, or not what was asked for.
    """
    try:
        return read(Received(response.status, _read_members(response), response.headers.get("etag", "")))
    except NotOurs as error:
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(error)
        fault = f"{doubt} ({error})" if doubt else str(error)
    raise make_not_ours(
        url, fault
    )  # raised here: as a context, the other error would carry the answer with its plain values


def _read_members(response: Response) -> dict[str, object]:
    if response.status != _NO_CONTENT:
        return decode_members(response)
    if response.body:
        raise NotOurs("it has a body where none was expected")
    return {}


def decode_members(response: Response) -> dict[str, object]:
    """Reads the members of a JSON object.

    Raises:
        NotOurs: another content type, not JSON, or JSON that parsers may read differently (RFC 8259, sections 4, 6).
    """
    return _decode_object(response, _JSON)


def read_snapshot(namespace: Namespace, etag: str, found: object) -> tuple[str, SealedSnapshot]:
    """Reads the strong ETag and the snapshot from the answer to a request for a namespace.

    Args:
        namespace: the one that was requested.
        etag: as received. A malformed or long one would be sent back with every poll.
        found: the decoded JSON.

    Raises:
        NotOurs: it is not a snapshot of that namespace, or its ETag is malformed or has another revision.
    """
    try:
        sealed = parse(found)
        served, _ = parse_snapshot(etag)
    except (MalformedSnapshot, MalformedEtag) as error:
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(error)
        fault = NotOurs(str(error))
    else:
        if sealed.namespace == namespace and served == sealed.revision:
            return strengthen(etag), sealed
        fault = NotOurs("it is not what was asked for")
    raise fault  # raised here: as a context, the other error would show the answer


def make_not_ours(url: Url, fault: str) -> Unavailable:
    """Makes the error for an answer that is not from configsvc, with what to do."""
    return Unavailable(
        f"{url.origin}{url.path} did not answer as configsvc does: {fault}. Check CONFIGSVC_URL. If it is the URL of "
        "the service, upgrade configsvc here.",
        reason=NOT_OURS,
    )


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


def _decode_object(response: Response, kind: str) -> dict[str, object]:
    if response.headers.get("content-type", "").partition(";")[0].strip().lower() != kind:
        raise NotOurs(f"its content type is not {kind}")
    try:
        found = json.loads(
            response.body.decode(),
            object_pairs_hook=_require_unique_names,
            parse_constant=_refuse_constant,
            parse_float=_parse_finite,
        )
    except (ValueError, RecursionError) as error:
        raise NotOurs(str(error) if isinstance(error, NotOurs) else "it is not JSON") from None
    if not isinstance(found, dict):
        raise NotOurs("it is not a JSON object")
    return found


def _read_own_problem(response: Response) -> ConfigsvcError | None:
    """Reads a problem of the service, or of the API Gateway that was set up with it."""
    try:
        members = _decode_object(response, _PROBLEM)
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


def _require_unique_names(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotOurs("a name appears twice in it")
    return found


def _refuse_constant(_: str) -> object:
    raise NotOurs("it has a number that JSON does not allow")


def _parse_finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise NotOurs("it has a number that is too large")
    return number
