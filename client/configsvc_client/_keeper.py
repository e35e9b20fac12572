"""Holds what was opened and keeps it up to date: one refresh at a time, never backwards, each namespace whole."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from configsvc.model.errors import ConfigsvcError, ConfigUnavailable, Expired, Unavailable, WentBackwards
from configsvc.model.names import Namespace
from configsvc_client._changes import Callbacks
from configsvc_client._freshness import Freshness, Window, age, confirmed, partly_confirmed
from configsvc_client._keyring import Keyring
from configsvc_client._loading import load, retry_after, seconds_of
from configsvc_client._opening import Rules
from configsvc_client._ports import Moment, World
from configsvc_client._refresh import Held, ours, refreshed
from configsvc_client._settings import Settings
from configsvc_client._snapshot import Snapshot

if TYPE_CHECKING:
    from configsvc_client._refusals import Refusals, Refused

Publish = Callable[[Snapshot, Window], None]
"""Called with the snapshot and the window in which it may be read without asking, whenever either changes."""

_ENOUGH = 2
_COLD_SHARE = 0.9
_LEAST_SHARE = 0.25


class Keeper:
    """What one Config holds."""

    def __init__(self, settings: Settings, world: World, callbacks: Callbacks, publish: Publish) -> None:
        keyring = Keyring(world.kms, settings.pin, world.clock, settings.data_key_ttl)
        self._settings = settings
        self._pace = settings.pace
        self._world = world
        self._rules = Rules(keyring, settings.floors, settings.sealed_keys)
        self._callbacks = callbacks
        self._publish = publish
        self._lock, self._showing = threading.Lock(), threading.Lock()
        self._freshness: Freshness | None = None
        self.held: Held | None = None
        self.error: ConfigsvcError | None = None
        self.counts = {"refreshes": 0, "failures": 0, "went_backwards": 0, "refused": 0}
        self._loaded: Moment | None = None
        self._refusals: Refusals | None = None
        self._news: list[str] = []

    def current(self, remaining: float = math.inf) -> Snapshot:
        """What is held, refreshed if that is due; loaded if nothing is.

        A refresh that fails leaves what is held, and `error` says why. While another thread refreshes, what is held
        is given out at once; only when nothing is, or what is has expired, it is waited for.

        Args:
            remaining: seconds that the invocation has left; with less than two refreshes' none is begun.

        Raises:
            ConfigUnavailable: nothing is held and nothing could be loaded within the start deadline.
            Expired: what is held is older than it may be, and could not be refreshed.
            Misconfigured: settings for what has to be opened are missing.
        """
        if self.held is None:
            self._first_of_all(remaining)
        elif self._due() and remaining >= _ENOUGH * self._settings.refresh_seconds:
            self._if_due()
        return self._unexpired()

    def refresh(self) -> bool:
        """Refreshes now, due or not.

        Returns:
            Whether anything changed.

        Raises:
            ConfigUnavailable, Misconfigured: as `current`, where nothing is held.
            ConfigsvcError: why it failed, or why a namespace was refused: what is held of it stays, others move on.
            Unavailable: another refresh takes too long.
        """
        if self.held is None:
            self._first_of_all(math.inf)
            return True
        deadline = self._deadline(self._settings.refresh_seconds)
        if not self._acquired_in_time(deadline):
            raise Unavailable("Another refresh is under way. Try again.")
        before = self.held
        try:
            after, error = self._refresh(before, deadline, {})
        finally:
            self._lock.release()
        changed = self._told(before, after)
        if error is not None:
            raise error
        return changed

    def close(self) -> None:
        """Drops the connections; waits for a refresh that is under way."""
        with self._lock:
            self._world.close()

    def forked(self) -> None:
        """In a child process: a lock of its own, no shared connection, and a time of its own to ask."""
        self._lock, self._showing = threading.Lock(), threading.Lock()
        self._world.close()
        if self._freshness is not None:
            self._settle(self._freshness.scattered(self._world.clock.now(), self._world.chance))

    def restored(self) -> None:
        """In a restored copy of a process: its connections are dead, and what it holds is due."""
        self._lock, self._showing = threading.Lock(), threading.Lock()
        self._world.close()
        if self._freshness is not None:
            self._settle(self._freshness.over(self._world.clock.now()))

    def age(self) -> float:
        """Seconds since what is held was last confirmed by the service, or saved; infinite while nothing is held."""
        freshness = self._freshness
        return math.inf if freshness is None else age(freshness.confirmed, self._world.clock.now())

    @property
    def refused(self) -> dict[Namespace, ConfigsvcError]:
        """Why each namespace that is refused is."""
        return self._refusals.errors if self._refusals else {}

    @property
    def interval(self) -> float:
        """The poll interval in seconds."""
        return self._pace.interval

    @property
    def max_stale(self) -> float:
        """The age in seconds above which reads raise."""
        return self._pace.max_stale

    def left(self) -> float:
        """Seconds until a refresh is due; one interval while nothing is held."""
        freshness = self._freshness
        return self._pace.interval if freshness is None else max(0.0, freshness.left(self._world.clock.now()))

    def _due(self) -> bool:
        now = self._world.clock.now()
        if self.held is None or self._freshness is None or self._freshness.due(now):
            return True
        self._show()
        return False

    def _expired(self) -> bool:
        return self._freshness is not None and self._freshness.expired(self._world.clock.now(), self._pace)

    def _unexpired(self) -> Snapshot:
        held = self.held
        if held is None or self._expired():
            raise Expired(
                f"Config is {self.age():.0f} seconds old, and CONFIGSVC_MAX_STALE_SECONDS is {self._pace.max_stale:g}."
                f"{' ' + self.error.detail if self.error else ''}"
            )
        return held.snapshot

    def _if_due(self) -> None:
        deadline = self._deadline(self._settings.refresh_seconds)
        if not self._acquired(deadline if self._expired() else -math.inf):
            return
        before = after = self.held
        try:
            if before is not None and self._due():  # another thread may have refreshed since it was found due
                after, _ = self._refresh(before, deadline, self._minded().waiting(self._world.clock.now()))
        finally:
            self._lock.release()
        self._told(before, after)

    def _told(self, before: Held | None, after: Held | None) -> bool:
        """With no lock held: a callback, and who reads the log, may take as long as they like, and refresh."""
        news, self._news = self._news, []
        for each in news:
            self._world.warn(each)
        if before is None or after is None or after is before:
            return False
        self._callbacks.run(before.snapshot, after.snapshot)
        return True

    def _refresh(
        self, held: Held, deadline: float, waiting: Mapping[Namespace, Refused]
    ) -> tuple[Held, ConfigsvcError | None]:
        """Under the lock: what is held from now on, and why not all of it is as the service has it."""
        now = self._world.clock.now()
        try:
            done = ours(lambda: refreshed(held, self._world.gateway, self._rules, deadline, waiting))
        except ConfigsvcError as error:
            self._failed([error])
            return held, error
        self.held = done.held
        self._news += self._minded().settle(done.refused, now)
        if not done.refused:
            self.counts["refreshes"] += 1
            self.error = None
            self._settle(confirmed(now, self._pace, self._world.chance))
            return done.held, None
        errors = [each.error for each in done.refused.values()]
        self.counts["refused"] += len(errors)
        self._failed(errors, now if len(errors) < len(held.layers) else None)
        return done.held, errors[0]

    def _minded(self) -> Refusals:
        """Under the lock: what is refused. Made with the first refresh, because a cold start pays for each module."""
        if self._refusals is None:
            from configsvc_client._refusals import Refusals

            self._refusals = Refusals(self._settings.pace.interval, self._world.chance)
            self._refusals.loaded(self._settings.namespaces, self._loaded or self._world.clock.now())
        return self._refusals

    def _failed(self, errors: Sequence[ConfigsvcError], others: Moment | None = None) -> None:
        """The errors; and when the other namespaces were confirmed, where they were: those keep the pace."""
        self.error = _copy(errors[0])
        self.counts["failures"] += 1
        self.counts["went_backwards"] += any(isinstance(each, WentBackwards) for each in errors)
        if self._freshness is None:
            return
        now, said = self._world.clock.now(), max((retry_after(each) or 0.0 for each in errors), default=0.0)
        if others is None:
            self._settle(self._freshness.failed(now, self._pace, self._world.chance, said or None))
        else:
            since = self._minded().oldest()
            self._settle(partly_confirmed(others, since, self._pace, self._world.chance, said or None))

    def _settle(self, freshness: Freshness) -> None:
        self._freshness = freshness
        self._show()

    def _show(self) -> None:
        """Publishes what is held; one thread at a time, so that one that was slow never puts back what is older."""
        with self._showing:
            if self.held is not None and self._freshness is not None:
                self._publish(self.held.snapshot, self._freshness.window(self._world.clock.now(), self._pace))

    def _deadline(self, seconds: float) -> float:
        """One for all that follows: waiting for the lock, asking and opening."""
        return self._world.clock.now().monotonic + seconds

    def _acquired(self, deadline: float) -> bool:
        return self._lock.acquire(timeout=max(0.0, deadline - self._world.clock.now().monotonic))

    def _acquired_in_time(self, deadline: float) -> bool:
        """With enough left to ask: what fails for want of time would count against a service that is well."""
        if not self._acquired(deadline):
            return False
        left = deadline - self._world.clock.now().monotonic
        if left >= _LEAST_SHARE * self._settings.refresh_seconds:
            return True
        self._lock.release()
        return False

    def _first_of_all(self, remaining: float) -> None:
        deadline = self._deadline(min(seconds_of(self._settings), _COLD_SHARE * remaining))
        if not self._acquired(deadline):
            raise ConfigUnavailable("Another thread is still loading config.")
        try:
            if self.held is None:
                loaded = load(self._settings, self._world, self._rules, deadline)
                self.held, self.error = loaded.held, loaded.error and _copy(loaded.error)
                self._loaded = loaded.freshness.confirmed
                self._settle(loaded.freshness)
        finally:
            self._lock.release()


def _copy(error: ConfigsvcError) -> ConfigsvcError:
    """To keep: with its traceback and its cause it would keep alive what was opened and what came."""
    return type(error)(error.detail, **error.members)
