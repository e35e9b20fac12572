"""Follows what some namespaces serve: one conditional GET a look, and only what changed comes back."""

from __future__ import annotations

from collections.abc import Iterable

from configsvc.model.errors import ConfigsvcError
from configsvc.model.names import Namespace
from configsvc.model.snapshot import SealedSnapshot
from configsvc_client._ports import Clock, Found, Gateway

_SECONDS = 29.0
"""One request may take as long as API Gateway lets it (Amazon API Gateway quotas, integration timeout)."""


class Following:
    """What was served at the last look; one thread at a time uses it.

    Args:
        gateway: the service, for reading.
        namespaces: which, one or more.
        clock: for deadlines.
    """

    def __init__(self, gateway: Gateway, namespaces: Iterable[Namespace], clock: Clock) -> None:
        self._gateway = gateway
        self._clock = clock
        self._etags: dict[Namespace, str | None] = dict.fromkeys(namespaces)
        self._held: dict[Namespace, SealedSnapshot] = {}

    @property
    def held(self) -> dict[Namespace, SealedSnapshot]:
        """The snapshots of the last look, in the order of the namespaces."""
        return {each: self._held[each] for each in self._etags if each in self._held}

    def look(self) -> dict[Namespace, SealedSnapshot]:
        """The snapshots that are not as they were at the last look; all of them the first time.

        Raises:
            ConfigsvcError: the service did not answer, or refused; what is held stays. The next look may be well.
        """
        found = self._gateway.fetch(self._etags, self._clock.now().monotonic + _SECONDS)
        for failed in found.values():
            if isinstance(failed, ConfigsvcError):
                raise failed
        whole = {namespace: each for namespace, each in found.items() if isinstance(each, Found)}
        self._etags |= {namespace: each.etag for namespace, each in whole.items()}
        changed = {namespace: each.sealed for namespace, each in whole.items()}
        self._held |= changed
        return changed
