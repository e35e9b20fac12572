"""Everything that can go wrong, as one tree.

ConfigsvcError
├── InvalidRequest            400  the request is malformed: unknown field, bad JSON, bad parameter
│   └── InvalidName           400  a namespace, key or principal is not spelt as names are
├── Forbidden                 403  known to be there, not allowed
│   └── Unproven              403  the same answer, for a request that did not come through the gateway
├── NotFound                  404  absent, or not for the caller to know of
│   └── Hidden                404  the same answer, for who lacks the grant
├── MethodNotAllowed          405  the route has no such method
├── Conflict                  409  the state of the namespace forbids it
│   ├── VersionClaimed        409  the envelope does not carry the next version
│   └── AlreadyExists         409  there is one of that name
├── Gone                      410  was there, is no longer kept
├── PreconditionFailed        412  If-Match or If-None-Match does not hold
├── TooLarge                  413  a limit of configsvc.model.limits is passed
├── UnsupportedMediaType      415  not application/json
├── Unprocessable             422  well-formed, but not acceptable
│   ├── InvalidEnvelope       422  not an envelope, or one for another key or namespace
│   ├── InvalidValue          422  a plain value does not fit the schema of its key
│   └── IdempotencyMismatch   422  the Idempotency-Key was used for another request
├── PreconditionRequired      428  the namespace asks for If-Match
├── Throttled                 429  too many requests; nothing was written
│   └── Contended             429  others write at the same time; nothing was written
├── Internal                  500  a fault of the service
├── Unavailable               503  try again, with the same Idempotency-Key
└── ClientError                    raised by configsvc_client only
    ├── ConfigUnavailable          nothing could be loaded
    ├── CannotOpen                 a sealed value does not open
    ├── Expired                    older than max_stale_seconds
    ├── NotTaken                   what came of a namespace may not follow what is held
    │   └── StaleRevision          a revision below the one held
    └── Misconfigured              settings are missing or wrong
"""

from __future__ import annotations

from collections.abc import Mapping

ErrorMember = str | int | bool | None | list[str] | list[dict[str, object]]


class ConfigsvcError(Exception):
    """The root: a stable code, an HTTP status, and what to do next.

    Args:
        detail: one or two sentences for the person who reads it; never a value.
        members: further members of the problem body (RFC 9457, section 3.2), for programs.
    """

    code = "internal"
    status = 500
    title = "The service failed"
    denied = False
    """Whether the caller lacks a right: told to the log, never to the caller."""

    def __init__(self, detail: str, /, **members: ErrorMember) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members = members


class InvalidRequest(ConfigsvcError):
    """The request is malformed."""

    code, status, title = "invalid_request", 400, "The request is malformed"


class InvalidName(InvalidRequest):
    """A namespace, key or principal is not spelt as names are."""

    code, title = "invalid_name", "The name is not valid"


class Forbidden(ConfigsvcError):
    """Known to be there, not allowed."""

    code, status, title = "forbidden", 403, "Not allowed"
    denied = True


class Unproven(Forbidden):
    """The request did not come through the gateway, so nothing in it counts; sent as Forbidden."""

    denied = False  # no right is lacking: it is counted by itself


class NotFound(ConfigsvcError):
    """Absent, or not for the caller to know of."""

    code, status, title = "not_found", 404, "Not found"


class Hidden(NotFound):
    """The caller lacks the grant, and is not told whether it is there; sent as NotFound."""

    denied = True


class MethodNotAllowed(ConfigsvcError):
    """The route has no such method."""

    code, status, title = "method_not_allowed", 405, "Method not allowed"


class Conflict(ConfigsvcError):
    """The state of the namespace forbids it."""

    code, status, title = "conflict", 409, "The state of the namespace forbids it"


class VersionClaimed(Conflict):
    """The envelope does not carry the next version of its key."""

    code, title = "version_claimed", "That version is not the next one"


class AlreadyExists(Conflict):
    """There is one of that name already."""

    code, title = "already_exists", "It exists already"


class Gone(ConfigsvcError):
    """Was there, is no longer kept."""

    code, status, title = "gone", 410, "No longer kept"


class PreconditionFailed(ConfigsvcError):
    """If-Match or If-None-Match does not hold."""

    code, status, title = "precondition_failed", 412, "The precondition does not hold"


class TooLarge(ConfigsvcError):
    """A limit is passed."""

    code, status, title = "too_large", 413, "Too large"


class UnsupportedMediaType(ConfigsvcError):
    """The body is not application/json."""

    code, status, title = "unsupported_media_type", 415, "Unsupported media type"


class Unprocessable(ConfigsvcError):
    """Well-formed, but not acceptable."""

    code, status, title = "unprocessable", 422, "Not acceptable"


class InvalidEnvelope(Unprocessable):
    """Not an envelope, or one for another key or namespace."""

    code, title = "invalid_envelope", "The envelope does not belong here"


class InvalidValue(Unprocessable):
    """A plain value does not fit the schema of its key."""

    code, title = "invalid_value", "The value does not fit its schema"


class IdempotencyMismatch(Unprocessable):
    """The Idempotency-Key was used for another request."""

    code, title = "idempotency_mismatch", "The Idempotency-Key was used for another request"


class PreconditionRequired(ConfigsvcError):
    """The namespace asks for If-Match or If-None-Match."""

    code, status, title = "precondition_required", 428, "A precondition is required"


class Throttled(ConfigsvcError):
    """Too many requests."""

    code, status, title = "throttled", 429, "Too many requests"


class Contended(Throttled):
    """Others write the same all the time; nothing was written, and it may be repeated."""

    code, title = "contended", "Too many concurrent writes"


class Internal(ConfigsvcError):
    """A fault of the service."""

    code, status, title = "internal", 500, "The service failed"


class Unavailable(ConfigsvcError):
    """The service cannot do it now; safe to repeat with the same Idempotency-Key."""

    code, status, title = "unavailable", 503, "Not available now"


class ClientError(ConfigsvcError):
    """Raised by configsvc_client only; never sent."""

    code, status, title = "client", 0, "The client failed"


class ConfigUnavailable(ClientError):
    """Nothing could be loaded within the deadline."""

    code, title = "config_unavailable", "Config could not be loaded"


class CannotOpen(ClientError):
    """A sealed value does not open."""

    code, title = "cannot_open", "A sealed value does not open"


class Expired(ClientError):
    """What is held is older than max_stale_seconds."""

    code, title = "expired", "What is held is too old"


class NotTaken(ClientError):
    """What came of a namespace may not follow what is held: the revision jumped, or is the same with other entries."""

    code, title = "not_taken", "What came is not taken"


class StaleRevision(NotTaken):
    """The service answered with a revision below the one held."""

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
    """The error that a problem body was made of; a code this client does not know yet falls back to its status."""
    found = _BY_CODE.get(str(problem.get("code"))) or _BY_STATUS.get(status)
    if found is None:
        found = Unavailable if status > Internal.status else InvalidRequest if status < Internal.status else Internal
    detail = problem.get("detail") or problem.get("message") or f"The service answered {status}."
    members = {name: value for name, value in problem.items() if name not in _STANDARD and name.isidentifier()}
    return found(str(detail), **members)  # type: ignore[arg-type]  # members come off the wire
