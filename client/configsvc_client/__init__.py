"""Config and secrets for functions, containers and scripts: sealed by the developer, opened where they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from configsvc.model.errors import (
    AlreadyExists,
    CannotOpen,
    ClientError,
    ConfigsvcError,
    ConfigUnavailable,
    Conflict,
    Contended,
    Expired,
    Forbidden,
    Gone,
    IdempotencyMismatch,
    Internal,
    InvalidEnvelope,
    InvalidName,
    InvalidRequest,
    InvalidValue,
    MethodNotAllowed,
    Misconfigured,
    NotFound,
    NotTaken,
    PreconditionFailed,
    PreconditionRequired,
    StaleRevision,
    Throttled,
    TooLarge,
    Unavailable,
    Unprocessable,
    UnsupportedMediaType,
    VersionClaimed,
)
from configsvc_client._config import Config
from configsvc_client._opening.snapshot import NoSuchKey, Snapshot
from configsvc_client._opening.value import JSON
from configsvc_client._secret import Secret

if TYPE_CHECKING:
    from configsvc_client._opening.fallback_file import BadFallback
    from configsvc_client._refresh.health import Health

__all__ = [
    "JSON",
    "AlreadyExists",
    "BadFallback",
    "CannotOpen",
    "ClientError",
    "Config",
    "ConfigUnavailable",
    "ConfigsvcError",
    "Conflict",
    "Contended",
    "Expired",
    "Forbidden",
    "Gone",
    "Health",
    "IdempotencyMismatch",
    "Internal",
    "InvalidEnvelope",
    "InvalidName",
    "InvalidRequest",
    "InvalidValue",
    "MethodNotAllowed",
    "Misconfigured",
    "NoSuchKey",
    "NotFound",
    "NotTaken",
    "PreconditionFailed",
    "PreconditionRequired",
    "Secret",
    "Snapshot",
    "StaleRevision",
    "Throttled",
    "TooLarge",
    "Unavailable",
    "Unprocessable",
    "UnsupportedMediaType",
    "VersionClaimed",
]


def __getattr__(name: str) -> object:
    """Imports on first use what a cold start does without."""
    if name == "BadFallback":
        from configsvc_client._opening.fallback_file import BadFallback

        return BadFallback
    if name == "Health":
        from configsvc_client._refresh.health import Health

        return Health
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
