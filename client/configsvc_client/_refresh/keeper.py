"""Holds the opened values and keeps them up to date: one refresh at a time, never backwards, each namespace whole.

Nothing here waits for a lock. The held values are the end state of the last load or refresh, a `Flight`. Which thread
begins the next one, and which state a flight ends with, is decided by `dict.setdefault`, which one thread wins. So a
signal handler that interrupts any of it can read at once, and a flight that hangs is given up.
"""

from __future__ import annotations

import _thread
import contextlib
import functools
import math
import sys
from collections.abc import Callable, Sequence

from configsvc.model.errors import ConfigsvcError, ConfigUnavailable, Expired, Unavailable
from configsvc.model.names import Namespace
from configsvc_client._freshness import Freshness, Window, age
from configsvc_client._opening.keyring import Keyring
from configsvc_client._opening.opening import OpeningRules
from configsvc_client._opening.snapshot import Snapshot
from configsvc_client._ports import ClockReading, World
from configsvc_client._refresh.flight import Callbacks, Flight, Flights, Held, RefreshState, copy_error
from configsvc_client._refresh.load import compute_load_seconds, load
from configsvc_client._settings import ClientSettings

Publish = Callable[[Snapshot, Window], None]
"""Called with the snapshot and the window in which it may be read without a refresh, whenever either changes."""

_ENOUGH = 2
_BEHIND = 2
_LOOKS = 4
_COLD_SHARE = 0.9
_LEAST_SHARE = 0.25
_UNKNOWN_TIMES = 2


