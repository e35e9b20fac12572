"""Health: says that the service runs, and touches no store."""

from __future__ import annotations

from configsvc.web import reply
from configsvc.web.api import Api
from configsvc.web.description import Description
from configsvc.web.reply import Reply
from configsvc.web.request import Request


def declare(api: Api) -> None:
    """The route of health."""

    @api.open(
        "/v1/health",
        Description("See that the service runs", "open", {200: "Health"}, details="It touches no store."),
    )
    def health(_request: Request) -> Reply:
        return reply.ok({"status": "ok"})
