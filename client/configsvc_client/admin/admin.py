"""`Admin`: the write side of configsvc, for the command line and for scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, Self

from configsvc.model import names
from configsvc.model.errors import ConfigsvcError, NotTaken
from configsvc.model.names import Namespace
from configsvc.model.snapshot import SealedSnapshot
from configsvc_client._opening.opening import RememberedSnapshot, check_begins, check_follows, compute_fingerprint
from configsvc_client._ports import Clocks, FetchedSnapshot, Gateway
from configsvc_client.admin.change_sets import ChangeSets
from configsvc_client.admin.data_keys import DataKeys
from configsvc_client.admin.fallback_file import FallbackFile
from configsvc_client.admin.grants import CallerAccess, Grants
from configsvc_client.admin.history import History
from configsvc_client.admin.namespaces import Namespaces
from configsvc_client.admin.rollback import Rollback
from configsvc_client.admin.values import Values


class AdminNouns(NamedTuple):
    """The parts of an `Admin`, one for each noun; `from_environ` assembles them."""

    values: Values
    change_sets: ChangeSets
    namespaces: Namespaces
    data_keys: DataKeys
    grants: Grants
    access: CallerAccess
    history: History
    rollback: Rollback
    fallback_file: FallbackFile


class Admin:
    """Everything that people and scripts do with configsvc. Reads need an API key; writes also need AWS credentials.

    Each noun has its verbs: `admin.values.put(…)`, `admin.namespaces.create(…)`, `admin.grants.set(…)`.

    Every method raises the errors of `configsvc.model.errors` that the service answered, or Unavailable if it did not
    answer. Writes are retried when that is safe, and take effect once.

    Attributes:
        values: read and write the values of keys.
        change_sets: change several keys at once, all or nothing.
        namespaces: create, change, list and delete namespaces.
        data_keys: list, add, rewrap, retire and rotate data keys.
        grants: get and set who may do what.
        access: check who the caller is, and whether the service can be used.
        history: list versions, the change log and differences.
        rollback: serve earlier versions again.
        fallback_file: save and verify the fallback file of readers.
    """

    def __init__(
        self, nouns: AdminNouns, gateway: Gateway, clock: Clocks, close: Callable[[], None] = lambda: None
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
        """Watch namespaces for changes. Each look costs as much as a poll; nothing is requested yet."""
        return Following(self._gateway, [names.parse_namespace(each) for each in namespaces], self._clock)


_LOOK_SECONDS = 29.0
"""One request may take as long as API Gateway lets it (Amazon API Gateway quotas, integration timeout)."""


class Following:
    """Watches namespaces for changes. Not safe for use by several threads at once.

    Attributes:
        refused: the namespaces whose snapshots were refused by the last look, and why.

    Args:
        gateway: reads from the service.
        namespaces: one or more.
        clock: sets deadlines.
    """

    def __init__(self, gateway: Gateway, namespaces: Iterable[Namespace], clock: Clocks) -> None:
        self._gateway = gateway
        self._clock = clock
        self._etags: dict[Namespace, str | None] = dict.fromkeys(namespaces)
        self._held: dict[Namespace, SealedSnapshot] = {}
        self.refused: dict[Namespace, ConfigsvcError] = {}

    @property
    def held(self) -> dict[Namespace, SealedSnapshot]:
        """The snapshots of the last look, in the order of the namespaces."""
        return {each: self._held[each] for each in self._etags if each in self._held}

    def look(self) -> dict[Namespace, SealedSnapshot]:
        """Fetch the snapshots that changed since the last look; all of them the first time.

        A namespace whose snapshot is refused is listed in `refused`; the others are updated.

        Raises:
            ConfigsvcError: nothing could be fetched, or a namespace has no snapshot yet. Held snapshots stay, and the
                next look may succeed.
        """
        found = self._gateway.fetch(self._etags, self._clock.now().monotonic + _LOOK_SECONDS)
        refused = {
            namespace: error for namespace, each in found.items() if (error := self._find_refusal(namespace, each))
        }
        missing = [error for namespace, error in refused.items() if namespace not in self._held]
        if missing or (refused and len(refused) == len(self._etags)):
            raise (missing or list(refused.values()))[0]
        self.refused = refused
        taken = {
            name: each for name, each in found.items() if isinstance(each, FetchedSnapshot) and name not in refused
        }
        self._etags |= {namespace: each.etag for namespace, each in taken.items()}
        changed = {namespace: each.sealed for namespace, each in taken.items()}
        self._held |= changed
        return changed

    def _find_refusal(self, namespace: Namespace, found: FetchedSnapshot | ConfigsvcError) -> ConfigsvcError | None:
        """Finds why a reader would refuse the fetched snapshot of a namespace; None if it would not."""
        if isinstance(found, ConfigsvcError):
            return found
        held = self._held.get(namespace)
        try:
            if held is None:
                check_begins(namespace, found.sealed, 0)
            else:
                check_follows(namespace, RememberedSnapshot(held.revision, compute_fingerprint(held)), found.sealed)
        except NotTaken as error:
            return error.with_traceback(None)
        return None
