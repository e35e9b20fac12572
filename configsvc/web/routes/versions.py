"""Versions of a key: its history, and the end of one."""

from __future__ import annotations

from configsvc.model.errors import Conflict
from configsvc.model.names import Key, Namespace
from configsvc.web import reply
from configsvc.web.api import RestApi
from configsvc.web.description import PAGE, Description
from configsvc.web.reply import Reply
from configsvc.web.request import Request

_LIST = Description(
    "List the versions of a key, newest first, without values",
    "read",
    {200: "VersionPage"},
    details="With who wrote each and when. A destroyed version is listed; only its value is gone.",
    query=PAGE,
)
_DESTROY = Description(
    "Destroy a version: its value is gone, its record stays",
    "admin",
    {200: "VersionDestroyed"},
    details="409 on the version that is served. Its number is never given out again.",
    idempotent=True,
    errors=(Conflict,),
)


def declare(api: RestApi) -> None:
    """The routes of versions."""

    @api.read("/v1/namespaces/{namespace}/keys/{key}/versions", _LIST)
    def list_versions(request: Request, namespace: Namespace, key: Key) -> Reply:
        from configsvc.service.verbs.read_keys import list_versions

        return reply.answer_json(list_versions(api.ports(), request.caller, namespace, key, *request.page()))

    @api.signed("DELETE", "/v1/namespaces/{namespace}/keys/{key}/versions/{version}", _DESTROY)
    def destroy_version(request: Request, namespace: Namespace, key: Key, version: int) -> Reply:
        from configsvc.service.verbs.keys import destroy_version

        return reply.answer_outcome(
            destroy_version(api.ports(), request.caller, namespace, key, version, request.idempotency())
        )
