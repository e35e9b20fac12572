"""How Config is read: the snapshot of an invocation, else the held snapshot while its window is open."""

from __future__ import annotations

import math
import sys
from abc import abstractmethod
from collections.abc import Callable, ItemsView, Iterator, KeysView, ValuesView
from contextvars import ContextVar
from time import monotonic, time
from typing import TYPE_CHECKING, Any, overload

from configsvc_client._freshness import NEVER, Window
from configsvc_client._opening.snapshot import Default, Snapshot, get_values
from configsvc_client._opening.value import ConfigValue, Converted
from configsvc_client._secret import HiddenMapping, ReprOnly, Secret, make_view

if TYPE_CHECKING:
    from types import FrameType

    from configsvc_client._reading.leases import Leases


class Published(ReprOnly):
    """The values that may be read without asking, and until when. Never changed, so that no read mixes two.

    A reader gets it by one load of an attribute, and a writer replaces it by one store. Whatever runs in between, the
    values are always read with the window that was published with them.
    """

    __slots__ = ("ends", "plain", "snapshot", "until")

    def __init__(self, snapshot: Snapshot, plain: dict[str, ConfigValue], window: Window) -> None:
        self.snapshot = snapshot
        self.plain = plain
        self.until, self.ends = window.until

    def __repr__(self) -> str:
        return f"Published({self.snapshot!r})"


