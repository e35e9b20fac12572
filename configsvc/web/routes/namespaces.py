"""Namespaces: create and settings, get, list."""

from __future__ import annotations

from configsvc.web import reply
from configsvc.web.api import Api
from configsvc.web.reply import Reply
from configsvc.web.request import Request


def declare(api: Api) -> None:
    """The routes of namespaces."""

    @api.read("/v1/namespaces")
    def list_namespaces(request: Request) -> Reply:
        from configsvc.service.list_namespaces import list_namespaces

        return reply.ok(list_namespaces(api.ports(), request.caller, *request.page()))

    @api.read("/v1/namespaces/{namespace}")
    def get_namespace(request: Request, namespace: str) -> Reply:
        from configsvc.service.get_namespace import get_namespace

        request.query()
        return reply.ok(get_namespace(api.ports(), request.caller, namespace))

    @api.signed("PUT", "/v1/namespaces/{namespace}")
    def create_namespace(request: Request, namespace: str) -> Reply:
        from configsvc.service.create_namespace import create_namespace
        from configsvc.web.requests import namespace_wanted

        request.only()
        wanted = namespace_wanted(request.body())
        return reply.written(create_namespace(api.ports(), request.caller, namespace, wanted, request.idempotency()))
