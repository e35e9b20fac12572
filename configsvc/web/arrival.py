"""How a request arrives: whether the gateway sent it, whether it is refused at once, and how long it may take."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from secrets import compare_digest
from typing import Any, NamedTuple

from configsvc.model.errors import ConfigsvcError, Unproven
from configsvc.web.event import Event

VARIABLE = "proof"
"""The stage variable with the proof."""

_LONGEST_PROOF = 128


class Proof(NamedTuple):
    """The proof that a request must carry.

    Args:
        digests: SHA-256, in hex, of the current proof and of the previous one while both are in use.
        enforced: whether a request without it is refused; otherwise it is only logged.
    """

    digests: tuple[str, ...]
    enforced: bool

    def is_shown_by(self, event: object) -> bool:
        """Whether an event of any shape carries the proof. A wrong proof takes as long to check as the right one."""
        variables = event.get("stageVariables") if isinstance(event, dict) else None
        sent = variables.get(VARIABLE) if isinstance(variables, dict) else None
        if not isinstance(sent, str) or len(sent) > _LONGEST_PROOF:
            return False
        digest = sha256(sent.encode(errors="surrogatepass")).hexdigest()
        return any([compare_digest(digest, each) for each in self.digests])  # noqa: C419  # always compares with all


READ_SECONDS, WRITE_SECONDS = 3.0, 8.0
MARGIN_SECONDS = 1.0
"""Seconds reserved for the response, before Lambda ends the function."""

_READS = "GET"


def limit_seconds(method: str, context: object) -> float:
    """The seconds that a request may take.

    Args:
        method: GET reads; all other methods write.
        context: Lambda's context of the invocation; elsewhere there is no such limit.
    """
    most = READ_SECONDS if method == _READS else WRITE_SECONDS
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return min(most, remaining() / 1000 - MARGIN_SECONDS) if remaining else most


HEALTH = "/v1/health"
_DEEP = {"deep": ["true"]}
_REFUSED = (
    "This request did not come through the API, so its sender is not proven. Send it to the API's URL instead of "
    "invoking the function. If you did, the API's stage lacks the gateway proof: ask an operator to redeploy the stack."
)

Routes = Mapping[str, Mapping[str, object]]


class Arrival(NamedTuple):
    """An event after its arrival was checked.

    Args:
        event: the event without the proof; reduced to its route if the proof was missing.
        suspect: whether a required proof was missing.
        refusal: why it is not served, if so.
    """

    event: Event
    suspect: bool = False
    refusal: ConfigsvcError | None = None


def receive(event: object, context: object, routes: Routes, proof: Proof) -> Arrival:
    """Decides whether an event of any shape is served, and how much of it is trusted."""
    if isinstance(event, dict) and proof.is_shown_by(event):
        return Arrival({**event, "stageVariables": None})
    stripped = strip_event(event, context, routes)
    if _is_health(stripped):
        return Arrival(stripped)
    if isinstance(event, dict) and not proof.enforced:
        return Arrival({**event, "stageVariables": None}, suspect=True)
    return Arrival(stripped, suspect=True, refusal=Unproven(_REFUSED, unproven=True))


def receive_unconfigured(event: object, context: object, routes: Routes, error: ConfigsvcError) -> Arrival:
    """Receives an event for a misconfigured function: only health is served."""
    stripped = strip_event(event, context, routes)
    return Arrival(stripped, refusal=None if _is_health(stripped) else error)


def strip_event(event: object, context: object, routes: Routes) -> dict[str, Any]:
    """Reduces an event to its route, if the route exists, with Lambda's id of the invocation."""
    asked = event.get("requestContext") if isinstance(event, dict) else None
    path, method = (asked.get("resourcePath"), asked.get("httpMethod")) if isinstance(asked, dict) else (None, None)
    known = isinstance(path, str) and isinstance(method, str) and method in routes.get(path, {})
    route = {"resourcePath": path if known else None, "httpMethod": method if known else None}
    query = _DEEP if (method, path) == ("GET", HEALTH) and _asks_deep(event) else None
    return {
        "requestContext": {**route, "requestId": str(getattr(context, "aws_request_id", ""))},
        "headers": None, "multiValueHeaders": None, "multiValueQueryStringParameters": query,
        "pathParameters": None, "stageVariables": None, "body": None, "isBase64Encoded": False,
    }  # fmt: skip


def _asks_deep(event: object) -> bool:
    return isinstance(event, dict) and event.get("multiValueQueryStringParameters") == _DEEP


def _is_health(event: Mapping[str, Any]) -> bool:
    asked = event.get("requestContext")
    return isinstance(asked, dict) and (asked.get("httpMethod"), asked.get("resourcePath")) == ("GET", HEALTH)