class Reads(HiddenMapping[str, ConfigValue]):
    """The reading half of Config. The other half provides `_read_current` and calls `_publish`."""

    # Faster than members.
    __slots__ = (
        "__weakref__",
        "_invocation",
        "_leases",
        "_monotonic",
        "_of_invocation",
        "_open",
        "_published",
        "_wall",
    )

    _leases: Leases | None

    def __init__(self) -> None:
        self._invocation: ContextVar[Snapshot | None] = ContextVar("configsvc snapshot", default=None)
        self._of_invocation = self._invocation.get
        self._show_nothing()

    def __getitem__(self, key: str) -> ConfigValue:
        # Inlined: this is the path that counts. The system's clocks are globals here, which costs less than attributes;
        # with other clocks, nothing is ever open. Nothing is compared with the beginning of the window:
        # where one clock went back, the other still says how much time passed.
        shown = self._open
        if shown.until > time() and shown.ends > monotonic():  # in this order, which costs less
            try:
                return shown.plain[key]
            except KeyError:
                pass
            return shown.snapshot[key]  # its error says why the key is missing
        return self._read_held(key)[key]

    def _look_for_invocations(self) -> None:
        """From now on `config[key]` looks first whether this is an invocation; whoever wraps no handler never does.

        The class that looks comes right before `Reads`, so a subclass's `__getitem__` reaches it by `super()`.
        """
        if not isinstance(self, InvocationReads):
            own = type(self)
            members = {"__slots__": (), "__module__": own.__module__, "__doc__": own.__doc__}
            self.__class__ = type(own.__name__, (own, InvocationReads), members)

    def __iter__(self) -> Iterator[str]:
        return self._walk(sys._getframe(1))  # noqa: SLF001  # who walks

    def keys(self) -> KeysView[str]:
        """Returns the keys. A loop over them that reads each value reads from one snapshot."""
        try:
            from configsvc_client._reading.leases import Keys
        except ImportError as error:  # a signal handler reads, and interrupted the first import of it
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            return self._read_snapshot().keys()
        return Keys(self)

    def values(self) -> ValuesView[ConfigValue]:
        """Returns the values. Each loop over them reads one snapshot."""
        made: ValuesView[ConfigValue] = make_view(self, "values", lambda: iter(self._read_snapshot().values()))
        return made

    def items(self) -> ItemsView[str, ConfigValue]:
        """Returns the keys with their values. Each loop over them reads one snapshot."""
        made: ItemsView[str, ConfigValue] = make_view(self, "items", lambda: iter(self._read_snapshot().items()))
        return made

    def __len__(self) -> int:
        return len(self._read_snapshot())

    def __contains__(self, key: object) -> bool:
        return key in self._read_snapshot(key)

    @overload
    def get(self, key: str) -> ConfigValue | None: ...

    @overload
    def get(self, key: str, default: Default) -> ConfigValue | Default: ...

    @overload
    def get(self, key: str, default: None = None, *, as_: Callable[[Any], Converted]) -> Converted | None: ...

    @overload
    def get(self, key: str, default: Default, *, as_: Callable[[Any], Converted]) -> Converted | Default: ...

    def get(self, key: str, default: Any = None, *, as_: Callable[[Any], Any] | None = None) -> Any:
        """Returns the value of a key, or the default; see `Snapshot.get`."""
        snapshot = self._read_snapshot(key)
        if key not in snapshot:
            return default
        default = None  # as in Snapshot.get
        return snapshot[key] if as_ is None else snapshot.get(key, as_=as_)

    def secret(self, key: str) -> Secret:
        """Returns the value of a sealed key, masked; see `Snapshot.secret`."""
        return self._read_snapshot(key).secret(key)

    def snapshot(self) -> Snapshot:
        """Returns all values at one revision of each namespace; in a wrapped handler, those of the invocation.

        Raises:
            ConfigUnavailable: nothing is held and nothing could be loaded within the start deadline.
            Expired: the values are older than `max_stale_seconds` and could not be refreshed.
            Misconfigured: settings are wrong or missing; names all that are missing.
        """
        invoked = self._of_invocation()
        return self._read_current() if invoked is None else invoked

    def _read_snapshot(self, key: object = None) -> Snapshot:
        """Reads like `config[key]`: a handler's snapshot, else the held one, reading each clock once."""
        invoked = self._of_invocation()
        return self._read_held(key) if invoked is None else invoked

    def _read_held(self, key: object = None) -> Snapshot:
        """Returns the held snapshot while its window is open, else the current one; for a key of a walk, the walk's."""
        published, leases = self._published, self._leases
        if leases is not None and key is not None:
            if (walked := leases.of(key)) is not None:
                return walked
            if not leases.any_left():
                self._open_window(published)
        if self._wall() < published.until and self._monotonic() < published.ends:
            return published.snapshot
        return self._read_current()

    def _walk(self, frame: FrameType) -> Iterator[str]:
        """The keys of one snapshot, of which the frame that walks over them then reads the values."""
        if (invoked := self._of_invocation()) is not None:
            return iter(invoked)
        leases = self._leases
        if leases is None:
            try:
                from configsvc_client._reading.leases import Leases
            except ImportError:  # as in `keys`
                return iter(self._read_held())
            leases = self._leases = Leases(self._monotonic)
        lease = leases.begin(frame)  # first: whoever publishes from here on sees it
        return lease.keys(self._read_held())

    @abstractmethod
    def _read_current(self, remaining: float = math.inf) -> Snapshot:
        """Returns the held snapshot; refreshes or loads if that is due."""

    @property
    def _shown(self) -> Snapshot:
        """The held snapshot, without a refresh."""
        return self._published.snapshot

    def _show_nothing(self) -> None:
        """Closes the window, so that the next read loads or refreshes."""
        self._open = self._published = Published(Snapshot(()), {}, NEVER)
        self._leases = None
        self._use_clocks(_read_no_clock, _read_no_clock)

    def _use_clocks(self, wall: Callable[[], float], monotonic: Callable[[], float]) -> None:
        """Uses these clocks for windows from now on. Nothing has been published before."""
        self._wall, self._monotonic = wall, monotonic

    def _publish(self, snapshot: Snapshot, window: Window) -> None:
        """From now on this is read, within its window: one store of an attribute.

        Where a walk over something else goes on, reads are considered until it ends.
        """
        before, leases = self._published, self._leases
        if snapshot is before.snapshot:
            self._published = published = Published(snapshot, before.plain, window)
        else:
            plain = dict(get_values(snapshot))  # is looked up faster than a subclass
            self._open = Published(snapshot, plain, NEVER)
            self._published = published = Published(snapshot, plain, window)
        if leases is None or not leases.any_left():
            self._open_window(published)

    def _open_window(self, published: Published) -> None:
        if self._wall is time and self._monotonic is monotonic:
            self._open = published


class InvocationReads(Reads):
    """The reading half of a Config that wraps handlers. Adds no layout, so that an object's class may change to it."""

    __slots__ = ()

    def __getitem__(self, key: str) -> ConfigValue:
        of_invocation = self._of_invocation
        if (invoked := of_invocation()) is not None:
            return invoked[key]
        return Reads.__getitem__(self, key)


def _read_no_clock() -> float:
    """Replaces the clocks until the first load, when no window is open."""
    return 0.0
