"""Read the answers of the service, for readers and writers: JSON from configsvc. `problems` reads its errors.

Anything that configsvc would not send is refused and never shown: the URL may lead to a captive portal, a proxy's page
or an attacker.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from configsvc.model.errors import CannotOpen, ConfigsvcError, NotTaken, Unavailable
from configsvc.model.etag import MalformedEtag, parse_snapshot, strengthen
from configsvc.model.names import Namespace
from configsvc.model.snapshot import MalformedSnapshot, SealedSnapshot, parse
from configsvc_client._ports import NOT_OURS
from configsvc_client._secret import Hidden

if TYPE_CHECKING:
    from configsvc_client._transport.response import Response
    from configsvc_client._transport.url import Url

_JSON = "application/json"
_NO_CONTENT = 204

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
    return decode_object(response, _JSON)


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


def decode_object(response: Response, kind: str) -> dict[str, object]:
    """Decodes a JSON object of one content type.

    Raises:
        NotOurs: see `decode_members`.
    """
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
