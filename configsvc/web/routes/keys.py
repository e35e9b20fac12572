"""Keys and their versions: list, get, put, activate, delete, destroy."""

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
        "Includes keys that are not served. `next_version` is the version to seal for; for a key that is not listed it "
        "is `floor` + 1."
    ),
    query=(KEY_PREFIX, *PAGE),
)
_GET = Description(
    "Get the entry that a key serves, or one version",
    "read",
    {200: "KeyEntry", 304: None},
    details=(
        "The ETag is the revision that last touched the key. `version` can also be staged or no longer served; 410 if "
        "its value was destroyed."
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
        '`"activate": false` stages it. Sending the identical envelope again returns 200 with its version, revision '
        "and current `active`; to serve a staged version, activate it instead of putting it again. An envelope names "
        "its version; 409 `version_claimed` reports the next one. A key whose latest version is sealed "
        'accepts a plain value only with `"declassify": true` and `admin`.'
    ),
    conditions=("if-match", "if-none-match"),
    body="Put",
    idempotent=True,
    errors=(Conflict, VersionClaimed, TooLarge, Unprocessable, InvalidEnvelope, InvalidValue, PreconditionRequired),
)
_ACTIVATE = Description(
    "Serve an existing version: activate a staged one, or roll back",
    "write",
    {200: "KeyWritten"},
    details="Nothing is sealed again. This also restores a deleted key.",
    conditions=("if-match",),
    body="Activate",
    idempotent=True,
    errors=(Conflict, Gone, TooLarge, PreconditionRequired),
)
_DELETE = Description(
    "Delete a key: it is no longer served",
    "write",
    {200: "KeyWritten"},
    details="Its versions are kept, and activate restores one. To give a reason, send a change set.",
    conditions=("if-match",),
    idempotent=True,
    errors=(Conflict, PreconditionRequired),
)


_VERSIONS = Description(
    "List the versions of a key, newest first, without values",
    "read",
    {200: "VersionPage"},
    details="Includes who wrote each version and when. A destroyed version is still listed; only its value is gone.",
    query=PAGE,
    subject="versions",
)
_DESTROY = Description(
    "Destroy a version: its value is deleted, its record stays",
    "admin",
    {200: "VersionDestroyed"},
    details="409 for the version that is served. Its number is never reused.",
    idempotent=True,
    errors=(Conflict,),
    subject="versions",
)


def declare(api: RestApi) -> None:
    """Declares the routes of keys and versions."""
    _declare_reads(api)
    _declare_writes(api)
    _declare_versions(api)


def _declare_reads(api: RestApi) -> None:
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
        if held is not None and etag.matches_if_none_match(held, current):
            return reply.answer_text(None, current)
        return reply.answer_json(body, etag=current)


def _declare_writes(api: RestApi) -> None:
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


def _declare_versions(api: RestApi) -> None:
    @api.read("/v1/namespaces/{namespace}/keys/{key}/versions", _VERSIONS)
    def list_versions(request: Request, namespace: Namespace, key: Key) -> Reply:
        from configsvc.service.verbs.read_keys import list_versions

        return reply.answer_json(list_versions(api.ports(), request.caller, namespace, key, *request.page()))

    @api.signed("DELETE", "/v1/namespaces/{namespace}/keys/{key}/versions/{version}", _DESTROY)
    def destroy_version(request: Request, namespace: Namespace, key: Key, version: int) -> Reply:
        from configsvc.service.verbs.keys import destroy_version

        return reply.answer_outcome(
            destroy_version(api.ports(), request.caller, namespace, key, version, request.idempotency())
        )
