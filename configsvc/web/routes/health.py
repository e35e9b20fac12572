"""Health: says that the service runs, and touches no store."""

from __future__ import annotations

from configsvc.web import reply
from configsvc.web.api import Api
from configsvc.web.reply import Reply
from configsvc.web.request import Request


def declare(api: Api) -> None:
    """The route of health."""

    @api.open("/v1/health")
    def health(request: Request) -> Reply:
        request.query()
        request.no_body()
        return reply.ok({"status": "ok"})
