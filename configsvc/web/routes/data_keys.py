"""Data keys: add one that is wrapped already, list the keyring."""

from __future__ import annotations

from configsvc.web import reply
from configsvc.web.api import Api
from configsvc.web.reply import Reply
from configsvc.web.request import Request


def declare(api: Api) -> None:
    """The routes of data keys."""

    @api.read("/v1/namespaces/{namespace}/data-keys")
    def list_data_keys(request: Request, namespace: str) -> Reply:
        from configsvc.service.list_data_keys import list_data_keys

        request.query()
        return reply.ok(list_data_keys(api.ports(), request.caller, namespace))

    @api.signed("POST", "/v1/namespaces/{namespace}/data-keys")
    def add_data_key(request: Request, namespace: str) -> Reply:
        from configsvc.service.add_data_key import add_data_key
        from configsvc.web.requests import data_key

        request.only()
        wanted = data_key(request.body())
        return reply.written(add_data_key(api.ports(), request.caller, namespace, wanted, request.idempotency()))
