"""Which snapshot a walk over a Config goes on with: the one that it began with, whatever is published in between.

`dict(config)`, `{**config}` and `f(**config)` ask for the keys and then for each value, all within one instruction of
one frame, and a `for` loop asks for the value of the key that it was just given. Both are known by their frame; every
other read gets what is current. Imported with the first walk.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, KeysView
from types import FrameType

from configsvc_client._opening.snapshot import Snapshot
from configsvc_client._secret import ReprOnly

_LOOP_SECONDS = 1.0
"""For how long a loop gets what it began with. One instruction gets it until it ends."""

_PAUSES = 0x2A0  # the flags of code whose frame pauses between its steps: generators and coroutines of each kind


class Keys(KeysView[str]):
    """The keys of a Config; whoever walks over them walks over one snapshot."""

    __slots__ = ()

    def __iter__(self) -> Iterator[str]:
        walked: Callable[[FrameType], Iterator[str]] = self._mapping._walk  # type: ignore[attr-defined]  # noqa: SLF001  # of one library
        return walked(sys._getframe(1))  # noqa: SLF001  # who walks


class Lease(ReprOnly):
    """One walk: its snapshot, and the frame and instruction that walk. It keeps no frame alive."""

    __slots__ = ("at", "code", "frame", "instruction", "pauses", "since", "snapshot", "walks")

    def __init__(self, frame: FrameType, since: float) -> None:
        self.frame, self.code, self.instruction = id(frame), id(frame.f_code), frame.f_lasti
        self.since, self.pauses = since, bool(frame.f_code.co_flags & _PAUSES)
        self.snapshot: Snapshot | None = None
        self.walks, self.at = True, ""

    def keys(self, snapshot: Snapshot) -> Iterator[str]:
        """Each key of a snapshot, noted while it is at hand."""
        self.snapshot = snapshot
        return self._each(snapshot)

    def _each(self, snapshot: Snapshot) -> Iterator[str]:
        try:
            for key in snapshot:
                self.at = key
                yield key
        finally:
            self.walks = False

    def holds(self, frame: FrameType | None, now: float) -> int:
        """2 where a stack is within the instruction that walks, 1 where it is within the loop, else 0."""
        while frame is not None:
            if id(frame) == self.frame and id(frame.f_code) == self.code:
                within = frame.f_lasti == self.instruction
                return 2 if within else int(self.loops(now))
            frame = frame.f_back
        return 0

    def loops(self, now: float) -> bool:
        """Whether its iterator is there and not at its end, within the time of a loop."""
        return self.walks and now - self.since < _LOOP_SECONDS

    def goes_on(self, stack: FrameType | None, now: float) -> bool:
        """Whether its walk is not over, by the stack of its thread.

        No stack shows the frame of a paused generator or coroutine, or of a greenlet.
        """
        return bool(self.holds(stack, now)) or ((stack is None or self.pauses) and self.loops(now))


class Leases(ReprOnly):
    """The walks over one Config, by thread and frame."""

    __slots__ = ("_all", "_monotonic")

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._all: dict[tuple[int, int], Lease] = {}
        self._monotonic = monotonic

    def begin(self, frame: FrameType) -> Lease:
        """A walk by a frame of this thread: what is published from now on is not read by it."""
        lease = Lease(frame, self._monotonic())
        self._all[threading.get_ident(), lease.frame] = lease
        return lease

    def of(self, key: object) -> Snapshot | None:
        """The snapshot of the walk that reads this key on this thread, if one does."""
        if not self._all:
            return None
        mine, now = threading.get_ident(), self._monotonic()
        for (thread, _), lease in list(self._all.items()):
            if thread == mine or lease.pauses:  # each step of a generator may be on another thread
                held = lease.holds(sys._getframe(1), now)  # noqa: SLF001  # who reads
                if held > 1 or (held and lease.at == key):
                    return lease.snapshot
        return None

    def end_here(self) -> None:
        """Ends the walks of this thread, which asked for new values; not those of paused generators."""
        mine, now = threading.get_ident(), self._monotonic()
        for at, lease in list(self._all.items()):
            if lease.holds(sys._getframe(1), now) if lease.pauses else at[0] == mine:  # noqa: SLF001  # who asked
                self._all.pop(at, None)

    def any_left(self) -> bool:
        """Whether one goes on; those that ended are forgotten, with their snapshots."""
        if not self._all:
            return False
        stacks, now = sys._current_frames(), self._monotonic()  # noqa: SLF001  # of all threads
        for at, lease in list(self._all.items()):
            if not lease.goes_on(stacks.get(at[0]), now):
                self._all.pop(at, None)
        return bool(self._all)
