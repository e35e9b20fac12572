"""Change sets, the change log of all writes, and differences between revisions."""

from __future__ import annotations

from configsvc.model import limits, names
from configsvc.model.errors import (
    Conflict,
    Gone,
    InvalidEnvelope,
    InvalidRequest,
    InvalidValue,
    PreconditionRequired,
    TooLarge,
    Unprocessable,
    VersionClaimed,
)
from configsvc.model.names import Namespace
from configsvc.web import reply
from configsvc.web.api import RestApi
from configsvc.web.description import (
    AFTER_TIME,
    AGAINST,
    BEFORE_TIME,
    BY_PRINCIPAL,
    FROM,
    LOG,
    OF_KEY,
    ORDER,
    PAGE,
    SINCE,
    TO,
    Description,
)
from configsvc.web.reply import Reply
from configsvc.web.request import Request

_CHANGE = Description(
    "Commit a change set: all operations at one revision, or none",
    "write",
    {200: "ChangeSetWritten"},
    details=(
        f"At most {limits.OPERATIONS} operations, each key once; {limits.CHANGE_SET_BYTES // limits.MIB} MiB of stored "
        f"values; {limits.CHANGE_SET_KIDS} data keys. A staged put also rewrites the served value and a deletion "
        f"removes it; including those, the limit is {limits.TRANSACTION_VALUES:,} bytes. If-Match takes the revision "
        "of the namespace. A refusal lists every operation that failed in `failed`."
    ),
    conditions=("if-match",),
    body="ChangeSet",
    idempotent=True,
    errors=(
        Conflict, VersionClaimed, Gone, TooLarge, Unprocessable, InvalidEnvelope, InvalidValue, PreconditionRequired,
    ),
)  # fmt: skip
_LOG = Description(
    "Read the change log of a namespace",
    "read",
    {200: "ChangePage"},
    details=(
        "One record per revision: what, who, when, why and from where; never a value. Oldest first, unless "
        "`order=newest`. With filters a page may be short or empty and still have a cursor. 410 if the record right "
        "after `since` is no longer kept."
    ),
    query=(OF_KEY, *LOG),
    errors=(Gone,),
)
_DIFF = Description(
    "Compare two revisions, or two namespaces",
    "read",
    {200: "Differences"},
    details=(
        "Send `from`, and `to` unless it is the current revision; or `against` alone. Lists keys, versions, forms and "
        "content types; no values."
    ),
    query=(FROM, TO, AGAINST, *PAGE),
    errors=(Gone,),
)


def declare(api: RestApi) -> None:
    """Declares the routes of changes."""

    @api.signed("POST", "/v1/namespaces/{namespace}/changes", _CHANGE)
    def commit_changes(request: Request, namespace: Namespace) -> Reply:
        from configsvc.service.verbs.change_sets import commit_change_set
        from configsvc.web.bodies.changes import parse_change_set

        wanted = parse_change_set(request.body(), request.preconditions())
        return reply.answer_outcome(
            commit_change_set(api.ports(), request.caller, namespace, wanted, request.idempotency())
        )

    @api.read("/v1/namespaces/{namespace}/changes", _LOG)
    def list_changes(request: Request, namespace: Namespace) -> Reply:
        from configsvc.service.verbs.change_log import LogWanted, list_changes, parse_order

        wanted = LogWanted(
            request.number(SINCE), request.text(OF_KEY), request.text(BY_PRINCIPAL),
            request.text(AFTER_TIME), request.text(BEFORE_TIME), parse_order(request.text(ORDER)),
        )  # fmt: skip
        return reply.answer_json(list_changes(api.ports(), request.caller, namespace, wanted, *request.page()))

    @api.read("/v1/namespaces/{namespace}/diff", _DIFF)
    def get_differences(request: Request, namespace: Namespace) -> Reply:
        start, end, against = request.number(FROM), request.number(TO), request.text(AGAINST)
        if against is not None and start is None and end is None:
            from configsvc.service.verbs.history import diff_namespaces

            return reply.answer_json(
                diff_namespaces(api.ports(), request.caller, namespace, names.parse_namespace(against), *request.page())
            )
        if against is not None or start is None:
            raise InvalidRequest("Send from, and to unless it is the current revision; or against alone.", field="from")
        from configsvc.service.verbs.history import diff_revisions

        return reply.answer_json(diff_revisions(api.ports(), request.caller, namespace, start, end, *request.page()))
