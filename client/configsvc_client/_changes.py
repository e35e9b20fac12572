"""Callbacks on change: run after the swap, each on its own; one that raises stops no other and no refresh."""

from __future__ import annotations

from collections.abc import Callable

from configsvc.model.record import Record
from configsvc_client._snapshot import Snapshot, changed

Callback = Callable[[frozenset[str]], object]


class _Registered(Record):
    prefix: str
    callback: Callback


class Callbacks:
    """Who wants to know of which keys. They run on the thread that refreshed, with no lock held."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._registered: tuple[_Registered, ...] = ()
        self.failures = 0

    def add(self, prefix: str, callback: Callback) -> None:
        """From now on, calls back with the keys of that prefix that changed, whenever some did."""
        self._registered += (_Registered(prefix, callback),)

    def again(self) -> Callbacks:
        """The same who want to know, of which none has failed."""
        made = Callbacks(self._warn)
        made._registered = self._registered
        return made

    def run(self, before: Snapshot, after: Snapshot) -> None:
        """Tells all whom it concerns. What one raises is counted, and logged by its type: its text may hold a value."""
        if not self._registered:
            return
        keys = changed(before, after)
        for prefix, callback in self._registered:
            concerned = frozenset(key for key in keys if key.startswith(prefix))
            if concerned:
                self._run(prefix, callback, concerned)

    def _run(self, prefix: str, callback: Callback, keys: frozenset[str]) -> None:
        try:
            callback(keys)
        except Exception as error:  # noqa: BLE001  # whatever it raises must not stop the update
            from configsvc_client._foreign import pass_on

            pass_on(error)
            self.failures += 1
            self._warn(f"A callback for changes of {prefix or 'any key'} raised {type(error).__name__}.")
