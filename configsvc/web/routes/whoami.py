"""Whoami: what the service takes the caller for."""

from __future__ import annotations

from configsvc.web import reply
from configsvc.web.api import RestApi
from configsvc.web.description import Description
from configsvc.web.reply import Reply
from configsvc.web.request import Request

_BY_KEY = Description(
    "See what your API key may do", "any", {200: "WhoamiByKey"}, details="Nothing is signed, so `iam` is null."
)
_SIGNED = Description(
    "See what your API key and your IAM identity may do", "any", {200: "Whoami"}, details="It writes nothing."
)


def declare(api: RestApi) -> None:
    """GET by API key; POST by API key and signature. Neither writes."""

    @api.read("/v1/whoami", _BY_KEY)
    def whoami(request: Request) -> Reply:
        from configsvc.service.verbs.grants import describe_caller

        return reply.answer_json(describe_caller(api.ports(), request.caller))

    @api.signed("POST", "/v1/whoami", _SIGNED)
    def whoami_signed(request: Request) -> Reply:
        return whoami(request)
