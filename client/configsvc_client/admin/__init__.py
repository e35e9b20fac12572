"""The write side: seal, put, change sets, data keys, grants. `from_environ` makes an `Admin`."""

from configsvc.model.change_set import Activate, Delete
from configsvc.model.grants import Grant
from configsvc_client.admin._admin import Admin
from configsvc_client.admin._back import RollbackPlan
from configsvc_client.admin._compose import from_environ, service_url, settings_in
from configsvc_client.admin._draft import Draft, checked, draft
from configsvc_client.admin._fallback_file import SnapshotFile
from configsvc_client.admin._following import Following
from configsvc_client.admin._grants import Granted
from configsvc_client.admin._guarded import Guarded, guarded
from configsvc_client.admin._history import (
    Difference,
    KeyChange,
    LogEntry,
    LogFilter,
    Moved,
    Served,
    VersionInfo,
)
from configsvc_client.admin._keyrings import StoredDataKey
from configsvc_client.admin._namespaces import Lifted, NamespaceInfo, Pruned, Retention
from configsvc_client.admin._observed import Exchange
from configsvc_client.admin._protection import Policy, Protection, read_policy
from configsvc_client.admin._reader import KeyInfo, Known, Opened
from configsvc_client.admin._rotation import Rotation
from configsvc_client.admin._wire import Changed, Stored
from configsvc_client.admin._writer import Part

__all__ = [
    "Activate",
    "Admin",
    "Changed",
    "Delete",
    "Difference",
    "Draft",
    "Exchange",
    "Following",
    "Grant",
    "Granted",
    "Guarded",
    "KeyChange",
    "KeyInfo",
    "Known",
    "Lifted",
    "LogEntry",
    "LogFilter",
    "Moved",
    "NamespaceInfo",
    "Opened",
    "Part",
    "Policy",
    "Protection",
    "Pruned",
    "Retention",
    "RollbackPlan",
    "Rotation",
    "Served",
    "SnapshotFile",
    "Stored",
    "StoredDataKey",
    "VersionInfo",
    "checked",
    "draft",
    "from_environ",
    "guarded",
    "read_policy",
    "service_url",
    "settings_in",
]
