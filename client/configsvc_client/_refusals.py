"""Namespaces of which an answer was not taken: why, how old what is held of each is, and when it is opened again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from configsvc.model.errors import ConfigsvcError, Internal, Throttled, Unavailable
from configsvc.model.names import Namespace
from configsvc.model.record import Record
from configsvc_client._body import NOT_OURS
from configsvc_client._freshness import Freshness, Pace
from configsvc_client._ports import Chance, Found, Moment

_PASSING = (Unavailable, Throttled, Internal)


class Refused(Record):
    """Why a namespace's answer was not taken, and a mark that the same answer has again; none where there was none."""

    error: ConfigsvcError
    mark: int | None = None


class _Refusal(Record):
    refused: Refused
    retry: Freshness
    warned: bool


class Refusals:
    """Those of one Config. The thread that refreshes uses it."""

    def __init__(self, interval: float, chance: Chance) -> None:
        self._pace = Pace(interval)
        self._chance = chance
        self._confirmed: dict[Namespace, Moment] = {}
        self._held: dict[Namespace, _Refusal] = {}

    @property
    def errors(self) -> dict[Namespace, ConfigsvcError]:
        """Why each namespace that is refused is."""
        return {namespace: each.refused.error for namespace, each in self._held.items()}

    def loaded(self, namespaces: Iterable[Namespace], at: Moment) -> None:
        """All of them were loaded and are as old as that."""
        self._confirmed, self._held = dict.fromkeys(namespaces, at), {}

    def waiting(self, now: Moment) -> dict[Namespace, Refused]:
        """What is not opened again yet if the same comes again: that could cost a KMS call with each poll.

        Where every namespace is refused, polls themselves come later and later.
        """
        if len(self._held) == len(self._confirmed):
            return {}
        return {namespace: each.refused for namespace, each in self._held.items() if not each.retry.due(now)}

    def settle(self, refused: Mapping[Namespace, Refused], now: Moment) -> list[str]:
        """After a refresh: what is refused now, all else is confirmed; what the log is to be told."""
        if not refused and not self._held:  # nearly every poll
            self._confirmed = dict.fromkeys(self._confirmed, now)
            return []
        told = [f"{each} is taken again." for each, old in self._held.items() if old.warned and each not in refused]
        self._confirmed.update((each, now) for each in self._confirmed if each not in refused)
        held = dict[Namespace, _Refusal]()
        for namespace, each in refused.items():
            old = self._held.get(namespace)
            warned = bool(old and old.warned)
            if not warned and not _passes(each.error):
                told.append(f"{namespace} is not updated, and what is held of it stays. {each.error.detail}")
                warned = True
            held[namespace] = _Refusal(each, self._retry(old, each, now), warned)
        self._held = held  # whole, because any thread may be reading `errors`
        return told

    def oldest(self) -> Moment:
        """Since when something that is held was not confirmed, by each clock."""
        moments = self._confirmed.values()
        return Moment(min(each.wall for each in moments), min(each.monotonic for each in moments))

    def _retry(self, old: _Refusal | None, refused: Refused, now: Moment) -> Freshness:
        if old is None:
            return Freshness(now, now, 0.0).failed(now, self._pace, self._chance)
        if old.refused.mark == refused.mark and not old.retry.due(now):
            return old.retry
        return old.retry.failed(now, self._pace, self._chance)


def mark_of(found: Found) -> int:
    """The same for the same answer, whatever its ETag says."""
    return hash((found.sealed.revision, frozenset(found.sealed.entries), found.sealed.data_keys))


def _passes(error: ConfigsvcError) -> bool:
    """Whether it is an outage, and nothing that somebody did to the namespace."""
    return isinstance(error, _PASSING) and error.members.get("reason") != NOT_OURS
