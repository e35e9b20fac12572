"""The OpenAPI document: written by `make api-docs`, served as it is."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from configsvc.web import reply
from configsvc.web.api import RestApi
from configsvc.web.description import Description
from configsvc.web.reply import Reply
from configsvc.web.request import Request

DOCUMENT = Path(__file__).parents[1] / "openapi.json"


def declare(api: RestApi) -> None:
    """The route of the document."""

    @api.open(
        "/v1/openapi.json",
        Description(
            "Get this API as an OpenAPI 3.1 document",
            "open",
            {200: "OpenApi"},
            details="It changes only with a deployment.",
        ),
    )
    def get_openapi(_request: Request) -> Reply:
        return reply.answer_static(_document())


@cache
def _document() -> str:
    return DOCUMENT.read_text(encoding="utf-8")
