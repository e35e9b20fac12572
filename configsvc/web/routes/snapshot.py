"""Snapshots. That of one namespace is the hot path, which loads no code for writes."""

from __future__ import annotations

from configsvc.model import limits
from configsvc.model.errors import Gone
from configsvc.model.names import Namespace
from configsvc.service.verbs.snapshots import fetch_snapshot
from configsvc.web import reply
from configsvc.web.api import RestApi
from configsvc.web.description import NAMESPACES, REVISION, Description
from configsvc.web.reply import Reply
from configsvc.web.request import Request

_SNAPSHOT = Description(
    "Get everything that a namespace serves, at one revision",
    "read",
    {200: "Snapshot", 304: None},
    details=(
        "Poll it with If-None-Match: a 304 costs one read of one small item. With `revision`, the snapshot that "
        "readers got then; 410 names the oldest revision in the change log."
    ),
    query=(REVISION,),
    conditions=("if-none-match",),
    errors=(Gone,),
)
_SNAPSHOTS = Description(
    "Get the snapshots of several namespaces",
    "read",
    {200: "SnapshotList", 304: None},
    details=(
        f"One request and one ETag for at most {limits.SNAPSHOTS_NAMESPACES} namespaces. Namespaces that would make "
        f"the response exceed {limits.SNAPSHOTS_BYTES // limits.MIB} MiB are listed as `deferred`: get each separately."
    ),
    query=(NAMESPACES,),
    conditions=("if-none-match",),
)


def declare(api: RestApi) -> None:
    """Declares the routes of snapshots."""

    @api.read("/v1/namespaces/{namespace}/snapshot", _SNAPSHOT)
    def get_snapshot(request: Request, namespace: Namespace) -> Reply:
        held, revision = request.join_header("if-none-match"), request.number(REVISION)
        if revision is None:
            fetched = fetch_snapshot(api.ports(), request.caller, namespace, held)
        else:
            from configsvc.service.verbs.history import fetch_revision

            fetched = fetch_revision(api.ports(), request.caller, namespace, revision, held)
        return reply.answer_text(fetched.body, fetched.etag)

    @api.read("/v1/snapshots", _SNAPSHOTS)
    def get_snapshots(request: Request) -> Reply:
        from configsvc.service.verbs.snapshots import fetch_snapshots

        namespaces, held = request.parse_namespaces(NAMESPACES), request.join_header("if-none-match")
        fetched = fetch_snapshots(api.ports(), request.caller, namespaces, held)
        return reply.answer_text(fetched.body, fetched.etag)
