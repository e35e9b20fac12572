"""Loads and refreshes: the state that each begins and ends with, and how fetched snapshots are opened."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeVar

from configsvc.model.errors import ConfigsvcError, Unavailable
from configsvc.model.names import Namespace
from configsvc.model.record import Record
from configsvc_client._freshness import UNHELD, Freshness, age
from configsvc_client._opening.opening import OpeningRules, check_begins, open_layer
from configsvc_client._opening.snapshot import NamespaceLayer, Snapshot, find_changed_keys
from configsvc_client._ports import ClockReading, FetchedSnapshot, Gateway
from configsvc_client._secret import drop_frames

if TYPE_CHECKING:
    from types import FrameType

    from configsvc_client._refresh.troubles import Refusals, Troubles


HeldSource = Literal["service", "fallback"]
Tried = TypeVar("Tried")

_GRACE_SHARE = 1 / 8
_OWN = ("configsvc", "configsvc_client")
_NONE = MappingProxyType({"refreshes": 0, "failures": 0, "stale_revisions": 0, "refused": 0})


class Held(Record):
    """The held values: one layer for each namespace in order, the snapshot made of them, and their source."""

    layers: tuple[NamespaceLayer, ...]
    snapshot: Snapshot
    source: HeldSource

    @property
    def broken(self) -> dict[Namespace, Iterable[str]]:
        """The keys of each namespace that do not open."""
        return {layer.namespace: layer.broken for layer in self.layers}


class RefreshState(Record):
    """The held values, how fresh they are, why not fresher, and how many seconds the next refresh may take."""

    allowed: float
    held: Held | None = None
    freshness: Freshness = UNHELD
    error: ConfigsvcError | None = None
    refusals: Refusals | None = None
    troubles: Troubles | None = None
    counts: Mapping[str, int] = _NONE


class Flight:
    """A load or refresh, under way or ended. Other threads wait for it for at most `patience` seconds."""

    __slots__ = (
        "_after", "_latch", "_threads", "before", "began", "changed", "error", "kept", "number",
        "patience", "seconds",
    )  # fmt: skip

    def __init__(self, before: RefreshState, began: ClockReading, seconds: float, patience: float = math.inf) -> None:
        self.before, self.began, self.seconds = before, began, seconds
        self.patience = min(seconds, patience)
        self.error: ConfigsvcError | None = None
        self.kept = self.changed = False
        self.number = 0
        self._after: dict[int, list[RefreshState]] = {}
        self._threads = [threading.get_ident()]
        self._latch = threading.Lock()  # an Event has a lock inside, on which a signal handler could wait for itself
        self._latch.acquire()

    @property
    def state(self) -> RefreshState:
        """The state that it ended with; until then, the state before it."""
        return self._after[0][0] if self._after else self.before

    @property
    def deadline(self) -> float:
        """In monotonic seconds."""
        return self.began.monotonic + self.seconds

    @property
    def given_up_at(self) -> float:
        """In monotonic seconds: a little after the deadline, so that its thread has time to end it.

        Otherwise readers who see the deadline pass before that thread does would each ask once more.
        """
        return self.began.monotonic + self._lifetime

    @property
    def _lifetime(self) -> float:
        return (1 + _GRACE_SHARE) * self.seconds

    @property
    def ended(self) -> bool:
        """Whether it ended or was given up."""
        return bool(self._after)

    def is_over(self, now: ClockReading) -> bool:
        """Whether the next may begin: it ended, or is to be given up by either clock, as after a freeze.

        Or it is of this thread, which no longer runs it: what a signal handler raised struck between two steps.
        """
        return self.ended or age(self.began, now) >= self._lifetime or self._is_lost()

    def _is_lost(self) -> bool:
        me = threading.get_ident()
        if any(each != me for each in self._threads):
            return False
        frame: FrameType | None = sys._getframe()  # noqa: SLF001  # documented
        while frame is not None:
            if "flight" in frame.f_code.co_varnames and frame.f_locals.get("flight") is self:
                return False
            frame = frame.f_back
        return True

    def is_mine(self) -> bool:
        """Whether this thread asked for it or runs it, and has been interrupted by a signal handler or calls itself."""
        return threading.get_ident() in self._threads

    def add_thread(self, thread: int | None = None) -> None:
        """Notes that a thread runs it; this thread if left out."""
        self._threads.append(threading.get_ident() if thread is None else thread)

    def end(self, state: RefreshState) -> bool:
        """Ends it, once. Returns whether this call ended it: False if it had been given up."""
        after = [state]
        if self._after.setdefault(0, after) is not after:
            return False
        self.before = state  # what was held before is not kept alive until the next flight
        self._latch.release()
        return True

    def wait(self, seconds: float) -> bool:
        """Waits for its end. Returns whether it ended."""
        if not self._after and self._latch.acquire(timeout=max(0.0, min(seconds, threading.TIMEOUT_MAX))):
            self._latch.release()
        return self.ended


class Flights:
    """The loads and refreshes of one Config, by number. Only the last is kept, with what it ended with.

    A flight does not refer to the next one. Otherwise anything that keeps one for long (a thread that hangs, a callback
    that blocks, remains of the parent's threads after a fork) would keep all later values alive.
    """

    __slots__ = ("_by_number",)

    def __init__(self, first: Flight) -> None:
        self._by_number = {first.number: first}

    def last(self) -> Flight:
        """Returns the last flight."""
        flight = None
        while flight is None:  # another thread took it off, because it has put a later one there
            flight = self._by_number.get(max([*self._by_number]))
        return flight

    def follow(self, last: Flight, flight: Flight) -> bool:
        """Makes a flight the next one, unless another was faster. Returns whether it did.

        A thread that slept in between may win a number that was removed in the meantime. Then there is a later one,
        because that is added before.
        """
        flight.number = last.number + 1
        if self._by_number.setdefault(flight.number, flight) is not flight:
            return False
        numbers = [*self._by_number]  # copied in one step
        latest = max(numbers)
        for each in numbers:
            if each < latest:
                self._by_number.pop(each, None)
        return latest == flight.number


def fetch_all(
    namespaces: tuple[Namespace, ...], gateway: Gateway, deadline: float, while_waiting: Callable[[], None]
) -> dict[Namespace, FetchedSnapshot]:
    """Fetches every namespace when nothing is held.

    Raises:
        ConfigsvcError: what the service answered, or Unavailable.
    """
    known = dict.fromkeys(namespaces)
    return _check_all_answered(known, gateway.fetch(known, deadline, while_waiting))


def open_all(
    namespaces: tuple[Namespace, ...],
    found: Mapping[Namespace, FetchedSnapshot],
    rules: OpeningRules,
    deadline: float,
    source: HeldSource,
) -> Held:
    """Opens everything that was fetched, for the first time: keys that do not open are broken, the others serve.

    Raises:
        StaleRevision: a namespace's revision is below the least that is set.
        NotTaken: a revision is above any that writes explain.
        Unavailable: KMS did not answer.
    """
    layers = tuple(_open_first(namespace, found[namespace], rules, deadline) for namespace in namespaces)
    return Held(layers, Snapshot(layers), source)


def translate_errors(attempt: Callable[[], Tried]) -> Tried:
    """Returns the result of an attempt. What it raises becomes an error of ours, and is not retried at once.

    The error comes without the frames it was raised in, because those held what was fetched and opened. An exception
    that a signal handler or another thread raises in this one belongs to the caller, and passes unchanged.

    Raises:
        ConfigsvcError: as it does.
        Unavailable: instead of anything else; it names the type and place, because the text may show a value.
    """
    failed: BaseException
    try:
        return attempt()
    except BaseException as error:  # noqa: BLE001  # from credentials' sources, a bug, or what a signal raises
        failed = _translate(error)
    raise failed


def _translate(error: BaseException) -> BaseException:
    from configsvc_client._interrupts import drop_struck_frames, find_interrupt, is_injected

    passed = find_interrupt(error)
    if passed is not None:
        return drop_struck_frames(passed)
    if isinstance(error, ConfigsvcError):
        return drop_frames(error)
    if isinstance(error, Exception) and is_injected(error):
        return drop_struck_frames(error)
    what = f"{type(error).__name__} in {_locate(error)}"
    package = (error.name or "" if isinstance(error, ImportError) else "").partition(".")[0]
    if package and package not in _OWN:
        text = f"The package {package} cannot be imported ({what}). Install it for this Python and platform."
    else:
        text = f"Unexpected error: {what}. Please report it."
    return Unavailable(text, reason="unforeseen")


def _locate(error: BaseException) -> str:
    from configsvc_client._interrupts import walk_traceback

    *_, last = walk_traceback(error)
    return f"{last.tb_frame.f_code.co_filename}:{last.tb_lineno}"


def _check_all_answered(
    known: Mapping[Namespace, str | None], found: Mapping[Namespace, FetchedSnapshot | ConfigsvcError]
) -> dict[Namespace, FetchedSnapshot]:
    """Checks that every namespace was answered.

    Raises:
        ConfigsvcError: of one there is nothing.
    """
    checked = {namespace: check_answered(namespace, None, found.get(namespace)) for namespace in known}
    return {namespace: each for namespace, each in checked.items() if each is not None}


def check_answered(
    namespace: Namespace, etag: str | None, found: FetchedSnapshot | ConfigsvcError | None
) -> FetchedSnapshot | None:
    if isinstance(found, ConfigsvcError):
        raise found
    if (found is None and etag is None) or (found is not None and found.sealed.namespace != namespace):
        raise Unavailable(f"The service did not answer with {namespace}, as it was asked to.")
    return found


def _open_first(namespace: Namespace, found: FetchedSnapshot, rules: OpeningRules, deadline: float) -> NamespaceLayer:
    check_begins(namespace, found.sealed, rules.floors.get(namespace, 0))
    return open_layer(namespace, found, rules, deadline)


def copy_error(error: ConfigsvcError) -> ConfigsvcError:
    """Copies an error in order to keep it: its traceback and cause would keep alive what was fetched and opened."""
    return type(error)(error.detail, **error.members)


Callback = Callable[[frozenset[str]], object]


class _Registered(Record):
    prefix: str
    callback: Callback


class Callbacks:
    """The callbacks, each with a prefix of keys. They run on the refreshing thread, without a lock."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._registered: tuple[_Registered, ...] = ()
        self.failures = 0

    def add(self, prefix: str, callback: Callback) -> None:
        """Registers a callback. After each change, it is called with the changed keys of that prefix, if any."""
        self._registered += (_Registered(prefix, callback),)

    def again(self) -> Callbacks:
        """Returns the same callbacks with a failure count of zero."""
        made = Callbacks(self._warn)
        made._registered = self._registered
        return made

    def run(self, before: Snapshot, after: Snapshot) -> None:
        """Runs the callbacks for the changed keys. Exceptions are counted and logged by type: texts may hold values."""
        if not self._registered:
            return
        keys = find_changed_keys(before, after)
        for prefix, callback in self._registered:
            concerned = frozenset(key for key in keys if key.startswith(prefix))
            if concerned:
                self._run(prefix, callback, concerned)

    def _run(self, prefix: str, callback: Callback, keys: frozenset[str]) -> None:
        try:
            callback(keys)
        except Exception as error:  # noqa: BLE001  # whatever it raises must not stop the update
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            self.failures += 1
            self._warn(f"A callback for changes of {prefix or 'any key'} raised {type(error).__name__}.")
