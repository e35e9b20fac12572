"""Config and secrets for functions, containers and scripts: sealed by the developer, opened where they are read."""

from configsvc.model.errors import (
    CannotOpen,
    ConfigsvcError,
    ConfigUnavailable,
    Expired,
    Misconfigured,
    NotTaken,
    WentBackwards,
)
from configsvc_client._config import Config
from configsvc_client._secret import Secret
from configsvc_client._snapshot import Snapshot

__all__ = [
    "CannotOpen",
    "Config",
    "ConfigUnavailable",
    "ConfigsvcError",
    "Expired",
    "Misconfigured",
    "NotTaken",
    "Secret",
    "Snapshot",
    "WentBackwards",
]
