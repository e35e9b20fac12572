"""Follows what some namespaces serve: one conditional GET a look, and only what changed comes back."""

from __future__ import annotations

from collections.abc import Iterable

from configsvc.model.errors import ConfigsvcError, NotTaken
from configsvc.model.names import Namespace
from configsvc.model.snapshot import SealedSnapshot
from configsvc_client._follows import RememberedSnapshot, check_begins, check_follows, fingerprint
from configsvc_client._ports import Clocks, FetchedSnapshot, Gateway

_SECONDS = 29.0
"""One request may take as long as API Gateway lets it (Amazon API Gateway quotas, integration timeout)."""


class Following:
    """What was served at the last look; one thread at a time uses it.

    Args:
        gateway: the service, for reading.
        namespaces: which, one or more.
        clock: for deadlines.
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
        """The snapshots that are not as they were at the last look; all of them the first time.

        `refused` says of which namespaces nothing was taken, and why; the others move on.

        Raises:
            ConfigsvcError: nothing came, or of a namespace that is not held there is nothing. What is held stays, and
                the next look may be well.
        """
        found = self._gateway.fetch(self._etags, self._clock.now().monotonic + _SECONDS)
        refused = {namespace: error for namespace, each in found.items() if (error := self._refusal(namespace, each))}
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

    def _refusal(self, namespace: Namespace, found: FetchedSnapshot | ConfigsvcError) -> ConfigsvcError | None:
        """Why what came of a namespace is not taken, as a reader decides it."""
        if isinstance(found, ConfigsvcError):
            return found
        held = self._held.get(namespace)
        try:
            if held is None:
                check_begins(namespace, found.sealed, 0)
            else:
                check_follows(namespace, RememberedSnapshot(held.revision, fingerprint(held)), found.sealed)
        except NotTaken as error:
            return error.with_traceback(None)
        return None
