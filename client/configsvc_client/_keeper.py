"""Holds what was opened and keeps it up to date: one refresh at a time, never backwards, all or nothing."""

from __future__ import annotations

import contextlib
import math
import threading

from configsvc.model.errors import (
    ConfigsvcError,
    ConfigUnavailable,
    Internal,
    Misconfigured,
    Throttled,
    Unavailable,
)
from configsvc_client._freshness import Freshness, age, confirmed
from configsvc_client._keyring import Keyring
from configsvc_client._ports import Moment, World
from configsvc_client._refresh import Held, first, refreshed
from configsvc_client._settings import Settings
from configsvc_client._snapshot import Snapshot

_TRIES = 3
_PAUSE = 0.2
_PASSING = (Unavailable, Throttled, Internal)


class Keeper:
    """What one Config holds. While `wall()` is within `window`, `snapshot` may be read without asking."""

    def __init__(self, settings: Settings, world: World) -> None:
        self._settings = settings
        self._world = world
        self._keyring = Keyring(world.kms, settings.pin, world.clock, settings.data_key_ttl)
        self._lock = threading.Lock()
        self.held: Held | None = None
        self.snapshot = Snapshot(())
        self.wall = world.clock.wall
        self._freshness: Freshness | None = None
        self.window = (math.inf, -math.inf)
        self.error: ConfigsvcError | None = None

    def current(self) -> Snapshot:
        """What is held, refreshed if that is due; loaded if nothing is.

        A refresh that fails leaves what is held, and `error` says why. While another thread refreshes, what is held
        is given out at once; only when nothing is, it is waited for.

        Raises:
            ConfigUnavailable: nothing is held and nothing could be loaded within the start deadline.
            Misconfigured: settings for what has to be opened are missing.
        """
        if self.held is None:
            return self._first_of_all().snapshot
        if self._due() and self._lock.acquire(blocking=False):
            try:
                self._if_due(self.held)
            finally:
                self._lock.release()
        return self.snapshot

    def refresh(self) -> bool:
        """Refreshes now, due or not.

        Returns:
            Whether anything changed.

        Raises:
            ConfigUnavailable, Misconfigured: as `current`, where nothing is held.
            ConfigsvcError: why it failed; what is held stays.
        """
        if self.held is None:
            self._first_of_all()
            return True
        if not self._lock.acquire(timeout=self._settings.refresh_seconds):
            raise Unavailable("Another refresh is under way. Try again.")
        try:
            before = self.held
            self._refresh(before)
            return self.held is not before
        finally:
            self._lock.release()

    def close(self) -> None:
        """Drops the connections; waits for a refresh that is under way."""
        with self._lock:
            self._world.close()

    def age(self) -> float:
        """Seconds since what is held was last confirmed by the service; infinite while nothing is held."""
        freshness = self._freshness
        return math.inf if freshness is None else age(freshness.confirmed, self._world.clock.now())

    def _due(self) -> bool:
        now = self._world.clock.now()
        if self._freshness is None or self._freshness.due(now):
            return True
        self.window = self._freshness.window(now)
        return False

    def _if_due(self, held: Held) -> None:
        """Under the lock: another thread may have refreshed since it was found due."""
        if not self._due():
            return
        with contextlib.suppress(ConfigsvcError):
            self._refresh(held)

    def _refresh(self, held: Held) -> None:
        """Under the lock. The error is kept as a copy: with its traceback it would keep what was opened alive."""
        world, interval = self._world, self._settings.poll_seconds
        now = world.clock.now()
        try:
            self._hold(refreshed(held, world.gateway, self._keyring, now.monotonic + self._settings.refresh_seconds))
        except ConfigsvcError as error:
            self.error = type(error)(error.detail, **error.members)
            if self._freshness is not None:
                now = world.clock.now()
                self._settle(self._freshness.failed(now, interval, world.chance), now)
            raise
        self.error = None
        self._settle(confirmed(now, interval, world.chance), world.clock.now())

    def _hold(self, held: Held) -> None:
        self.held, self.snapshot = held, held.snapshot

    def _settle(self, freshness: Freshness, now: Moment) -> None:
        self._freshness = freshness
        self.window = freshness.window(now)

    def _first_of_all(self) -> Held:
        deadline = self._world.clock.now().monotonic + self._settings.start_seconds
        if not self._lock.acquire(timeout=self._settings.start_seconds):
            raise ConfigUnavailable("Another thread is still loading config.")
        try:
            return self.held or self._loaded(deadline)
        finally:
            self._lock.release()

    def _loaded(self, deadline: float) -> Held:
        now = self._world.clock.now()
        held = self._load(deadline)
        self._hold(held)
        self._settle(confirmed(now, self._settings.poll_seconds, self._world.chance), self._world.clock.now())
        return held

    def _load(self, deadline: float) -> Held:
        """Up to three tries; only what may pass by itself is tried again."""
        world = self._world
        for left in reversed(range(_TRIES)):
            try:
                return first(self._settings.namespaces, world.gateway, self._keyring, deadline, world.prepare)
            except Misconfigured:
                raise
            except ConfigsvcError as error:
                pause = _PAUSE * world.chance() * 2 ** (_TRIES - left)
                if not left or not isinstance(error, _PASSING) or world.clock.now().monotonic + pause >= deadline:
                    raise ConfigUnavailable(f"Config could not be loaded. {error.detail}", cause=error.code) from error
                world.clock.pause(pause)
        raise AssertionError("unreachable")
