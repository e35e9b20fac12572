"""What the log is told of trouble: once when it begins, once when it is over. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from configsvc.model.errors import SENT, ConfigsvcError, Internal, Throttled, Unavailable
from configsvc.model.names import Namespace
from configsvc.model.record import Record
from configsvc_client._body import refuses

_PASSING = frozenset(each.code for each in SENT if issubclass(each, Unavailable | Throttled | Internal))
_OUTAGE = "outage"
_NONE: Mapping[Namespace, frozenset[str]] = MappingProxyType({})


class Troubles(Record):
    """Of each namespace, what kinds of trouble the log was told of since it was last well; and which have broken keys.

    A kind is told once until the namespace is well again, so an outage that turns into a refusal and back is two lines.
    """

    told: Mapping[Namespace, frozenset[str]] = _NONE
    broken: frozenset[Namespace] = frozenset()


def settled(
    before: Troubles, errors: Mapping[Namespace, ConfigsvcError], broken: Mapping[Namespace, Iterable[str]]
) -> tuple[Troubles, list[str]]:
    """After a load or a refresh: what the log has been told from now on, and the lines that it is told now.

    Args:
        before: what it was told.
        errors: why each namespace is not updated that is not; one error for several makes one line.
        broken: of each namespace the keys that are there but do not open.
    """
    told = {each: before.told.get(each, frozenset()) | {_kind(error)} for each, error in errors.items()}
    begun = [each for each in told if told[each] != before.told.get(each)]
    healed = [each for each in before.told if each not in told]
    lacking = {each: sorted(keys) for each, keys in broken.items() if keys}
    lines = [*_begun({each: errors[each] for each in begun}), *_lacking(lacking, before)]
    lines += [f"All keys of {each} open again." for each in sorted(before.broken - lacking.keys())]
    if healed:
        lines.append(f"{_names(healed)} updated again.")
    return Troubles(told, frozenset(lacking)), lines


def loaded(broken: Mapping[Namespace, Iterable[str]], error: ConfigsvcError | None) -> tuple[Troubles, list[str]]:
    """After the first load. Why it came from the fallback file was told with that, and is not told again."""
    begun, _ = settled(Troubles(), {} if error is None else dict.fromkeys(broken, error), broken)
    return begun, settled(Troubles(), {}, broken)[1]


def _kind(error: ConfigsvcError) -> str:
    code = str(error.members.get("cause", error.code))
    return _OUTAGE if code in _PASSING and not refuses(error) else code


def _begun(errors: Mapping[Namespace, ConfigsvcError]) -> list[str]:
    by_text = dict[str, list[Namespace]]()
    for namespace, error in errors.items():
        by_text.setdefault(error.detail, []).append(namespace)
    return [
        f"{_names(each)} not updated, and what is held of {'them' if len(each) > 1 else 'it'} stays. {text}"
        for text, each in by_text.items()
    ]


def _lacking(lacking: Mapping[Namespace, list[str]], before: Troubles) -> list[str]:
    return [
        f"{_counted(len(keys))} of {each} {'does' if len(keys) == 1 else 'do'} not open, and reading one raises why: "
        f"{', '.join(keys[:_SHOWN])}{', …' if len(keys) > _SHOWN else ''}."
        for each, keys in lacking.items()
        if each not in before.broken
    ]


_SHOWN = 5


def _counted(keys: int) -> str:
    return "1 key" if keys == 1 else f"{keys} keys"


def _names(namespaces: list[Namespace]) -> str:
    return f"{', '.join(namespaces)} {'are' if len(namespaces) > 1 else 'is'}"
