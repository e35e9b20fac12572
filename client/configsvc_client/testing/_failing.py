"""Failures on demand."""

from __future__ import annotations

from configsvc.model.errors import ConfigsvcError


class Failing:
    """Raises an error for so many calls, or until it is told to stop."""

    def __init__(self) -> None:
        self._error: ConfigsvcError | None = None
        self._left: int | None = 0

    def start(self, error: ConfigsvcError, times: int | None) -> None:
        """From now on; `times` None is until `stop`."""
        self._error, self._left = error, times

    def stop(self) -> None:
        """No longer."""
        self._error = None

    def check(self) -> None:
        """One call.

        Raises:
            ConfigsvcError: the one that was asked for.
        """
        if self._error is None or self._left == 0:
            return
        if self._left is not None:
            self._left -= 1
        raise type(self._error)(self._error.detail, **self._error.members)
