"""One virtual clock for every process: real threads, of which one runs at a time, in the order of their moments.

A thread that pauses hands back the baton, and the clock advances to the next moment that a thread waits for. Nothing
else decides the order, so the same draws give the same history.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from functools import partial

from configsvc_client._ports import ClockReading

EPOCH = 1_700_000_000.0
_HANGS = 60.0
"""Real seconds after which a thread with the baton is assumed to wait for something other than this clock."""


class Killed(BaseException):
    """Raised in the threads of a dead process."""


class Process:
    """A process, or an execution environment of Lambda, with clocks of its own.

    Args:
        time: the one clock.
        name: for the trace.
        skew: seconds by which its wall clock is ahead.
    """

    def __init__(self, time: VirtualTime, name: str, skew: float = 0.0) -> None:
        self.time, self.name, self.skew = time, name, skew
        self.frozen = 0.0
        self.alive = True

    def wall(self) -> float:
        """Seconds since the epoch, by the clock of this process."""
        return EPOCH + self.time.now + self.skew

    def monotonic(self) -> float:
        """Seconds for which this process was not frozen."""
        return self.time.now - self.frozen

    def now(self) -> ClockReading:
        """Both clocks."""
        return ClockReading(self.wall(), self.monotonic())

    def pause(self, seconds: float) -> None:
        """Waits."""
        self.time.pause(seconds)

    def freeze(self, seconds: float) -> None:
        """Freezes the process and its monotonic clock."""
        self.time.pause(seconds)
        self.frozen += seconds


class _Task:
    def __init__(self, name: str, owner: Process | None) -> None:
        self.name, self.owner = name, owner
        self.go = threading.Semaphore(0)
        self.turn = 0
        self.done = False


class Signal:
    """An event that happens once, and that others can wait for."""

    def __init__(self, time: VirtualTime) -> None:
        self._time, self._waiting = time, list[_Task]()
        self.is_set = False

    def set(self) -> None:
        """Sets the signal."""
        self.is_set = True
        while self._waiting:
            self._time.wake(self._waiting.pop())

    def wait(self, seconds: float) -> bool:
        """Waits; returns whether it happens within this many seconds."""
        if not self.is_set:
            self._waiting.append(self._time.current)
            self._time.pause(seconds)
        return self.is_set


class VirtualTime:
    """The clock, and the tasks that wait for it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.trace: list[str] = []
        self.stopped = False
        self.failed: list[BaseException] = []
        self._heap: list[tuple[float, int, int, _Task | Callable[[], None]]] = []
        self._order = itertools.count()
        self._tasks: list[_Task] = []
        self._current: _Task | None = None
        self._paused = threading.Semaphore(0)

    @property
    def current(self) -> _Task:
        """The task with the baton."""
        assert self._current is not None, "only a task may wait"
        return self._current

    def note(self, who: str, what: str) -> None:
        """Writes one line of the trace."""
        self.trace.append(f"{self.now:10.3f}  {who:12} {what}")

    def call(self, after: float, act: Callable[[], None]) -> None:
        """Calls a function later, which takes no time."""
        heapq.heappush(self._heap, (self.now + after, next(self._order), 0, act))

    def spawn(self, name: str, run: Callable[[], None], *, after: float = 0.0, owner: Process | None = None) -> None:
        """Starts a thread later, which ends with the process that owns it."""
        task = _Task(name, owner)
        self._tasks.append(task)
        threading.Thread(target=partial(self._thread, task, run), name=name, daemon=True).start()
        self._push(task, after)

    def own(self, owner: Process) -> None:
        """Gives the current task to a process."""
        self.current.owner = owner

    def pause(self, seconds: float) -> None:
        """Lets all tasks run that are due before then."""
        task = self.current
        self._check(task)
        self._push(task, max(0.0, seconds))
        self._paused.release()
        task.go.acquire()
        self._check(task)

    def wake(self, task: _Task) -> None:
        """Wakes a task before its time."""
        if not task.done:
            self._push(task, 0.0)

    def kill(self, process: Process) -> None:
        """Ends a process: its threads end where they wait."""
        process.alive = False
        for task in self._tasks:
            if task.owner is process and task is not self._current:
                self.wake(task)

    def run(self, until: float) -> None:
        """Runs to that moment, or until `stopped`."""
        while self._heap and self._heap[0][0] <= until and not self.stopped:
            self._step()
        if not self.stopped:
            self.now = until

    def close(self) -> None:
        """Ends every thread."""
        self.stopped = True
        for task in self._tasks:
            if not task.done:
                self._give(task)
        assert all(task.done for task in self._tasks), "a thread survives"

    def _step(self) -> None:
        self.now, _, turn, what = heapq.heappop(self._heap)
        if not isinstance(what, _Task):
            what()
        elif turn == what.turn and not what.done:
            self._give(what)

    def _give(self, task: _Task) -> None:
        self._current = task
        task.go.release()
        assert self._paused.acquire(timeout=_HANGS), f"{task.name} waits for something else than this clock"
        self._current = None

    def _push(self, task: _Task, after: float) -> None:
        task.turn += 1
        heapq.heappush(self._heap, (self.now + after, next(self._order), task.turn, task))

    def _check(self, task: _Task) -> None:
        if self.stopped or (task.owner is not None and not task.owner.alive):
            raise Killed

    def _thread(self, task: _Task, run: Callable[[], None]) -> None:
        task.go.acquire()
        try:
            self._check(task)
            run()
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001  # shown by the caller of the simulation
            self.failed.append(error)
            self.stopped = True
        finally:
            task.done = True
            self._tasks.remove(task) if not self.stopped else None
            self._paused.release()
