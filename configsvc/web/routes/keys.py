"""Keys: list, get, put, activate, delete."""

from __future__ import annotations

from configsvc.model import etag
from configsvc.model.errors import (
    Conflict,
    Gone,
    InvalidEnvelope,
    InvalidValue,
    PreconditionRequired,
    TooLarge,
    Unprocessable,
    VersionClaimed,
)
from configsvc.model.names import Key, Namespace
from configsvc.web import reply
from configsvc.web.api import RestApi
from configsvc.web.description import KEY_PREFIX, PAGE, VERSION, Description
from configsvc.web.reply import Reply
from configsvc.web.request import Request

_LIST = Description(
    "List the keys of a namespace, without values",
    "read",
    {200: "KeyPage"},
    details=(
        "Also those that are not served. `next_version` is the version that a writer seals for; for a key that is not "
        "listed it is `floor` + 1."
    ),
    query=(KEY_PREFIX, *PAGE),
)
_GET = Description(
    "Get the entry that a key serves, or one version",
    "read",
    {200: "KeyEntry", 304: None},
    details=(
        "The ETag is the revision that last touched the key. A version may also be one that is staged or no longer "
        "served; 410 when its value was destroyed."
    ),
    query=(VERSION,),
    conditions=("if-none-match",),
    errors=(Gone,),
)
_PUT = Description(
    "Store a value as the next version of a key, and serve it",
    "write",
    {200: "KeyWritten", 201: "KeyWritten"},
    details=(
        'With `"activate": false` it is staged. The identical envelope again is answered 200 with its '
        "version and revision, and `active` as it is by then: activate serves a staged one, not another put. An "
        "envelope names its version: 409 `version_claimed` tells the next one. A key whose latest version is sealed "
        'takes a plain value only with `"declassify": true` and `admin`.'
    ),
    conditions=("if-match", "if-none-match"),
    body="Put",
    idempotent=True,
    errors=(Conflict, VersionClaimed, TooLarge, Unprocessable, InvalidEnvelope, InvalidValue, PreconditionRequired),
)
_ACTIVATE = Description(
    "Serve a version that is there: activate a staged one, or roll back",
    "write",
    {200: "KeyWritten"},
    details="Nothing is sealed again. It also brings back what was deleted.",
    conditions=("if-match",),
    body="Activate",
    idempotent=True,
    errors=(Conflict, Gone, TooLarge, PreconditionRequired),
)
_DELETE = Description(
    "Serve a key no longer",
    "write",
    {200: "KeyWritten"},
    details="Its versions stay, and activate brings one back. To give a reason, send a change set.",
    conditions=("if-match",),
    idempotent=True,
    errors=(Conflict, PreconditionRequired),
)


def declare(api: RestApi) -> None:
    """The routes of keys."""

    @api.read("/v1/namespaces/{namespace}/keys", _LIST)
    def list_keys(request: Request, namespace: Namespace) -> Reply:
        from configsvc.service.verbs.read_keys import list_keys

        prefix = request.text(KEY_PREFIX) or ""
        return reply.answer_json(list_keys(api.ports(), request.caller, namespace, prefix, *request.page()))

    @api.read("/v1/namespaces/{namespace}/keys/{key}", _GET)
    def get_key(request: Request, namespace: Namespace, key: Key) -> Reply:
        from configsvc.service.verbs.read_keys import get_key

        body, current = get_key(api.ports(), request.caller, namespace, key, request.number(VERSION))
        held = request.join_header("if-none-match")
        if held is not None and etag.matches(held, current):
            return reply.answer_text(None, current)
        return reply.answer_json(body, etag=current)

    @api.signed("PUT", "/v1/namespaces/{namespace}/keys/{key}", _PUT)
    def put_key(request: Request, namespace: Namespace, key: Key) -> Reply:
        from configsvc.service.verbs.keys import put_key
        from configsvc.web.bodies.keys import parse_put

        wanted = parse_put(key, request.body(), request.preconditions())
        return reply.answer_outcome(put_key(api.ports(), request.caller, namespace, *wanted, request.idempotency()))

    @api.signed("DELETE", "/v1/namespaces/{namespace}/keys/{key}", _DELETE)
    def delete_key(request: Request, namespace: Namespace, key: Key) -> Reply:
        from configsvc.service.verbs.keys import delete_key
        from configsvc.web.bodies.keys import parse_delete

        wanted = parse_delete(key, request.preconditions())
        return reply.answer_outcome(
            delete_key(api.ports(), request.caller, namespace, wanted, "", request.idempotency())
        )

    @api.signed("POST", "/v1/namespaces/{namespace}/keys/{key}/activate", _ACTIVATE)
    def activate_version(request: Request, namespace: Namespace, key: Key) -> Reply:
        from configsvc.service.verbs.keys import activate_version
        from configsvc.web.bodies.keys import parse_activate

        wanted = parse_activate(key, request.body(), request.preconditions())
        return reply.answer_outcome(
            activate_version(api.ports(), request.caller, namespace, *wanted, request.idempotency())
        )
