"""Waiting for a stack: report each event once, say what a long wait is for, and survive AWS's throttling."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as Unconnected

from infra.deployment.events import Events

_SILENCE = 30.0
"""Seconds without news after which it says that it still waits."""
_BROKEN_LOOKS = 10
_THROTTLED = frozenset({"RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequestsException"})
_UNDER_WAY = "_IN_PROGRESS"
Failure: TypeAlias = ClientError | Unconnected | HTTPClientError


@dataclass(frozen=True, slots=True)
class Waiting:
    """One wait for a stack.

    Args:
        look: returns the stack's status.
        watch: says what a long update waits for, if that is known.
    """

    events: Events
    look: Callable[[], str]
    progress: Callable[[str], None]
    watch: Callable[[], str | None]

    def until(self, done: Callable[[str], bool], looks: Iterable[float], seen: Collection[str]) -> str:
        """Look at each of the times until it is done; returns the last status.

        A look that AWS throttles is repeated, and so are ten in a row that do not reach AWS.
        """
        told, status, heard, failures = set(seen), "", 0.0, 0
        for waited in looks:
            try:
                status, news = self.look(), self._tell(told)
            except (ClientError, Unconnected, HTTPClientError) as error:
                failures += 1
                if not _is_passing(error, failures):
                    raise
                continue
            failures = 0
            if done(status):
                return status
            if news:
                heard = waited
            elif waited - heard >= _SILENCE:
                heard = waited
                self.progress(" ".join(filter(None, [f"still {status} after {waited:.0f} s.", self._watched()])))
        return status

    def _watched(self) -> str | None:
        try:
            return self.watch()
        except (ClientError, Unconnected, HTTPClientError):
            return None  # it only explains the wait

    def _tell(self, told: set[str]) -> bool:
        """Report new events; returns whether there were any."""
        events = self.events.since(told)
        for event in reversed(events):
            told.add(event["EventId"])
            status = event.get("ResourceStatus", "")
            if not status.endswith(_UNDER_WAY):
                self.progress(f"{event.get('LogicalResourceId', '')} {status}")
        return bool(events)


def _is_passing(error: Failure, failures: int) -> bool:
    if isinstance(error, ClientError):
        return error.response["Error"].get("Code") in _THROTTLED
    return failures < _BROKEN_LOOKS
