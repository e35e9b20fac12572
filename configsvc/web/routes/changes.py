"""Change sets: operations on one namespace that commit together."""

from __future__ import annotations

from configsvc.web import reply
from configsvc.web.api import Api
from configsvc.web.reply import Reply
from configsvc.web.request import Request


def declare(api: Api) -> None:
    """The route of change sets."""

    @api.signed("POST", "/v1/namespaces/{namespace}/changes")
    def change(request: Request, namespace: str) -> Reply:
        from configsvc.service.change import change
        from configsvc.web.requests import change_set

        request.only("if-match")
        wanted = change_set(request.body(), request.preconditions())
        return reply.written(change(api.ports(), request.caller, namespace, wanted, request.idempotency()))
