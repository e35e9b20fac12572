"""What an administrator does to a namespace now and then: lift it after a restore, and keep it short."""

from __future__ import annotations

from configsvc.model.errors import Conflict
from configsvc.model.names import Namespace
from configsvc.web import reply
from configsvc.web.api import RestApi
from configsvc.web.description import UPKEEP_CURSOR, Description
from configsvc.web.reply import Reply
from configsvc.web.request import Request

_LIFT = Description(
    "Lift a namespace after a restore",
    "admin",
    {200: "Lifted"},
    details=(
        "Revision and floor are at least that number from then on, so nothing that the lost time gave out is given out "
        "again. What the namespace counts of itself is checked against what is there, and set right."
    ),
    body="Lift",
    idempotent=True,
)
_UPKEEP = Description(
    "Take away what the retention settings let go",
    "admin",
    {200: "Upkeep"},
    details=(
        "What is served stays, and so does its revision; a write that purges deleted keys has a revision of its own. "
        "While it is not `done`, call again with its cursor; it may be repeated at any time."
    ),
    query=(UPKEEP_CURSOR,),
    errors=(Conflict,),
)


def declare(api: RestApi) -> None:
    """The routes of lift and upkeep."""

    @api.signed("POST", "/v1/namespaces/{namespace}/lift", _LIFT)
    def lift_namespace(request: Request, namespace: Namespace) -> Reply:
        from configsvc.service.verbs.lift import lift_namespace
        from configsvc.web.bodies.upkeep import parse_lift

        revision = parse_lift(request.body())
        return reply.answer_outcome(
            lift_namespace(api.ports(), request.caller, namespace, revision, request.idempotency())
        )

    @api.signed("POST", "/v1/namespaces/{namespace}/upkeep", _UPKEEP)
    def run_upkeep(request: Request, namespace: Namespace) -> Reply:
        from configsvc.service.verbs.upkeep import run_upkeep

        return reply.answer_json(run_upkeep(api.ports(), request.caller, namespace, request.text(UPKEEP_CURSOR)))
