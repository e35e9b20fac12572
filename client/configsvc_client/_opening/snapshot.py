"""An opened snapshot: all values at one revision of each namespace, immutable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, overload

from configsvc.model.errors import CannotOpen
from configsvc.model.names import Namespace
from configsvc_client._opening.value import ConfigValue, Converted, convert_value
from configsvc_client._secret import Hidden, HiddenMapping, Secret

if TYPE_CHECKING:
    from configsvc.model.snapshot import SealedSnapshot


Default = TypeVar("Default")


class NamespaceLayer(Hidden):
    """One namespace, opened: what each key holds, which were sealed, and which did not open and why.

    The ETag is empty where it came from the fallback file: its revision is then no floor. The fingerprint is one of the
    sealed entries, within this process. Where something is broken, `reopen` keeps them, to be opened again.
    """

    namespace: Namespace
    revision: int
    etag: str
    values: Mapping[str, ConfigValue]
    sealed: frozenset[str]
    broken: Mapping[str, CannotOpen]
    fingerprint: int
    reopen: SealedSnapshot | None = None

    def __repr__(self) -> str:
        return f"NamespaceLayer({self.namespace}@{self.revision}, {len(self.values)} values)"


class NoSuchKey(KeyError):
    """No namespace has the key. Its text names those that were looked in, and keys that are spelt like it.

    Args:
        key: also what `args` holds, as in any KeyError.
        namespaces: those that were looked in.
        keys: the names of all keys there are; never a value.
    """

    def __init__(self, key: str, namespaces: tuple[str, ...] = (), keys: tuple[str, ...] = ()) -> None:
        super().__init__(key)
        self.namespaces, self._keys = namespaces, keys

    def __str__(self) -> str:
        key = self.args[0]
        several = f"in none of the namespaces {', '.join(self.namespaces)}" if len(self.namespaces) > 1 else ""
        where = several or f"not in {', '.join(self.namespaces) or 'any namespace'}"
        near = _suggest_key(key, self._keys) if isinstance(key, str) else ""
        return f"{key!r} is {where}. {near}".rstrip()


def _suggest_key(key: str, keys: Iterable[str]) -> str:
    try:
        from configsvc_client._wording import find_similar, suggest

        return suggest(find_similar(key, keys))
    except ImportError:  # a signal handler shows the error, and interrupted the first import of that
        return ""


class SnapshotValues(dict[str, ConfigValue]):
    """The values by key; a broken key raises why. Never handed out itself."""

    __slots__ = ("__missing__", "broken")

    def __init__(
        self,
        values: Mapping[str, ConfigValue] = MappingProxyType({}),
        broken: Mapping[str, CannotOpen] = MappingProxyType({}),
        namespaces: tuple[str, ...] = (),
    ) -> None:
        super().__init__(values)
        keys = (*values, *broken)  # the names alone: whatever `missing` refers to is shown with what it raises

        def missing(key: str) -> NoReturn:
            """Not a method: its frame is shown with what it raises, and would have all values in `self`."""
            error = broken.get(key)
            if error is not None:  # raised as a copy: a kept one would collect the traceback of everyone who reads
                raise CannotOpen(error.detail, **error.members)
            raise NoSuchKey(key, namespaces, keys)

        self.broken = broken
        self.__missing__ = missing

    def __repr__(self) -> str:
        return f"SnapshotValues({len(self)} keys)"


class Snapshot(HiddenMapping[str, ConfigValue]):
    """What `config.snapshot()` gives: reading it is a look-up, with no lock, clock or I/O.

    Of several namespaces the first that has a key wins, also where it is there but does not open.
    """

    if TYPE_CHECKING:
        __slots__ = ("_held", "_revisions", "_sealed")

        def __contains__(self, key: object) -> bool: ...
        def __getitem__(self, key: str) -> ConfigValue: ...
        def _held(self) -> SnapshotValues: ...

        _sealed: frozenset[str]
        _revisions: Mapping[str, int]
    else:
        # A slot of that name holds the bound method of the dict, so `snapshot[key]` runs no Python of ours: half the
        # time. A dict itself would be as fast and could be changed, and dumped as JSON by any logger.
        __slots__ = ("__contains__", "__getitem__", "_held", "_revisions", "_sealed")

    def __init__(self, layers: Iterable[NamespaceLayer]) -> None:
        values: dict[str, ConfigValue] = {}
        sealed: set[str] = set()
        broken: dict[str, CannotOpen] = {}
        revisions: dict[str, int] = {}
        for layer in layers:
            revisions[layer.namespace] = layer.revision
            taken = values.keys() | broken.keys()
            values.update((key, value) for key, value in layer.values.items() if key not in taken)
            broken.update((key, error) for key, error in layer.broken.items() if key not in taken)
            sealed |= layer.sealed - taken
        kept = SnapshotValues(values, broken, tuple(revisions))
        for name, what in (
            ("__getitem__", kept.__getitem__),
            ("__contains__", (values.keys() | broken.keys()).__contains__ if broken else kept.__contains__),
            ("_held", lambda: kept),
            ("_sealed", frozenset(sealed)),
            ("_revisions", revisions),
        ):
            object.__setattr__(self, name, what)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a snapshot does not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a snapshot does not change")

    def __iter__(self) -> Iterator[str]:
        yield from self._held()
        yield from self._held().broken

    def __len__(self) -> int:
        return len(self._held()) + len(self._held().broken)

    def __repr__(self) -> str:
        at = ", ".join(f"{namespace}@{revision}" for namespace, revision in self.revisions.items())
        return f"Snapshot({at}, {len(self)} keys)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a snapshot holds secrets and is not pickled or copied")

    @property
    def revisions(self) -> dict[str, int]:
        """The revision of each namespace: an ordinary dict, made for whoever asks."""
        return dict(self._revisions)

    @property
    def broken(self) -> frozenset[str]:
        """The keys that are there but did not open; reading one raises why."""
        return frozenset(self._held().broken)

    @property
    def sealed(self) -> frozenset[str]:
        """The keys whose values were stored sealed, opened or not."""
        return self._sealed

    @overload
    def get(self, key: str) -> ConfigValue | None: ...

    @overload
    def get(self, key: str, default: Default) -> ConfigValue | Default: ...

    @overload
    def get(self, key: str, default: None = None, *, as_: Callable[[Any], Converted]) -> Converted | None: ...

    @overload
    def get(self, key: str, default: Default, *, as_: Callable[[Any], Converted]) -> Converted | Default: ...

    def get(self, key: str, default: Any = None, *, as_: Callable[[Any], Any] | None = None) -> Any:
        """The value of a key, or the default where there is none; `as_` (int, float, bool, …) converts a value found.

        Raises:
            CannotOpen: the key is there and does not open.
            ValueError: it cannot be converted; the value is not shown.
        """
        if key not in self:
            return default
        default = None  # may be a secret of the caller's, and this frame is shown with what is raised
        return self[key] if as_ is None else convert_value(key, self, as_)

    def secret(self, key: str) -> Secret:
        """The value of a sealed key, masked.

        Raises:
            KeyError: there is no such key.
            CannotOpen: it does not open, or it was stored plain: whoever may read the namespace may read it.
        """
        if key in self._sealed:
            return Secret(self[key])
        self[key]  # raises, where there is no such key
        raise CannotOpen(f"{key} was not sealed, so it is no secret. Seal it with `configsvc put --seal`.", key=key)


def get_values(snapshot: Snapshot) -> SnapshotValues:
    """The dict behind a snapshot, for `config[key]`, which checks the time itself and then looks there."""
    return snapshot._held()  # noqa: SLF001  # of this module


def find_changed_keys(before: Snapshot, after: Snapshot) -> frozenset[str]:
    """The keys of which a reader gets something else: added, removed, of another value, opened or broken since."""
    return frozenset(key for key in {*before, *after} if not _reads_same(before, after, key))


def _reads_same(before: Snapshot, after: Snapshot, key: str) -> bool:
    if all(key in each and key not in each.broken for each in (before, after)):
        from configsvc.model.same_value import same_read

        return same_read(before[key], after[key])
    return (key in before, key in before.broken) == (key in after, key in after.broken)
