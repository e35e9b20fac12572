"""An opened snapshot: all values at one revision of each namespace, immutable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from configsvc.model.errors import CannotOpen
from configsvc.model.names import Namespace
from configsvc_client._secret import Secret
from configsvc_client._value import Value, converted


class Layer(NamedTuple):
    """One namespace, opened: what each key holds, which were sealed, and which did not open and why."""

    namespace: Namespace
    revision: int
    etag: str
    values: Mapping[str, Value]
    sealed: frozenset[str]
    broken: Mapping[str, CannotOpen]

    def __repr__(self) -> str:
        return f"Layer({self.namespace}@{self.revision}, {len(self.values)} values)"


class Snapshot(Mapping[str, Value]):
    """What `config.snapshot()` gives: reading it is a look-up, with no lock, clock or I/O.

    Of several namespaces the first that has a key wins, also where it is there but does not open.
    """

    __slots__ = ("_broken", "_sealed", "_values", "revisions")

    def __init__(self, layers: Iterable[Layer]) -> None:
        values: dict[str, Value] = {}
        sealed: set[str] = set()
        broken: dict[str, CannotOpen] = {}
        revisions: dict[str, int] = {}
        for layer in layers:
            revisions[layer.namespace] = layer.revision
            taken = values.keys() | broken.keys()
            values.update((key, value) for key, value in layer.values.items() if key not in taken)
            broken.update((key, error) for key, error in layer.broken.items() if key not in taken)
            sealed |= layer.sealed - taken
        self._values = values
        self._sealed = frozenset(sealed)
        self._broken = broken
        self.revisions: Mapping[str, int] = MappingProxyType(revisions)

    def __getitem__(self, key: str) -> Value:
        try:
            return self._values[key]
        except KeyError:
            if key in self._broken:
                raise _again(self._broken[key]) from None
            raise

    def __iter__(self) -> Iterator[str]:
        yield from self._values
        yield from self._broken

    def __len__(self) -> int:
        return len(self._values) + len(self._broken)

    def __contains__(self, key: object) -> bool:
        return key in self._values or key in self._broken

    def __repr__(self) -> str:
        at = ", ".join(f"{namespace}@{revision}" for namespace, revision in self.revisions.items())
        return f"Snapshot({at}, {len(self)} keys)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a snapshot holds secrets and is not pickled or copied")

    @property
    def broken(self) -> frozenset[str]:
        """The keys that are there but did not open; reading one raises why."""
        return frozenset(self._broken)

    def get(self, key: str, default: Any = None, *, as_: Callable[[Any], Any] | None = None) -> Any:  # noqa: ANN401  # values are of any type
        """The value of a key, or the default where there is none; `as_` (int, float, bool, …) converts a value found.

        Raises:
            CannotOpen: the key is there and does not open.
            ValueError: it cannot be converted; the value is not shown.
        """
        if key not in self:
            return default
        value = self[key]
        return value if as_ is None else converted(key, value, as_)

    def secret(self, key: str) -> Secret:
        """The value of a sealed key, masked.

        Raises:
            KeyError: there is no such key.
            CannotOpen: it does not open, or it was stored plain: whoever may read the namespace may read it.
        """
        value = self[key]
        if key not in self._sealed:
            raise CannotOpen(f"{key} was not sealed, so it is no secret. Seal it with `configsvc put`.", key=key)
        return Secret(value)


def _again(error: CannotOpen) -> CannotOpen:
    """The same error, new: a kept one would collect the traceback of everyone who reads."""
    return CannotOpen(error.detail, **error.members)
