"""Masks values in texts: the sealed ones of the snapshots that it follows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from configsvc.model.errors import CannotOpen
from configsvc_client._secret import Secret, Shown
from configsvc_client._snapshot import Snapshot
from configsvc_client._value import Value

SHORTEST = 8
"""Characters of the shortest value that is masked: shorter ones are parts of ordinary words."""

MASK = "***"


class Mask(Shown):
    """Knows the sealed values of the current snapshot and of the one before, and shows none."""

    __slots__ = ("_current", "_followed", "_wanted")

    def __init__(self) -> None:
        self._followed: Snapshot | None = None
        self._current = Secret(frozenset[str]())
        self._wanted = Secret(())

    def __bool__(self) -> bool:
        return bool(self._wanted.reveal())

    def __repr__(self) -> str:
        return f"Mask({len(self._wanted.reveal())} texts)"

    def follow(self, snapshot: Snapshot) -> None:
        """From now on that snapshot's values; nothing is done while it is the same one."""
        if snapshot is self._followed:
            return
        current = Secret(frozenset(_spellings(snapshot)))
        self._wanted = Secret(tuple(sorted(current.reveal() | self._current.reveal(), key=len, reverse=True)))
        self._current = current
        self._followed = snapshot

    def text(self, text: str) -> str:
        """The text with every value in it masked, the longest first."""
        for each in self._wanted.reveal():
            if each in text:
                text = text.replace(each, MASK)
        return text

    def anything(self, value: Any) -> Any:  # noqa: ANN401  # whatever is logged
        """Texts masked, also inside dicts, lists, tuples and sets; the same object where nothing is."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            text = value.decode("latin-1")
            masked = self.text(text)
            return value if masked == text else masked.encode("latin-1")
        if isinstance(value, dict):
            return _kept(value, {self.anything(name): self.anything(each) for name, each in value.items()})
        for kind in (list, tuple, set, frozenset):
            if isinstance(value, kind):
                return _kept(value, kind(self.anything(each) for each in value))
        return value

    def shown(self, value: Any) -> Any:  # noqa: ANN401  # whatever is logged
        """As `anything`; an object that shows a value in its own text becomes that text, masked."""
        masked = self.anything(value)
        if masked is not value or isinstance(value, str | bytes | int | float | None):
            return masked
        texts = str(value), repr(value)
        return value if tuple(map(self.text, texts)) == texts else self.text(texts[0])


def _kept(value: Any, masked: Any) -> Any:  # noqa: ANN401  # a dict, list or tuple
    return value if value == masked else masked


def _spellings(snapshot: Snapshot) -> Iterator[str]:
    for key in snapshot.sealed:
        try:
            value = snapshot[key]
        except CannotOpen:
            continue
        for text in _texts(value):
            if len(text) >= SHORTEST:
                yield from _escaped(text)


def _texts(value: Value) -> Iterator[str]:
    """The texts in a value: itself, or what its JSON holds."""
    if isinstance(value, str):
        yield value
        if value.strip() != value:
            yield value.strip()
    elif isinstance(value, bytes):
        yield value.decode("latin-1")
        yield value.decode(errors="replace")
        yield repr(value)[2:-1]
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def _escaped(text: str) -> set[str]:
    """As it is, and as Python, JSON and URLs spell it."""
    from urllib.parse import quote, quote_plus

    spelt = {text, repr(text)[1:-1], json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    try:
        return spelt | {quote(text), quote(text, safe=""), quote_plus(text)}
    except UnicodeEncodeError:
        return spelt
