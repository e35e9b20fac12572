"""Namespaces: create and settings, get, list, delete."""

from __future__ import annotations

from configsvc.model.errors import Conflict, TooLarge, Unprocessable
from configsvc.model.names import Namespace
from configsvc.web import reply
from configsvc.web.api import RestApi
from configsvc.web.description import NAMESPACE_PREFIX, PAGE, Description
from configsvc.web.reply import Reply
from configsvc.web.request import Request

_LIST = Description(
    "List the namespaces that you may read",
    "read",
    {200: "NamespacePage"},
    details="In order of name, page by page.",
    query=(NAMESPACE_PREFIX, *PAGE),
)
_GET = Description(
    "Get a namespace: revisions, counts and settings",
    "read",
    {200: "Namespace"},
    details="No values and no keys.",
)
_PUT = Description(
    "Create a namespace, or change its settings",
    "admin",
    {200: "Namespace", 201: "Namespace"},
    details=(
        "201 when it is new. A setting that is left out stays as it is; retention and schemas are replaced as a whole. "
        "A namespace that was deleted comes back with its history, at a higher revision."
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
    details="409 while an entry is served. Its history stays: whoever creates it again goes on counting.",
    idempotent=True,
    errors=(Conflict,),
)


def declare(api: RestApi) -> None:
    """The routes of namespaces."""

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
