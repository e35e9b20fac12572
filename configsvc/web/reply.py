"""Replies: a status, a JSON body and headers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

from configsvc.model import errors
from configsvc.service.engine.ports import WriteOutcome

JSON = "application/json"
PROBLEM = "application/problem+json"
REVALIDATED = "private, no-cache"
NOT_STORED = "no-store"
_NO_CONTENT = 204
_RETRY_SECONDS = 1
_REVISION = re.compile(r'"([0-9]+)[-"]')


class Reply(NamedTuple):
    """A response. `revision` and `code` are for the log. Headers may be added."""

    status: int
    body: str
    headers: dict[str, str]
    revision: int | None = None
    code: str | None = None


def answer_json(body: Mapping[str, object], *, etag: str | None = None, status: int = 200) -> Reply:
    """A reply with a JSON body, which shared caches must not store."""
    headers = {"Content-Type": JSON, "Cache-Control": REVALIDATED if etag else NOT_STORED}
    if etag:
        headers["ETag"] = etag
    revision = body.get("revision")
    return Reply(status, encode_json(body), headers, revision if isinstance(revision, int) else None)


def answer_text(body: str | None, etag: str) -> Reply:
    """A reply with rendered JSON; without it, 304, because the caller has it (RFC 9110, 15.4.5)."""
    found = _REVISION.match(etag)
    revision = int(found.group(1)) if found else None
    if body is None:
        return Reply(304, "", {"ETag": etag, "Cache-Control": REVALIDATED}, revision)
    return Reply(200, body, {"Content-Type": JSON, "ETag": etag, "Cache-Control": REVALIDATED}, revision)


def answer_static(text: str) -> Reply:
    """A reply that is the same for everyone until the next deployment."""
    return Reply(200, text, {"Content-Type": JSON, "Cache-Control": "no-cache"})


def answer_outcome(outcome: WriteOutcome) -> Reply:
    """The reply to a write."""
    if outcome.status == _NO_CONTENT:
        return Reply(_NO_CONTENT, "", {"Cache-Control": NOT_STORED})
    reply = answer_json(outcome.body, etag=outcome.etag, status=outcome.status)
    reply.headers["Cache-Control"] = NOT_STORED
    return reply


def answer_problem(error: errors.ConfigsvcError, instance: str) -> Reply:
    """A problem reply for an error (RFC 9457). `instance` is the request id."""
    headers = {"Content-Type": PROBLEM, "Cache-Control": NOT_STORED}
    if errors.has_retry_after(error.status):
        headers["Retry-After"] = str(error.members.get("retry_after", _RETRY_SECONDS))
    revision = error.members.get("revision")
    known = revision if isinstance(revision, int) else None
    return Reply(error.status, encode_json(errors.to_problem(error, instance)), headers, known, error.code)


def encode_json(body: Mapping[str, object]) -> str:
    """Renders compact JSON."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
