"""The write side: seal, put, change sets, data keys, grants. `from_environ` makes an `Admin`."""

from configsvc.model.change_set import Activate, Delete
from configsvc.model.grants import Grant
from configsvc_client.admin.admin import Admin, Following
from configsvc_client.admin.compose import from_environ, parse_service_url, read_settings
from configsvc_client.admin.fallback_file import SnapshotFile
from configsvc_client.admin.grants import Granted
from configsvc_client.admin.history import Difference, KeyChange, LogEntry, LogFilter, Moved, Served, VersionInfo
from configsvc_client.admin.namespaces import Lifted, NamespaceInfo, Pruned, Retention
from configsvc_client.admin.ports import Exchange
from configsvc_client.admin.reading import KeyInfo, Known, Opened
from configsvc_client.admin.rollback_plan import RollbackPlan
from configsvc_client.admin.rotation import Rotation
from configsvc_client.admin.sealing.drafts import Draft, check_draft, make_draft
from configsvc_client.admin.sealing.keyrings import StoredDataKey
from configsvc_client.admin.sealing.protection import Policy, Protection, read_policy
from configsvc_client.admin.values import Guarded, guard_draft
from configsvc_client.admin.wire.writes import Changed, Stored
from configsvc_client.admin.writing import Part

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
    "check_draft",
    "from_environ",
    "guard_draft",
    "make_draft",
    "parse_service_url",
    "read_policy",
    "read_settings",
]
