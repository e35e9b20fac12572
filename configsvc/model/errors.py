"""All errors, as one tree.

ConfigsvcError
├── InvalidRequest            400  the request is malformed: unknown field, bad JSON, bad parameter
│   └── InvalidName           400  a namespace, key or principal is not spelled correctly
├── Forbidden                 403  exists, but the caller is not allowed
│   └── Unproven              403  the same response, for a request that bypassed the gateway
├── NotFound                  404  absent, or the caller may not know that it exists
│   └── Hidden                404  the same response, for a caller without the grant
├── MethodNotAllowed          405  the route has no such method
├── Conflict                  409  the state of the namespace forbids it
│   ├── VersionClaimed        409  the envelope is not for the next version
│   └── AlreadyExists         409  the name is taken
├── Gone                      410  existed, but is no longer kept
├── PreconditionFailed        412  If-Match or If-None-Match does not hold
├── TooLarge                  413  a limit of configsvc.model.limits is exceeded
├── UnsupportedMediaType      415  not application/json
├── Unprocessable             422  well-formed, but not acceptable
│   ├── InvalidEnvelope       422  not an envelope, or sealed for another key or namespace
│   ├── InvalidValue          422  a plain value does not fit the schema of its key
│   └── IdempotencyMismatch   422  the Idempotency-Key was used for another request
├── PreconditionRequired      428  the namespace requires If-Match
├── Throttled                 429  too many requests; nothing was written
│   └── Contended             429  too many concurrent writes; nothing was written
├── Internal                  500  a fault of the service
├── Unavailable               503  try again, with the same Idempotency-Key
└── ClientError                    raised by configsvc_client only
    ├── ConfigUnavailable          nothing could be loaded
    ├── CannotOpen                 a sealed value cannot be opened
    ├── Expired                    older than max_stale_seconds
    ├── NotTaken                   the response may not replace the current snapshot
    │   └── StaleRevision          a revision below the current one
    └── Misconfigured              settings are missing or wrong
"""

from __future__ import annotations

from collections.abc import Mapping

ErrorMember = str | int | bool | None | list[str] | list[dict[str, object]]


class ConfigsvcError(Exception):
    """The root: a stable code, an HTTP status, and advice on what to do next.

    Args:
        detail: one or two sentences for people; never a value.
        members: extension members of the problem body (RFC 9457, section 3.2), for programs.
    """

    code = "internal"
    status = 500
    title = "The service failed"
    denied = False
    """Whether the caller lacks a permission. This is logged, and never sent to the caller."""

    def __init__(self, detail: str, /, **members: ErrorMember) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members = members


class InvalidRequest(ConfigsvcError):
    """The request is malformed."""

    code, status, title = "invalid_request", 400, "The request is malformed"


class InvalidName(InvalidRequest):
    """A namespace, key or principal is not spelled correctly."""

    code, title = "invalid_name", "The name is invalid"


class Forbidden(ConfigsvcError):
    """Exists, but the caller is not allowed."""

    code, status, title = "forbidden", 403, "Not allowed"
    denied = True


class Unproven(Forbidden):
    """The request bypassed the gateway, so nothing in it is trusted. Sent as Forbidden."""

    denied = False  # no permission is missing: it has a metric to itself


class NotFound(ConfigsvcError):
    """Absent, or the caller may not know that it exists."""

    code, status, title = "not_found", 404, "Not found"


class Hidden(NotFound):
    """The caller lacks the grant, and may not learn whether it exists. Sent as NotFound."""

    denied = True


class MethodNotAllowed(ConfigsvcError):
    """The route has no such method."""

    code, status, title = "method_not_allowed", 405, "Method not allowed"


class Conflict(ConfigsvcError):
    """The state of the namespace forbids it."""

    code, status, title = "conflict", 409, "The state of the namespace forbids it"


class VersionClaimed(Conflict):
    """The envelope is not for the next version of its key."""

    code, title = "version_claimed", "That version is not the next one"


class AlreadyExists(Conflict):
    """The name is taken."""

    code, title = "already_exists", "Already exists"


class Gone(ConfigsvcError):
    """Existed, but is no longer kept."""

    code, status, title = "gone", 410, "No longer kept"


class PreconditionFailed(ConfigsvcError):
    """If-Match or If-None-Match does not hold."""

    code, status, title = "precondition_failed", 412, "The precondition does not hold"


class TooLarge(ConfigsvcError):
    """A limit is exceeded."""

    code, status, title = "too_large", 413, "Too large"


