"""Masks values in texts: the sealed ones of the snapshots that it follows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from configsvc.model.errors import CannotOpen
from configsvc_client._opening.snapshot import Snapshot
from configsvc_client._opening.value import ConfigValue
from configsvc_client._secret import ReprOnly, Secret

SHORTEST = 8
"""Characters of the shortest value that is masked: shorter ones are parts of ordinary words."""

MASK = "***"

_LONG = 2 * SHORTEST
_CHOICES = (4, 16, 64)
_FEW = 4


class Needles:
    """Texts to search for in others, in a time that hardly grows with their number.

    Args:
        texts: each of at least 8 characters.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._all = sorted(texts, key=lambda text: (-len(text), text))
        self._after_a_mask = {number for number, text in enumerate(self._all) if MASK[0] in text}
        long = sum(len(text) >= _LONG for text in self._all)
        parts = (_Parts(_LONG, self._all[:long], 0), _Parts(SHORTEST, self._all[long:], long))
        self._parts = [each for each in parts if each]

    def __len__(self) -> int:
        return len(self._all)

    def perhaps(self, text: str) -> list[str]:
        """All that are in the text, or that can be where it is masked, and few others; the longest first."""
        numbers = set[int]()
        for each in self._parts:
            numbers |= each.numbers(text)
        return [self._all[number] for number in sorted(numbers | self._after_a_mask)] if numbers else []


class _Parts:
    """One part of each of some texts: of four that it may be, the one that the fewest others have.

    Where many others have all four, as of connection strings that differ in their passwords, it is one of more.

    Parts are twice as long as runs. So wherever a part is in a text, one of its runs begins at a multiple of the step:
    only the runs there are looked up, and where one is known, the parts around it.

    Args:
        length: of each part.
        texts: none is shorter.
        first: the number of the first text.
    """

    def __init__(self, length: int, texts: Sequence[str], first: int) -> None:
        self._length, self._run, self._step = length, length // 2, length // 2 + 1
        self._known: dict[str, list[int]] = {}
        for number, part in enumerate(_choose_least_shared(texts, length), first):
            self._known.setdefault(part, []).append(number)
        self._runs = {part[at : at + self._run] for part in self._known for at in range(self._step)}

    def __bool__(self) -> bool:
        return bool(self._known)

    def numbers(self, text: str) -> set[int]:
        """Those of texts whose part is in this one."""
        run, runs, places = self._run, self._runs, list[int]()
        for place in range(0, len(text) - run + 1, self._step):  # a comprehension costs half as much again
            if text[place : place + run] in runs:
                places.append(place)  # as above
        return self._around(text, places) if places else set()

    def _around(self, text: str, places: list[int]) -> set[int]:
        known, parts = self._known, set[str]()
        for place in places:
            for at in range(max(0, place - self._step + 1), place + 1):
                part = text[at : at + self._length]
                if part in known:
                    parts.add(part)
        return {number for part in parts for number in known[part]}


def _choose_least_shared(texts: Sequence[str], length: int) -> list[str]:
    """Chooses a part of each text that few others have; considers more parts only for texts without one so far."""
    parts, left = [""] * len(texts), list(range(len(texts)))
    for many in _CHOICES:
        choices = {number: _choose_parts(texts[number], length, many) for number in left}
        seen = Counter(part for each in choices.values() for part in each)
        for number, each in choices.items():
            parts[number] = min(each, key=seen.__getitem__)
        left = [number for number in left if seen[parts[number]] > _FEW and len(texts[number]) - length >= many]
    return parts


def _choose_parts(text: str, length: int, many: int) -> dict[str, None]:
    """So many parts of it, from its beginning to its end, each once."""
    last = len(text) - length
    return dict.fromkeys(text[(at := last * number // (many - 1)) : at + length] for number in range(many))


class Mask(ReprOnly):
    """Knows the sealed values of the current snapshot and of the one before, and shows none."""

    __slots__ = ("_current", "_wanted")

    def __init__(self) -> None:
        self._current: tuple[Snapshot | None, Secret] = None, Secret(frozenset[str]())
        self._wanted = Secret(Needles(()))

    def __bool__(self) -> bool:
        return len(self._wanted.reveal()) > 0

    def __repr__(self) -> str:
        return f"Mask({len(self._wanted.reveal())} texts)"

    def follow(self, snapshot: Snapshot) -> None:
        """From now on that snapshot's values; nothing is done while it is the same one."""
        followed, before = self._current
        if snapshot is followed:
            return
        current = Secret(frozenset(_list_spellings(snapshot)))
        self._wanted = Secret(Needles(current.reveal() | before.reveal()))  # also where another thread was faster
        self._current = snapshot, current

    def mask_text(self, text: str) -> str:
        """The text with every value in it masked, the longest first."""
        for each in self._wanted.reveal().perhaps(text):
            if each in text:
                text = text.replace(each, MASK)
        return text

    def mask_any(self, value: Any) -> Any:  # noqa: ANN401  # whatever is logged
        """Texts masked, also inside dicts, lists, tuples and sets; the same object where nothing is."""
        if isinstance(value, str):
            return self.mask_text(value)
        if isinstance(value, bytes):
            text = value.decode("latin-1")
            masked = self.mask_text(text)
            return value if masked == text else masked.encode("latin-1")
        if isinstance(value, dict):
            return _keep_unless_changed(
                value, {self.mask_any(name): self.mask_any(each) for name, each in value.items()}
            )
        for kind in (list, tuple, set, frozenset):
            if isinstance(value, kind):
                return _keep_unless_changed(value, kind(self.mask_any(each) for each in value))
        return value

    def mask_object(self, value: Any) -> Any:  # noqa: ANN401  # whatever is logged
        """As `anything`; an object that shows a value in its own text becomes that text, masked."""
        masked = self.mask_any(value)
        if masked is not value or isinstance(value, str | bytes | int | float | None):
            return masked
        texts = str(value), repr(value)
        return value if tuple(map(self.mask_text, texts)) == texts else self.mask_text(texts[0])


def _keep_unless_changed(value: Any, masked: Any) -> Any:  # noqa: ANN401  # a dict, list or tuple
    return value if value == masked else masked


def _list_spellings(snapshot: Snapshot) -> Iterator[str]:
    for key in snapshot.sealed:
        try:
            value = snapshot[key]
        except CannotOpen as error:
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            continue
        for text in _walk_texts(value):
            if len(text) >= SHORTEST:
                yield from _escape_each_way(text)


def _walk_texts(value: ConfigValue) -> Iterator[str]:
    """The texts in a value: itself, or what its JSON holds, even where C code made that hold itself."""
    left, seen = [value], set[int]()
    while left:
        each = left.pop()
        if isinstance(each, str):
            yield each
            if each.strip() != each:
                yield each.strip()
        elif isinstance(each, bytes):
            yield each.decode("latin-1")
            yield each.decode(errors="replace")
            yield repr(each)[2:-1]
        elif isinstance(each, Mapping | list | tuple) and id(each) not in seen:
            seen.add(id(each))
            left.extend(each.values() if isinstance(each, Mapping) else each)


def _escape_each_way(text: str) -> set[str]:
    """As it is, and as Python, JSON and URLs spell it."""
    from urllib.parse import quote, quote_plus

    spellings = {text, repr(text)[1:-1], json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    try:
        return spellings | {quote(text), quote(text, safe=""), quote_plus(text)}
    except UnicodeEncodeError:
        return spellings
