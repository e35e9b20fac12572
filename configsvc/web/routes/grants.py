"""Grants. All routes need an API key and a signature, including reads."""

from __future__ import annotations

from configsvc.model.errors import Gone, NotFound, TooLarge
from configsvc.model.etag import of_revision
from configsvc.web import reply
from configsvc.web.api import RestApi
from configsvc.web.description import (
    AFTER_TIME,
    BEFORE_TIME,
    BY_PRINCIPAL,
    LOG,
    ORDER,
    PAGE,
    PRINCIPAL,
    SINCE,
    THAT_PRINCIPAL,
    Description,
)
from configsvc.web.reply import Reply
from configsvc.web.request import Request

_HOLDS = "Changes take effect everywhere within 10 seconds."
_GET = Description(
    "Get the grants of one principal, or of all",
    "admin on *",
    {200: "AnyGrants"},
    details="For one principal, with the revision that set them as ETag. Without `principal`, a page of all grants.",
    query=(PRINCIPAL, *PAGE),
    errors=(NotFound,),
)
_PUT = Description(
    "Set all grants of a principal",
    "admin on *",
    {200: "PrincipalGrants"},
    details=_HOLDS,
    query=(THAT_PRINCIPAL,),
    conditions=("if-match", "if-none-match"),
    body="NewGrants",
    idempotent=True,
    errors=(TooLarge,),
)
_DELETE = Description(
    "Delete all grants of a principal",
    "admin on *",
    {204: None},
    details=_HOLDS,
    query=(THAT_PRINCIPAL,),
    conditions=("if-match",),
    idempotent=True,
    errors=(NotFound,),
)
_LOG = Description(
    "Read the change log of the grants, oldest first",
    "admin on *",
    {200: "GrantChangePage"},
    details="`subject` is the principal whose grants were set. Takes the filters of a namespace's log, except `key`.",
    query=LOG,
    errors=(Gone,),
)


def declare(api: RestApi) -> None:
    """Declares the routes of grants."""

    @api.signed("GET", "/v1/grants", _GET)
    def get_grants(request: Request) -> Reply:
        from configsvc.service.verbs.grants import get_grants

        found = get_grants(api.ports(), request.caller, request.text(PRINCIPAL), *request.page())
        revision = found.get("revision")
        return reply.answer_json(found, etag=of_revision(revision) if isinstance(revision, int) else None)

    @api.signed("PUT", "/v1/grants", _PUT)
    def set_grants(request: Request) -> Reply:
        from configsvc.service.verbs.grants import ExpectedGrants, set_grants
        from configsvc.web.bodies.grants import parse_grants

        principal, wanted = request.text(PRINCIPAL) or "", parse_grants(request.body())
        expected = ExpectedGrants(*request.preconditions())
        return reply.answer_outcome(
            set_grants(api.ports(), request.caller, principal, wanted, request.idempotency(), expected)
        )

    @api.signed("DELETE", "/v1/grants", _DELETE)
    def delete_grants(request: Request) -> Reply:
        from configsvc.service.verbs.grants import ExpectedGrants, delete_grants

        principal, expected = request.text(PRINCIPAL) or "", ExpectedGrants(*request.preconditions())
        return reply.answer_outcome(
            delete_grants(api.ports(), request.caller, principal, request.idempotency(), expected)
        )

    @api.signed("GET", "/v1/grants/changes", _LOG)
    def list_grant_changes(request: Request) -> Reply:
        from configsvc.service.verbs.change_log import LogWanted, list_grant_changes, parse_order

        wanted = LogWanted(
            request.number(SINCE), None, request.text(BY_PRINCIPAL), request.text(AFTER_TIME),
            request.text(BEFORE_TIME), parse_order(request.text(ORDER)),
        )  # fmt: skip
        return reply.answer_json(list_grant_changes(api.ports(), request.caller, wanted, *request.page()))
