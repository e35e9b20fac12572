"""`Admin`: the write side of configsvc, for the command line and for scripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Self

from configsvc.model import names
from configsvc_client._ports import Clocks, Gateway
from configsvc_client.admin._access import Access
from configsvc_client.admin._change_sets import ChangeSets
from configsvc_client.admin._data_keys import DataKeys
from configsvc_client.admin._fallback_file import FallbackFile
from configsvc_client.admin._following import Following
from configsvc_client.admin._grants import Grants
from configsvc_client.admin._history import History
from configsvc_client.admin._namespaces import Namespaces
from configsvc_client.admin._rollback import Rollback
from configsvc_client.admin._values import Values


class Nouns(NamedTuple):
    """The parts of an `Admin`, one for each thing that it works on; `from_environ` puts them together."""

    values: Values
    change_sets: ChangeSets
    namespaces: Namespaces
    data_keys: DataKeys
    grants: Grants
    access: Access
    history: History
    rollback: Rollback
    fallback_file: FallbackFile


class Admin:
    """Everything that people and scripts do with configsvc. Reads need an API key, writes AWS credentials too.

    Each noun has its verbs: `admin.values.put(…)`, `admin.namespaces.create(…)`, `admin.grants.set(…)`.

    Every method raises the errors of `configsvc.model.errors` as the service answered them, and Unavailable when it
    did not. Writes are sent again where that is safe, and done once.

    Attributes:
        values: read and write the values of keys.
        change_sets: change several keys at once, all or nothing.
        namespaces: create, change, list and delete namespaces.
        data_keys: list, add, rewrap, retire and rotate data keys.
        grants: who may do what.
        access: who the caller is, and whether the service can be used.
        history: versions, the change log, and differences.
        rollback: serve again what was served before.
        fallback_file: save and verify the fallback file of readers.
    """

    def __init__(
        self, nouns: Nouns, gateway: Gateway, clock: Clocks, close: Callable[[], None] = lambda: None
    ) -> None:  # fmt: skip
        self.values = nouns.values
        self.change_sets = nouns.change_sets
        self.namespaces = nouns.namespaces
        self.data_keys = nouns.data_keys
        self.grants = nouns.grants
        self.access = nouns.access
        self.history = nouns.history
        self.rollback = nouns.rollback
        self.fallback_file = nouns.fallback_file
        self._gateway = gateway
        self._clock = clock
        self._close = close

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        self._close()

    def follow(self, *namespaces: str) -> Following:
        """Watch namespaces for changes, each look at the cost of a poll. Nothing is requested yet."""
        return Following(self._gateway, [names.namespace(each) for each in namespaces], self._clock)
