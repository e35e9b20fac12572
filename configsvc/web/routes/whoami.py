"""Whoami: what the service takes the caller for."""

from __future__ import annotations

from configsvc.web import reply
from configsvc.web.api import Api
from configsvc.web.reply import Reply
from configsvc.web.request import Request


def declare(api: Api) -> None:
    """GET by API key; POST by API key and signature. Neither writes."""

    @api.read("/v1/whoami")
    @api.signed("POST", "/v1/whoami")
    def whoami(request: Request) -> Reply:
        from configsvc.service.whoami import whoami

        request.query()
        request.no_body()
        return reply.ok(whoami(api.ports(), request.caller))
