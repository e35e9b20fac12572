"""Consumers that poll all the time while something is changed under them, and what failed or was stale."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import closing

from configsvc.model.errors import ConfigsvcError
from configsvc_client import Config
from local.processes import wait_until

_BETWEEN = 0.1
_POLLS, _SECONDS = 3, 60.0


class Fleet:
    """Consumers by name, each with the API keys that it was deployed with, polled by one thread.

    Args:
        environ: the consumers' environment, without the API key.
        key: holds a number that only grows.
        written: the number that a poll that begins now must find, or a higher one.
    """

    def __init__(self, environ: Mapping[str, str], key: str, written: Callable[[], int]) -> None:
        self._environ, self._key, self._written = dict(environ), key, written
        self._running: dict[str, Config] = {}
        self._lock, self._stopped = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._poll_until_stopped, daemon=True)
        self.failures: list[str] = []
        self.polls: dict[str, int] = {}
        self._thread.start()

    def close(self) -> None:
        """Stop all consumers."""
        self._stopped.set()
        self._thread.join()
        for config in self._running.values():
            config.close()

    def deploy(self, name: str, api_keys: str) -> None:
        """Start a consumer with these keys; only then stop the one of that name."""
        started = self._make(api_keys)
        self._look(name, started)
        with self._lock:
            stopped = self._running.get(name)
            self._running[name] = started
        if stopped:
            stopped.close()

    def start_cold(self, api_keys: str) -> None:
        """Start another consumer with these keys and stop it; what fails is a failure of the fleet."""
        with closing(self._make(api_keys)) as cold:
            self._look("cold start", cold)

    def settle(self) -> None:
        """Wait until each consumer has polled some times more, whether it failed or not."""
        before = dict(self.polls)
        assert wait_until(
            lambda: all(self.polls.get(name, 0) >= before.get(name, 0) + _POLLS for name in self._running), _SECONDS
        ), self.polls

    def _make(self, api_keys: str) -> Config:
        return Config(environ=self._environ | {"CONFIGSVC_API_KEY": api_keys, "CONFIGSVC_REFRESH_SECONDS": "30"})

    def _poll_until_stopped(self) -> None:
        while not self._stopped.wait(_BETWEEN):
            with self._lock:
                for name, config in self._running.items():
                    self._look(name, config)

    def _look(self, name: str, config: Config) -> None:
        """Poll and read once. Every error and every stale value counts, whatever else it still serves."""
        least = self._written()
        try:
            config.refresh()
            found = int(str(config[self._key]))
        except ConfigsvcError as error:
            self.failures.append(f"{name}: {error.detail}")
        else:
            if found < least:
                self.failures.append(f"{name}: {found} was read after {least} was written")
        self.polls[name] = self.polls.get(name, 0) + 1