class UnsupportedMediaType(ConfigsvcError):
    """The body is not application/json."""

    code, status, title = "unsupported_media_type", 415, "Unsupported media type"


class Unprocessable(ConfigsvcError):
    """Well-formed, but not acceptable."""

    code, status, title = "unprocessable", 422, "Not acceptable"


class InvalidEnvelope(Unprocessable):
    """Not an envelope, or sealed for another key or namespace."""

    code, title = "invalid_envelope", "The envelope does not belong here"


class InvalidValue(Unprocessable):
    """A plain value does not fit the schema of its key."""

    code, title = "invalid_value", "The value does not fit its schema"


class IdempotencyMismatch(Unprocessable):
    """The Idempotency-Key was used for another request."""

    code, title = "idempotency_mismatch", "The Idempotency-Key was used for another request"


class PreconditionRequired(ConfigsvcError):
    """The namespace requires If-Match or If-None-Match."""

    code, status, title = "precondition_required", 428, "A precondition is required"


class Throttled(ConfigsvcError):
    """Too many requests."""

    code, status, title = "throttled", 429, "Too many requests"


class Contended(Throttled):
    """Too many concurrent writes. Nothing was written, and the request is safe to repeat."""

    code, title = "contended", "Too many concurrent writes"


class Internal(ConfigsvcError):
    """A fault of the service."""

    code, status, title = "internal", 500, "The service failed"


class Unavailable(ConfigsvcError):
    """The service cannot do this now. Safe to repeat with the same Idempotency-Key."""

    code, status, title = "unavailable", 503, "Temporarily unavailable"


class ClientError(ConfigsvcError):
    """Raised by configsvc_client only; never sent."""

    code, status, title = "client", 0, "The client failed"


class ConfigUnavailable(ClientError):
    """Nothing could be loaded within the deadline."""

    code, title = "config_unavailable", "Config could not be loaded"


class CannotOpen(ClientError):
    """A sealed value cannot be opened."""

    code, title = "cannot_open", "A sealed value cannot be opened"


class Expired(ClientError):
    """The current snapshot is older than max_stale_seconds."""

    code, title = "expired", "The snapshot is too old"


class NotTaken(ClientError):
    """The response may not replace the current snapshot: its revision jumped, or is the same with different entries."""

    code, title = "not_taken", "The response was rejected"


class StaleRevision(NotTaken):
    """The service answered with a revision below the current one."""

    code, title = "stale_revision", "The revision is stale"


class Misconfigured(ClientError):
    """Settings are missing or wrong."""

    code, title = "misconfigured", "Settings are missing or wrong"


SENT: tuple[type[ConfigsvcError], ...] = (
    InvalidRequest, InvalidName, Forbidden, NotFound, MethodNotAllowed, Conflict, VersionClaimed, AlreadyExists, Gone,
    PreconditionFailed, TooLarge, UnsupportedMediaType, Unprocessable, InvalidEnvelope, InvalidValue,
    IdempotencyMismatch, PreconditionRequired, Throttled, Contended, Internal, Unavailable,
)  # fmt: skip
_BY_CODE = {error.code: error for error in SENT}
_BY_STATUS = {error.status: error for error in reversed(SENT)}
SITE = "https://configsvc.dev"
_TYPE_BASE = f"{SITE}/errors/"


def has_retry_after(status: int) -> bool:
    """Whether an answer of this status has `Retry-After`: 429, and every 5xx, because any of those may pass."""
    return status == Throttled.status or status >= Internal.status


def to_problem(error: ConfigsvcError, instance: str) -> dict[str, object]:
    """The RFC 9457 body of an error; `instance` is the request's id."""
    return {
        "type": _TYPE_BASE + error.code.replace("_", "-"),
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "instance": instance,
        **error.members,
    }


_STANDARD = frozenset({"type", "title", "status", "detail", "code", "instance"})


def from_problem(status: int, problem: Mapping[str, object]) -> ConfigsvcError:
    """The error that a problem body describes. An unknown code falls back to the status."""
    found = _BY_CODE.get(str(problem.get("code"))) or _BY_STATUS.get(status)
    if found is None:
        found = Unavailable if status > Internal.status else InvalidRequest if status < Internal.status else Internal
    detail = problem.get("detail") or problem.get("message") or f"The service answered {status}."
    members = {name: value for name, value in problem.items() if name not in _STANDARD and name.isidentifier()}
    return found(str(detail), **members)  # type: ignore[arg-type]  # members come from the wire
