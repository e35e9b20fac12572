"""Grants: by API key and signature throughout, also to read them."""

from __future__ import annotations

from configsvc.web import reply
from configsvc.web.api import Api
from configsvc.web.reply import Reply
from configsvc.web.request import Request


def declare(api: Api) -> None:
    """The routes of grants."""

    @api.signed("GET", "/v1/grants")
    def get_grants(request: Request) -> Reply:
        from configsvc.service.get_grants import get_grants

        principal, limit, cursor = request.grants_page()
        return reply.ok(get_grants(api.ports(), request.caller, principal, limit, cursor))

    @api.signed("PUT", "/v1/grants")
    def set_grants(request: Request) -> Reply:
        from configsvc.service.set_grants import set_grants
        from configsvc.web.requests import grants_wanted

        request.conditions()
        principal, wanted = request.principal(), grants_wanted(request.body())
        return reply.written(set_grants(api.ports(), request.caller, principal, wanted, request.idempotency()))

    @api.signed("DELETE", "/v1/grants")
    def delete_grants(request: Request) -> Reply:
        from configsvc.service.delete_grants import delete_grants

        request.conditions()
        request.no_body()
        return reply.written(delete_grants(api.ports(), request.caller, request.principal(), request.idempotency()))
