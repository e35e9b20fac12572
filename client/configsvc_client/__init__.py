"""Config and secrets for functions, containers and scripts: sealed by the developer, opened where they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from configsvc.model.errors import (
    CannotOpen,
    ConfigsvcError,
    ConfigUnavailable,
    Expired,
    Misconfigured,
    NotTaken,
    StaleRevision,
)
from configsvc_client._config import Config
from configsvc_client._secret import Secret
from configsvc_client._snapshot import Snapshot

if TYPE_CHECKING:
    from configsvc_client._health import Health

__all__ = [
    "CannotOpen",
    "Config",
    "ConfigUnavailable",
    "ConfigsvcError",
    "Expired",
    "Health",
    "Misconfigured",
    "NotTaken",
    "Secret",
    "Snapshot",
    "StaleRevision",
]


def __getattr__(name: str) -> object:
    """What a cold start does without, imported when it is asked for."""
    if name == "Health":
        from configsvc_client._health import Health

        return Health
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
