"""What an answer of the service says: JSON of ours, or an error. Readers and writers read every answer here.

Whatever is not as configsvc answers is refused and never shown: the URL may name a captive portal, a proxy's page, or
somebody who wants to be read.
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
_DETAIL, _LISTED = 2000, 100
_NAME, _NAMES = 50, 30
_OWN = frozenset({"retry_after", "reason"})  # members that are told by the client alone


AnswerResult = TypeVar("AnswerResult")


class NotOurs(ValueError):
    """What came is no answer of configsvc's; says what is wrong with it, never what it held."""


class Received(Hidden):
    """An answer that came: its status, the members of its JSON object, and its ETag, empty where it has none."""

    status: int
    members: dict[str, object]
    etag: str

    def __repr__(self) -> str:
        return f"Received({self.status}, {len(self.members)} members)"


def is_unusable_answer(error: ConfigsvcError) -> bool:
    """Whether an answer came and was not taken; else there was none, or one that says no."""
    return isinstance(error, NotTaken | CannotOpen) or error.members.get("reason") == NOT_OURS


def read_answer(
    response: Response, url: Url, read: Callable[[Received], AnswerResult], doubt: str = ""
) -> AnswerResult:
    """What an answer means whose status is the one of an answer; `problem` reads the others.

    Args:
        response: the answer.
        url: of the service.
        read: makes the answer what it means; raises NotOurs where it is not what was asked for.
        doubt: what the answer is not, for the error, where that should be said besides.

    Raises:
        Unavailable: it is not as configsvc answers, or not what was asked for.
    """
    try:
        return read(Received(response.status, _read_members(response), response.headers.get("etag", "")))
    except NotOurs as error:
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(error)
        fault = f"{doubt} ({error})" if doubt else str(error)
    raise make_not_ours(url, fault)  # here: as its context, the other would bring the answer, its plain values included


def _read_members(response: Response) -> dict[str, object]:
    if response.status != _NO_CONTENT:
        return decode_members(response)
    if response.body:
        raise NotOurs("it has a content, and none was due")
    return {}


def decode_members(response: Response) -> dict[str, object]:
    """The members of a JSON object.

    Raises:
        NotOurs: another content type, no JSON, or JSON that two readers might understand differently (RFC 8259, 4, 6).
    """
    return _decode_object(response, _JSON)


def read_snapshot(namespace: Namespace, etag: str, found: object) -> tuple[str, SealedSnapshot]:
    """The strong ETag and the snapshot in an answer to a question for that namespace.

    Args:
        namespace: what was asked for.
        etag: as it came; one of another spelling or length would come back with every poll.
        found: the decoded JSON.

    Raises:
        NotOurs: it is no snapshot, of another namespace, or its ETag is none of ours or of another revision.
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
        fault = NotOurs("it is not of what was asked for")
    raise fault  # here: as its context, the other would show what came


def make_not_ours(url: Url, fault: str) -> Unavailable:
    """The error that says so, with what to do."""
    return Unavailable(
        f"{url.origin}{url.path} did not answer as configsvc does: {fault}. Does CONFIGSVC_URL name the service? "
        "If it does, upgrade configsvc here.",
        reason=NOT_OURS,
    )


def read_problem(
    response: Response, url: Url, path: str, method: str = "GET", *, signed: bool = False, ahead: float | None = None
) -> ConfigsvcError:
    """The error in an answer (RFC 9457), also in one that API Gateway or a proxy made in its own way.

    Only what says so in our words can be one that decides what happens next (absent, in conflict, too late); of
    anybody else's answers the statuses for refusal, haste and failure are believed. A refusal says what to do.

    Args:
        response: the answer.
        url: of the service.
        path: what was asked for, with the stage and a query.
        method: of the request.
        signed: whether it carried a signature.
        ahead: seconds that this clock is ahead of the answer's Date, where that is known.
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
    # Whether the service did it is not known, whatever the gateway calls its own failure.
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
        raise NotOurs("it is no JSON object")
    return found


def _read_own_problem(response: Response) -> ConfigsvcError | None:
    """A problem of the service, or of the API Gateway that is set up with it."""
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

    told = {name: _clean_member(members[name]) for name in _select_names(members) if name not in _OWN}
    error = from_problem(response.status, {**told, "code": code, "detail": sanitize(detail, _DETAIL)})
    return error if error.status // 100 == response.status // 100 else None


def _read_foreign_problem(response: Response, url: Url) -> ConfigsvcError:
    status = response.status
    kinds: dict[int, type[ConfigsvcError]] = {each.status: each for each in (Forbidden, Throttled, Internal)}
    kind = kinds.get(status) or (Unavailable if status > Internal.status else None)
    if kind is None:
        return make_not_ours(url, f"it answered {status}{', a redirect' if status in _REDIRECTS else ''}")
    detail = f"{url.origin}{url.path} answered {status}, and not in configsvc's words."
    if kind is Forbidden:
        detail += (
            " A firewall or proxy on the way refused the request, or CONFIGSVC_URL names another server. configsvc "
            "doctor shows where it is set."
        )
    if status >= Internal.status:
        detail += " The service, or a proxy on the way, is failing. Try again; if it goes on, ask its operators."
    return kind(detail)


def _clean_member(value: object) -> ErrorMember:
    """A member of a problem as programs get it; what is of another type, or too much, is left out."""
    from configsvc_client._wording import sanitize

    if isinstance(value, str):
        return sanitize(value)
    if isinstance(value, int):
        return value if abs(value) <= _EXACT else None
    if isinstance(value, list):
        listed = value[:_LISTED]
        if all(isinstance(each, str) for each in listed):
            return [sanitize(each) for each in listed]
        if all(isinstance(each, dict) for each in listed):
            return [{name: _clean_flat(each[name]) for name in _select_names(each)} for each in listed]
    return None


def _select_names(members: dict[str, object]) -> list[str]:
    """The names that one of ours could have; errors are kept, printed and sent to trackers with their members."""
    return [name for name in members if len(name) <= _NAME and name.isidentifier()][:_NAMES]


def _clean_flat(value: object) -> object:
    return None if isinstance(value, list | dict) else _clean_member(value)


def _require_unique_names(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotOurs("a name stands twice in it")
    return found


def _refuse_constant(_: str) -> object:
    raise NotOurs("it has a number that is none")


def _parse_finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise NotOurs("it has a number that is too large")
    return number
