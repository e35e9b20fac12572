"""The snapshot: the hot path. Nothing of the writes' side is loaded for it."""

from __future__ import annotations

from configsvc.service.fetch import fetch
from configsvc.web import reply
from configsvc.web.api import Api
from configsvc.web.reply import Reply
from configsvc.web.request import Request


def declare(api: Api) -> None:
    """The route of the snapshot."""

    @api.read("/v1/namespaces/{namespace}/snapshot")
    def snapshot(request: Request, namespace: str) -> Reply:
        request.query()
        fetched = fetch(api.ports(), request.caller, namespace, request.joined("if-none-match"))
        return reply.ready(fetched.body, fetched.etag)