class Keeper:
    """Holds and refreshes the values of one Config.

    Args:
        settings: complete and checked.
        world: the service, KMS, clocks, chance, the log.
        callbacks: run after each change.
        publish: called with what may be read without asking.
        freezes: whether threads freeze between invocations, as in Lambda; elsewhere a separate thread finishes what
            takes longer than usual.
    """

    def __init__(
        self, settings: ClientSettings, world: World, callbacks: Callbacks, publish: Publish, *, freezes: bool = False
    ) -> None:
        keyring = Keyring(world.kms, settings.pin, world.clock, settings.data_key_seconds)
        self._settings = settings
        self._pace = settings.pace
        self._world = world
        self._rules = OpeningRules(keyring, settings.floors, settings.sealed_keys)
        self._callbacks = callbacks
        self._publish = publish
        self._freezes = freezes
        self._usual = settings.refresh_seconds
        self._flights = Flights(_make_ended_flight(RefreshState(self._usual)))
        self._noted: tuple[Freshness | None, ConfigsvcError] | None = None
        self.attended: Callable[[], bool] = _is_never_attended
        """Whether a background thread refreshes; then readers do not, until the values have expired."""

    def read_current(self, remaining: float = math.inf) -> Snapshot:
        """Returns the held snapshot; refreshes it if that is due, loads if nothing is held.

        A refresh that fails keeps the held snapshot, and `error` says why. While another thread refreshes, the held
        snapshot is returned at once, unless it is overdue: then the reader waits for that refresh.

        Args:
            remaining: seconds that the invocation has left: a refresh takes at most half of them.

        Raises:
            ConfigUnavailable: nothing is held and nothing could be loaded within the start deadline.
            Expired: the values are older than `max_stale_seconds` and could not be refreshed.
            Misconfigured: settings that opening needs are missing.
        """
        now = self._world.clock.now()
        end, again = now.monotonic + remaining, True
        if self.held is None:
            self._load(end)
            now = self._world.clock.now()
        for _ in range(_LOOKS):
            if not again or sys.is_finalizing():  # no import, no thread any more
                break
            now, again = self._look(now, end)
        return self._check_unexpired(now)

    def poll(self) -> None:
        """Loads or refreshes if that is due, and takes the time that it needs; for the background thread."""
        last, now = self._last(), self._world.clock.now()
        if last.state.held is None:
            self._load(math.inf)
        elif last.state.freshness.due(now) and last.is_over(now):
            flight = self._make_flight(last, now, last.state.allowed)
            self._begin(last, flight, lambda: self._fly(flight, self._find_longest(known=True)))

    def refresh(self) -> bool:
        """Refreshes now, due or not.

        Returns:
            Whether anything changed.

        Raises:
            ConfigUnavailable, Misconfigured: as `read_current`, if nothing is held.
            ConfigsvcError: why it failed, or why a namespace was refused; that one keeps its values.
            Unavailable: this refresh or another one takes too long.
        """
        if self.held is None:
            self._load(math.inf)
            return True
        flight = self._refresh_as_asked()
        if flight.error is not None:
            raise copy_error(flight.error)
        if not flight.kept:
            raise Unavailable(f"The refresh takes longer than {self._usual:g} seconds.", reason="deadline")
        return flight.changed

    def close(self) -> None:
        """Drops the connections. A refresh that is under way is not waited for, and may fail."""
        self._world.close()

    def after_fork(self) -> None:
        """Drops the parent's flights and connections in a child process, and draws a new time for the next refresh."""
        self._start_over(lambda freshness: freshness.scatter(self._world.clock.now(), self._world.chance))

    def after_restore(self) -> None:
        """Drops the dead connections in a restored copy of a process, and makes a refresh due."""
        self._start_over(lambda freshness: freshness.make_due(self._world.clock.now()))

    def age(self) -> float:
        """Returns the seconds since the service confirmed the values, or the file was saved; infinite if not loaded."""
        return age(self._state.freshness.confirmed, self._world.clock.now())

    @property
    def held(self) -> Held | None:
        """The held values."""
        return self._state.held

    @property
    def counts(self) -> dict[str, int]:
        """Counts since the start."""
        return dict(self._state.counts)

    @property
    def error(self) -> ConfigsvcError | None:
        """Why the values are not as fresh as they should be."""
        state, noted = self._state, self._noted
        if noted is not None and noted[0] is state.freshness:
            return noted[1]
        if state.error is None and self.attended() and _BEHIND * self._pace.poll_seconds < self.age() < math.inf:
            return Unavailable(f"The background thread is behind by {self.age():.0f} seconds.", reason="background")
        return state.error

    @property
    def failure(self) -> ConfigsvcError | None:
        """Why the last refresh failed; None if it did not."""
        return self._state.error

    @property
    def refused(self) -> dict[Namespace, ConfigsvcError]:
        """The error of each refused namespace."""
        refusals = self._state.refusals
        return refusals.errors if refusals else {}

    @property
    def poll_seconds(self) -> float:
        """The poll interval in seconds."""
        return self._pace.poll_seconds

    @property
    def max_stale_seconds(self) -> float:
        """The age in seconds above which reads raise."""
        return self._pace.max_stale_seconds

    def seconds_left(self) -> float:
        """Seconds until a refresh is due; one interval while nothing is held."""
        state = self._state
        return (
            self._pace.poll_seconds
            if state.held is None
            else max(0.0, state.freshness.seconds_left(self._world.clock.now()))
        )

    @property
    def _state(self) -> RefreshState:
        return self._last().state

    def _last(self) -> Flight:
        return self._flights.last()

    def _start_over(self, freshen: Callable[[Freshness], Freshness]) -> None:
        self._world.close()
        follows = False
        while not follows:
            last = self._last()
            last.end(last.before)
            state = last.state
            if state.held is not None:
                state = state._replace(freshness=freshen(state.freshness))
            follows = self._flights.follow(last, _make_ended_flight(state))
        self._publish_held()

    def _check_unexpired(self, now: ClockReading) -> Snapshot:
        state = self._state
        if state.held is None or state.freshness.expired(now, self._pace):
            most = self._pace.max_stale_seconds
            raise Expired(
                f"Config is {self.age():.0f} seconds old, and CONFIGSVC_MAX_STALE_SECONDS is {most:g}."
                f"{' ' + self.error.detail if self.error else ''}"
            )
        return state.held.snapshot

    def _publish_held(self, now: ClockReading | None = None) -> None:
        """Publishes the held values, and again if they were replaced in between, so that nothing older is put back."""
        shown = None
        while shown is not (state := self._state):
            if state.held is not None:
                window = state.freshness.window(now or self._world.clock.now(), self._pace)
                self._publish(state.held.snapshot, window)
            shown, now = state, None

    def _note(self, error: Unavailable) -> None:
        """Notes why no refresh was begun or waited for; valid until the next one ends."""
        self._noted = self._state.freshness, error

    # Reading

    def _look(self, now: ClockReading, end: float) -> tuple[ClockReading, bool]:
        """Refreshes or waits, as a reader of the held snapshot must.

        Returns:
            The time, read again if some has passed; and whether to look again, because the values may have changed.
        """
        last = self._last()
        freshness, left = last.state.freshness, end - now.monotonic
        if not freshness.due(now):
            self._publish_held(now)
            return now, False
        if self.attended() and not freshness.expired(now, self._pace):
            return now, False
        overdue = freshness.overdue(now, self._pace, self._usual)
        if not last.is_over(now):
            return self._wait_for(last, now, left) if overdue else (now, False)
        if left <= 0 or (left < _ENOUGH * self._usual and not overdue):
            self._note(Unavailable(f"Not refreshed: the invocation ends in {left:.1f} s.", reason="time_left"))
            return now, False
        flight = self._try_refresh(last, now, left / 2)
        now = self._world.clock.now()
        return now, flight is None or self._is_overdue(now)

    def _wait_for(self, last: Flight, now: ClockReading, left: float) -> tuple[ClockReading, bool]:
        """Waits for a refresh under way, for as long as a reader does; returns as `_look`."""
        seconds = min(last.began.monotonic + last.patience - now.monotonic, left / 2)
        if not last.is_mine() and seconds > 0:
            ended, now = last.wait(seconds), self._world.clock.now()
            if ended or last.is_over(now):
                return now, self._is_overdue(now)
        self._note(Unavailable("A refresh is under way and takes longer than usual.", reason="deadline"))
        return now, False

    def _is_overdue(self, now: ClockReading) -> bool:
        return self._state.freshness.overdue(now, self._pace, self._usual)

    def _try_refresh(self, last: Flight, now: ClockReading, most: float, *, everything: bool = False) -> Flight | None:
        """Refreshes, unless another thread has begun to, and waits for that at most so many seconds.

        A separate thread finishes what takes longer than usual, except where threads freeze.
        """
        self._give_up(last)
        allowed, waits, longest = (
            last.state.allowed,
            self._compute_wait(most),
            self._find_longest(known=most < math.inf),
        )
        aside = allowed > self._usual and not self._freezes
        flight = self._make_flight(last, now, allowed if aside else waits)

        def fly() -> bool:
            if aside and self._fly_aside(flight, longest, everything=everything):
                return True
            flight.seconds = min(flight.seconds, waits)
            self._fly(flight, longest, everything=everything)
            return False

        begun = self._begin(last, flight, fly)
        if begun and not flight.wait(waits):
            self._note(Unavailable("The refresh takes longer than usual, and goes on.", reason="deadline"))
        return None if begun is None else flight

    def _refresh_as_asked(self) -> Flight:
        """A refresh that was asked for, after another one that is under way, both within the time of one.

        Raises:
            Unavailable: the other one takes so long that what is left is not enough: what fails for want of time would
                count against a service that is well.
        """
        most = math.inf
        end = self._world.clock.now().monotonic + self._compute_wait(most)
        while most >= _LEAST_SHARE * self._usual:
            last, now = self._last(), self._world.clock.now()
            if last.is_over(now):
                flight = self._try_refresh(last, now, most, everything=True)
                if flight is not None:
                    return flight
            elif last.is_mine() or not last.wait(end - now.monotonic):
                break
            most = end - self._world.clock.now().monotonic
        raise Unavailable("Another refresh is under way. Try again.", reason="under_way")

    # Flights

    def _compute_wait(self, most: float) -> float:
        """How many seconds at most who begins a refresh waits for it, where it may be waited for so many."""
        if not self._freezes:
            return min(self._usual, most)
        known = most < math.inf
        return min(self._state.allowed, most if known else self._find_longest(known=False))

    def _find_longest(self, *, known: bool) -> float:
        """How many seconds a refresh may be allowed in the end.

        Where threads freeze its caller waits for it; and who reads outside a wrapped handler may have little time.
        """
        usual = self._usual
        return _UNKNOWN_TIMES * usual if self._freezes and not known else max(self._settings.start_seconds, usual)

    def _make_flight(self, last: Flight, now: ClockReading, seconds: float) -> Flight:
        """A flight that may follow that one, which is given up where it has not ended."""
        self._give_up(last)
        return Flight(last.state, now, seconds, math.inf if self._freezes else self._usual)

    def _begin(self, last: Flight, flight: Flight, fly: Callable[[], bool | None]) -> bool | None:
        """Begins a flight and returns what flying gives; does nothing and returns None if another thread was faster.

        Whatever a signal handler raises, from the first moment on, the flight ends, unless a separate thread runs it.
        """
        goes_on: bool | None = None
        try:
            if self._flights.follow(last, flight):
                goes_on = bool(fly())
        finally:
            if not goes_on:
                flight.end(flight.before)
        return goes_on

    def _give_up(self, last: Flight) -> None:
        """Ends a flight whose thread has not come back; that counts as a refresh that failed.

        The next takes the usual time, on the thread of its reader: a process may have no threads that run.
        """
        if last.ended:
            return
        from configsvc_client._refresh.refresh import fail_given_up

        state, news = fail_given_up(last.before, last.seconds)
        if last.end(state._replace(allowed=self._usual)):
            for each in news:
                self._world.warn(each)

    def _fly_aside(self, flight: Flight, longest: float, *, everything: bool) -> bool:
        """Runs it in a separate thread; returns whether one started.

        Not with `threading`, whose locks may block a signal handler.
        """

        def fly() -> None:
            with contextlib.suppress(Exception):  # readers see it in `error`
                self._fly(flight, longest, everything=everything)

        try:
            thread = _thread.start_new_thread(fly, ())
        except RuntimeError as error:  # no more threads
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            return False
        flight.add_thread(thread)  # it may begin to run late
        return True

    def _fly(self, flight: Flight, longest: float, *, everything: bool = False) -> None:
        """A refresh, on this thread. What ends after it was given up changes nothing and calls nobody back."""
        held = flight.before.held
        if held is None:  # held values are never dropped
            return
        flight.add_thread()
        state, made = flight.before, None
        try:
            from configsvc_client._refresh.refresh import run_refresh

            made = run_refresh(
                flight, held, self._settings, self._world, self._rules, longest=longest, everything=everything
            )
            state, flight.changed = made.state, made.held is not held
            flight.error = made.error and copy_error(made.error)  # else its frames keep the flight before, and so on
        finally:
            if made is None:
                flight.error = Unavailable("The refresh was interrupted. Try again.", reason="interrupted")
            flight.kept = flight.end(state)
        if flight.kept:
            self._publish_held()
            self._report(made.news, held.snapshot, made.held.snapshot)

    def _report(self, news: Sequence[str], before: Snapshot, after: Snapshot) -> None:
        """After the flight: a callback, and who reads the log, may take as long as they like, and refresh."""
        for each in news:
            self._world.warn(each)
        if after is not before:
            self._callbacks.run(before, after)

    def _load(self, end: float) -> None:
        """Loads, or waits for another thread that does.

        Raises:
            ConfigUnavailable, Misconfigured: see `read_current`.
        """
        now = self._world.clock.now()
        deadline = now.monotonic + min(compute_load_seconds(self._settings), _COLD_SHARE * (end - now.monotonic))
        while self.held is None:
            last, now = self._last(), self._world.clock.now()
            if last.is_over(now):
                flight = self._make_flight(last, now, deadline - now.monotonic)
                self._begin(last, flight, functools.partial(self._fly_first_load, flight))
            elif last.is_mine():
                raise ConfigUnavailable("The first load is under way on this thread, and a read during it cannot wait.")
            elif not (
                last.wait(min(deadline, last.given_up_at) - now.monotonic) or last.is_over(self._world.clock.now())
            ):
                raise ConfigUnavailable("Another thread is still loading config.")

    def _fly_first_load(self, flight: Flight) -> None:
        """Loads; what ends after it was given up changes nothing, and its error is none where another thread loaded."""
        state, news = flight.before, list[str]()
        try:
            loaded = load(self._settings, self._world, self._rules, flight.deadline)
            state = state._replace(
                held=loaded.held, freshness=loaded.freshness, error=loaded.error and copy_error(loaded.error)
            )
            if loaded.error is not None or loaded.held.snapshot.broken:
                from configsvc_client._refresh.troubles import settle_first_load

                troubles, news = settle_first_load(loaded.held.broken, loaded.error)
                state = state._replace(troubles=troubles)
        except ConfigsvcError as error:
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            state = state._replace(error=copy_error(error))
            if self.held is None:
                raise
        finally:
            flight.kept = flight.end(state)
        self._publish_held()
        if flight.kept:
            for each in news:
                self._world.warn(each)


def _make_ended_flight(state: RefreshState) -> Flight:
    """Makes an ended flight for a state that no refresh made."""
    flight = Flight(state, ClockReading(0.0, 0.0), 0.0)
    flight.end(state)
    return flight


def _is_never_attended() -> bool:
    return False
