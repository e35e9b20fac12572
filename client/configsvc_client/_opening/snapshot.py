"""An opened, immutable snapshot: all values of each namespace at one revision."""

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
    """One opened namespace: the values, the keys that were sealed, and the keys that did not open, with the reason.

    The ETag is empty if it came from the fallback file; its revision then sets no lower limit. The fingerprint covers
    the sealed entries and is valid within this process. If a key is broken, `reopen` keeps the snapshot for a retry.
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
    """No namespace has the key. The message names the namespaces that were searched, and similar keys.

    Args:
        key: the key; also in `args`, as in any KeyError.
        namespaces: those that were searched.
        keys: the names of all keys; never a value.
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
    except ImportError:  # a signal handler interrupted the first import of it, and shows the error
        return ""


class SnapshotValues(dict[str, ConfigValue]):
    """The values by key; reading a broken key raises the reason. Never given to callers."""

    __slots__ = ("__missing__", "broken")

    def __init__(
        self,
        values: Mapping[str, ConfigValue] = MappingProxyType({}),
        broken: Mapping[str, CannotOpen] = MappingProxyType({}),
        namespaces: tuple[str, ...] = (),
    ) -> None:
        super().__init__(values)
        keys = (*values, *broken)  # only the names: tools that show frames show all that `missing` refers to

        def missing(key: str) -> NoReturn:
            """Not a method: error trackers show the frame, and `self` would hold all values."""
            error = broken.get(key)
            if error is not None:  # a copy: one that is raised again would collect the tracebacks of all readers
                raise CannotOpen(error.detail, **error.members)
            raise NoSuchKey(key, namespaces, keys)

        self.broken = broken
        self.__missing__ = missing

    def __repr__(self) -> str:
        return f"SnapshotValues({len(self)} keys)"


class Snapshot(HiddenMapping[str, ConfigValue]):
    """The result of `config.snapshot()`. Reading it is a lookup without a lock, clock or I/O.

    If several namespaces have a key, the first one wins, even if the key does not open there.
    """

    if TYPE_CHECKING:
        __slots__ = ("_held", "_revisions", "_sealed")

        def __contains__(self, key: object) -> bool: ...
        def __getitem__(self, key: str) -> ConfigValue: ...
        def _held(self) -> SnapshotValues: ...

        _sealed: frozenset[str]
        _revisions: Mapping[str, int]
    else:
        # The slot `__getitem__` holds the dict's bound method, so `snapshot[key]` runs none of our code and takes half
        # the time. A dict itself would be as fast, but could be changed, and dumped as JSON by any logger.
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
        raise AttributeError("a snapshot is immutable")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a snapshot is immutable")

    def __iter__(self) -> Iterator[str]:
        yield from self._held()
        yield from self._held().broken

    def __len__(self) -> int:
        return len(self._held()) + len(self._held().broken)

    def __repr__(self) -> str:
        at = ", ".join(f"{namespace}@{revision}" for namespace, revision in self.revisions.items())
        return f"Snapshot({at}, {len(self)} keys)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a snapshot holds secrets and cannot be pickled or copied")

    @property
    def revisions(self) -> dict[str, int]:
        """The revision of each namespace, in a new dict."""
        return dict(self._revisions)

    @property
    def broken(self) -> frozenset[str]:
        """The keys that exist but did not open. Reading one raises the reason."""
        return frozenset(self._held().broken)

    @property
    def sealed(self) -> frozenset[str]:
        """The keys whose values are stored sealed, opened or not."""
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
        """Returns the value of a key, or the default if there is no such key.

        `as_` (int, float, bool, …) converts the value of a key that is found.

        Raises:
            CannotOpen: the key exists but does not open.
            ValueError: the value cannot be converted; the message does not show it.
        """
        if key not in self:
            return default
        default = None  # it may be a secret, and error trackers show this frame
        return self[key] if as_ is None else convert_value(key, self, as_)

    def secret(self, key: str) -> Secret:
        """Returns the value of a sealed key, masked.

        Raises:
            KeyError: there is no such key.
            CannotOpen: it does not open, or it is stored plain, so anyone who may read the namespace can read it.
        """
        if key in self._sealed:
            return Secret(self[key])
        self[key]  # raises if there is no such key
        raise CannotOpen(f"{key} was not sealed, so it is not a secret. Seal it with `configsvc put --seal`.", key=key)


def get_values(snapshot: Snapshot) -> SnapshotValues:
    """Returns the dict behind a snapshot, for `config[key]`, which checks the time itself first."""
    return snapshot._held()  # noqa: SLF001  # a class of this module


def find_changed_keys(before: Snapshot, after: Snapshot) -> frozenset[str]:
    """Finds the keys that read differently: added, removed, changed, newly broken or newly opened."""
    return frozenset(key for key in {*before, *after} if not _reads_same(before, after, key))


def _reads_same(before: Snapshot, after: Snapshot, key: str) -> bool:
    if all(key in each and key not in each.broken for each in (before, after)):
        from configsvc.model.same_value import same_read

        return same_read(before[key], after[key])
    return (key in before, key in before.broken) == (key in after, key in after.broken)
