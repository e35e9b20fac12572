"""How an event enters: with the gateway's proof it is taken as it is, without one nothing in it counts.

Whoever may invoke the function can put anything into an event: an identity, headers, shapes that no gateway makes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from configsvc.model.errors import ConfigsvcError, Unproven
from configsvc.web.event import Event
from configsvc.web.proof import Proof

HEALTH = "/v1/health"
_DEEP = {"deep": ["true"]}
_REFUSED = (
    "This request did not come through the API: nothing proves who sent it. Send it to the API's URL instead of "
    "invoking the function. If you did, the API's stage lacks the gateway proof: an operator deploys the stack again."
)

Routes = Mapping[str, Mapping[str, object]]


class Arrival(NamedTuple):
    """An event as the service goes on with it.

    Args:
        event: never with the proof; without anything but its route if nobody vouches for it.
        suspect: the event needed a proof and carried none.
        refusal: why it is not served.
    """

    event: Event
    suspect: bool = False
    refusal: ConfigsvcError | None = None


def arrival(event: object, context: object, routes: Routes, proof: Proof) -> Arrival:
    """Whether the event is served, and how much of it counts. Takes an event of any shape."""
    if isinstance(event, dict) and proof.shown_by(event):
        return Arrival({**event, "stageVariables": None})
    stripped = bare(event, context, routes)
    if _is_health(stripped):
        return Arrival(stripped)
    if isinstance(event, dict) and not proof.enforced:
        return Arrival({**event, "stageVariables": None}, suspect=True)
    return Arrival(stripped, suspect=True, refusal=Unproven(_REFUSED, unproven=True))


def unconfigured(event: object, context: object, routes: Routes, error: ConfigsvcError) -> Arrival:
    """An event for a function that does not know what to ask for: only health is served."""
    stripped = bare(event, context, routes)
    return Arrival(stripped, refusal=None if _is_health(stripped) else error)


def bare(event: object, context: object, routes: Routes) -> dict[str, Any]:
    """The event reduced to its route, if it names one of ours, under the id that Lambda gave the invocation."""
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
