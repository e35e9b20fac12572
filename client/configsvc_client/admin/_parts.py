"""What an Admin is made of, and the base of its facets."""

from __future__ import annotations

from typing import NamedTuple

from configsvc_client._ports import Clock, Gateway
from configsvc_client.admin._access import Access
from configsvc_client.admin._activations import Activations
from configsvc_client.admin._data_keys import DataKeys
from configsvc_client.admin._history import History
from configsvc_client.admin._namespaces import Namespaces
from configsvc_client.admin._opening import Opener
from configsvc_client.admin._protection import Rules
from configsvc_client.admin._reader import Reader
from configsvc_client.admin._rewrapping import Rewrapper
from configsvc_client.admin._rotation import Rotator
from configsvc_client.admin._snapshot_file import SnapshotFiles
from configsvc_client.admin._writer import Writer


class Parts(NamedTuple):
    """What does the work; `from_environ` puts it together."""

    namespaces: Namespaces
    data_keys: DataKeys
    rewrapper: Rewrapper
    rotator: Rotator
    reader: Reader
    history: History
    opener: Opener
    writer: Writer
    access: Access
    files: SnapshotFiles
    gateway: Gateway
    clock: Clock
    rules: Rules
    activations: Activations


class Facet:
    """A share of what an Admin does."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
