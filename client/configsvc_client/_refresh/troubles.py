"""Namespaces whose answer was refused: why, since when, and when it is opened again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from configsvc.model.errors import SENT, ConfigsvcError, Internal, Throttled, Unavailable
from configsvc.model.names import Namespace
from configsvc.model.record import Record
from configsvc.model.retry import Backoff
from configsvc_client._freshness import age
from configsvc_client._ports import NOT_OURS, Chance, ClockReading, FetchedSnapshot
from configsvc_client._service.answers import is_unusable_answer

_MOST_INTERVALS = 5
_TOO_SLOW = 4
_TRANSIENT_ERRORS = (Unavailable, Throttled, Internal)


class RefusedNamespace(Record):
    """Why a namespace's answer was refused, and a mark that recognizes that answer again; None if none came."""

    error: ConfigsvcError
    mark: int | None = None


class _Refusal(Record):
    refused: RefusedNamespace
    since: ClockReading
    quiet: float
    times: int

    def due(self, now: ClockReading) -> bool:
        return age(self.since, now) >= self.quiet

    def waits(self, now: ClockReading) -> bool:
        """Whether the same answer is not opened again yet.

        After an outage of KMS, it is opened again with each poll, so that its end is noticed. After a lack of time too,
        but only until the longest deadline did not help: each try gets further, because what KMS opened is kept, but
        also costs that much time.
        """
        if self.refused.error.members.get("reason") == "deadline":
            return self.times > _TOO_SLOW and not self.due(now)
        return not _is_outage(self.refused.error) and not self.due(now)


class Refusals:
    """The refused namespaces of one Config, and when each namespace was last confirmed. `settle` returns the next.

    Args:
        interval: seconds between polls.
        chance: draws the time until the same answer is opened again.
        confirmed: when each namespace was last confirmed.
        held: the refused namespaces.
    """

    def __init__(
        self,
        interval: float,
        chance: Chance,
        confirmed: Mapping[Namespace, ClockReading],
        held: Mapping[Namespace, _Refusal] = MappingProxyType({}),
    ) -> None:
        self._interval = interval
        self._chance = chance
        self._confirmed = confirmed
        self._held = held

    @property
    def errors(self) -> dict[Namespace, ConfigsvcError]:
        """The error of each refused namespace."""
        return {namespace: each.refused.error for namespace, each in self._held.items()}

    def waiting(self, now: ClockReading) -> dict[Namespace, RefusedNamespace]:
        """Returns the answers that are not opened again yet if they are repeated: each poll could cost a KMS call."""
        return {namespace: each.refused for namespace, each in self._held.items() if each.waits(now)}

    def settle(self, refused: Mapping[Namespace, RefusedNamespace], now: ClockReading) -> Refusals:
        """Returns the state after a refresh. Every namespace that is not refused counts as confirmed."""
        confirmed = {each: at if each in refused else now for each, at in self._confirmed.items()}
        held = {each: self._make_refusal(self._held.get(each), refusal, now) for each, refusal in refused.items()}
        return Refusals(self._interval, self._chance, confirmed, held)

    def oldest(self) -> ClockReading:
        """Returns when the namespace that was not confirmed for the longest time last was, by each clock."""
        moments = self._confirmed.values()
        return ClockReading(min(each.wall for each in moments), min(each.monotonic for each in moments))

    def _make_refusal(self, old: _Refusal | None, refused: RefusedNamespace, now: ClockReading) -> _Refusal:
        """Makes a refusal. The same answer is opened again after full jitter up to 2, 4, then at most 5 intervals."""
        if old is not None and old.refused.mark == refused.mark and old.waits(now):
            return old
        times = old.times + 1 if old else 1
        longest = Backoff(2 * self._interval, _MOST_INTERVALS * self._interval).longest(times)
        return _Refusal(refused, now, self._chance() * longest, times)


def hash_answer(found: FetchedSnapshot) -> int:
    """Hashes an answer without its ETag."""
    return hash((found.sealed.revision, frozenset(found.sealed.entries), found.sealed.data_keys))


def _is_outage(error: ConfigsvcError) -> bool:
    """Whether it is an outage, not something that somebody did to the namespace."""
    return isinstance(error, _TRANSIENT_ERRORS) and error.members.get("reason") != NOT_OURS


_PASSING = frozenset(each.code for each in SENT if issubclass(each, Unavailable | Throttled | Internal))
_OUTAGE = "outage"
_NONE: Mapping[Namespace, frozenset[str]] = MappingProxyType({})


class Troubles(Record):
    """The kinds of trouble logged for each namespace since it was last well, and the namespaces with broken keys.

    A kind is logged once until the namespace is well again: an outage that turns into a refusal and back is two lines.
    """

    told: Mapping[Namespace, frozenset[str]] = _NONE
    broken: frozenset[Namespace] = frozenset()


def settle(
    before: Troubles, errors: Mapping[Namespace, ConfigsvcError], broken: Mapping[Namespace, Iterable[str]]
) -> tuple[Troubles, list[str]]:
    """Returns the troubles that are logged after a load or a refresh, and the lines to log now.

    Args:
        before: what was logged so far.
        errors: the error of each namespace that is not updated; namespaces with the same error share a line.
        broken: the keys of each namespace that exist but do not open.
    """
    told = {each: before.told.get(each, frozenset()) | {_classify(error)} for each, error in errors.items()}
    begun = [each for each in told if told[each] != before.told.get(each)]
    healed = [each for each in before.told if each not in told]
    lacking = {each: sorted(keys) for each, keys in broken.items() if keys}
    lines = [*_describe_begun({each: errors[each] for each in begun}), *_describe_broken(lacking, before)]
    lines += [f"All keys of {each} open again." for each in sorted(before.broken - lacking.keys())]
    if healed:
        lines.append(f"{_join_names(healed)} updated again.")
    return Troubles(told, frozenset(lacking)), lines


def settle_first_load(
    broken: Mapping[Namespace, Iterable[str]], error: ConfigsvcError | None
) -> tuple[Troubles, list[str]]:
    """Does the same after the first load. The reason for using the fallback file was logged then, not again here."""
    begun, _ = settle(Troubles(), {} if error is None else dict.fromkeys(broken, error), broken)
    return begun, settle(Troubles(), {}, broken)[1]


def _classify(error: ConfigsvcError) -> str:
    code = str(error.members.get("cause", error.code))
    return _OUTAGE if code in _PASSING and not is_unusable_answer(error) else code


def _describe_begun(errors: Mapping[Namespace, ConfigsvcError]) -> list[str]:
    by_text = dict[str, list[Namespace]]()
    for namespace, error in errors.items():
        by_text.setdefault(error.detail, []).append(namespace)
    return [
        f"{_join_names(each)} not updated and {'keep their' if len(each) > 1 else 'keeps its'} values. {text}"
        for text, each in by_text.items()
    ]


def _describe_broken(lacking: Mapping[Namespace, list[str]], before: Troubles) -> list[str]:
    return [
        f"{_count(len(keys))} of {each} {'does' if len(keys) == 1 else 'do'} not open, and reading one raises why: "
        f"{', '.join(keys[:_SHOWN])}{', …' if len(keys) > _SHOWN else ''}."
        for each, keys in lacking.items()
        if each not in before.broken
    ]


_SHOWN = 5


def _count(keys: int) -> str:
    return "1 key" if keys == 1 else f"{keys} keys"


def _join_names(namespaces: list[Namespace]) -> str:
    return f"{', '.join(namespaces)} {'are' if len(namespaces) > 1 else 'is'}"
