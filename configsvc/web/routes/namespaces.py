"""Namespaces: create, configure, get, list, delete; lift one after a restore, and prune one."""

from __future__ import annotations

from configsvc.model.errors import Conflict, TooLarge, Unprocessable
from configsvc.model.names import Namespace
from configsvc.web import reply
from configsvc.web.api import RestApi
from configsvc.web.description import NAMESPACE_PREFIX, PAGE, UPKEEP_CURSOR, Description
from configsvc.web.reply import Reply
from configsvc.web.request import Request

_LIST = Description(
    "List the namespaces that you may read",
    "read",
    {200: "NamespacePage"},
    details="Sorted by name, in pages.",
    query=(NAMESPACE_PREFIX, *PAGE),
)
_GET = Description(
    "Get a namespace: revisions, counts and settings",
    "read",
    {200: "Namespace"},
    details="No keys and no values.",
)
_PUT = Description(
    "Create a namespace, or change its settings",
    "admin",
    {200: "Namespace", 201: "Namespace"},
    details=(
        "201 if it is new. Omitted settings do not change; retention and schemas are replaced as a whole. Creating a "
        "deleted namespace again restores its history, at a higher revision."
    ),
    body="Settings",
    body_required=False,
    idempotent=True,
    errors=(Conflict, TooLarge, Unprocessable),
)
_DELETE = Description(
    "Delete a namespace that serves nothing",
    "admin",
    {200: "NamespaceDeleted"},
    details="409 while an entry is served. Its history is kept; if it is created again, its revisions continue.",
    idempotent=True,
    errors=(Conflict,),
)


_LIFT = Description(
    "Lift a namespace after a restore",
    "admin",
    {200: "Lifted"},
    details=(
        "Afterwards revision and floor are at least this number, so that no revision or version from before the "
        "restore is reused. The namespace's own counts are checked against its records and corrected."
    ),
    body="Lift",
    idempotent=True,
    subject="upkeep",
)
_UPKEEP = Description(
    "Delete what the retention settings no longer keep",
    "admin",
    {200: "Upkeep"},
    details=(
        "Served entries and their revisions do not change; purging deleted keys makes a new revision. Until `done`, "
        "call again with the returned cursor. Safe to repeat at any time."
    ),
    query=(UPKEEP_CURSOR,),
    errors=(Conflict,),
    subject="upkeep",
)


def declare(api: RestApi) -> None:
    """Declares the routes of namespaces."""

    @api.read("/v1/namespaces", _LIST)
    def list_namespaces(request: Request) -> Reply:
        from configsvc.service.verbs.namespaces import list_namespaces

        prefix = request.text(NAMESPACE_PREFIX) or ""
        return reply.answer_json(list_namespaces(api.ports(), request.caller, prefix, *request.page()))

    @api.read("/v1/namespaces/{namespace}", _GET)
    def get_namespace(request: Request, namespace: Namespace) -> Reply:
        from configsvc.service.verbs.namespaces import get_namespace

        return reply.answer_json(get_namespace(api.ports(), request.caller, namespace))

    @api.signed("PUT", "/v1/namespaces/{namespace}", _PUT)
    def create_namespace(request: Request, namespace: Namespace) -> Reply:
        from configsvc.service.verbs.namespaces import create_namespace
        from configsvc.web.bodies.namespaces import parse_settings

        wanted = parse_settings(request.body())
        return reply.answer_outcome(
            create_namespace(api.ports(), request.caller, namespace, wanted, request.idempotency())
        )

    @api.signed("DELETE", "/v1/namespaces/{namespace}", _DELETE)
    def delete_namespace(request: Request, namespace: Namespace) -> Reply:
        from configsvc.service.verbs.namespaces import delete_namespace

        return reply.answer_outcome(delete_namespace(api.ports(), request.caller, namespace, request.idempotency()))


def declare_upkeep(api: RestApi) -> None:
    """Declares the routes of lift and upkeep, which the documents list last."""

    @api.signed("POST", "/v1/namespaces/{namespace}/lift", _LIFT)
    def lift_namespace(request: Request, namespace: Namespace) -> Reply:
        from configsvc.service.verbs.lift import lift_namespace
        from configsvc.web.bodies.namespaces import parse_lift

        revision = parse_lift(request.body())
        return reply.answer_outcome(
            lift_namespace(api.ports(), request.caller, namespace, revision, request.idempotency())
        )

    @api.signed("POST", "/v1/namespaces/{namespace}/upkeep", _UPKEEP)
    def run_upkeep(request: Request, namespace: Namespace) -> Reply:
        from configsvc.service.verbs.upkeep import run_upkeep

        return reply.answer_json(run_upkeep(api.ports(), request.caller, namespace, request.text(UPKEEP_CURSOR)))
