"""The write side: seal, put, change sets, data keys, grants. `from_environ` makes an `Admin`."""

from configsvc.model.change_set import Activate, Delete
from configsvc.model.grants import Grant
from configsvc_client.admin._access import Granted
from configsvc_client.admin._admin import Admin
from configsvc_client.admin._compose import from_environ
from configsvc_client.admin._draft import Draft, checked, draft
from configsvc_client.admin._reader import KeyInfo, NamespaceInfo, Opened
from configsvc_client.admin._sealing import StoredDataKey
from configsvc_client.admin._wire import Changed, Stored
from configsvc_client.admin._writer import Part

__all__ = [
    "Activate",
    "Admin",
    "Changed",
    "Delete",
    "Draft",
    "Grant",
    "Granted",
    "KeyInfo",
    "NamespaceInfo",
    "Opened",
    "Part",
    "Stored",
    "StoredDataKey",
    "checked",
    "draft",
    "from_environ",
]
