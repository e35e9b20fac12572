"""Keys: list, get, put."""

from __future__ import annotations

from configsvc.web import reply
from configsvc.web.api import Api
from configsvc.web.reply import Reply
from configsvc.web.request import Request


def declare(api: Api) -> None:
    """The routes of keys."""

    @api.read("/v1/namespaces/{namespace}/keys")
    def list_keys(request: Request, namespace: str) -> Reply:
        from configsvc.service.list_keys import list_keys

        return reply.ok(list_keys(api.ports(), request.caller, namespace, *request.page()))

    @api.read("/v1/namespaces/{namespace}/keys/{key}")
    def get_key(request: Request, namespace: str, key: str) -> Reply:
        from configsvc.service.get_key import get_key

        request.query()
        body, etag = get_key(api.ports(), request.caller, namespace, key)
        return reply.ok(body, etag=etag)

    @api.signed("PUT", "/v1/namespaces/{namespace}/keys/{key}")
    def put(request: Request, namespace: str, key: str) -> Reply:
        from configsvc.service.put import put
        from configsvc.web.requests import put_wanted

        request.only("if-match", "if-none-match")
        wanted = put_wanted(key, request.body(), request.preconditions())
        return reply.written(put(api.ports(), request.caller, namespace, *wanted, request.idempotency()))
