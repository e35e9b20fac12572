"""Ports: the interfaces through which a Config reaches the world. `_world` implements them; tests use fakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from configsvc.model.errors import ConfigsvcError
from configsvc.model.names import Namespace
from configsvc.model.record import Record
from configsvc.model.snapshot import SealedSnapshot
from configsvc_client._secret import Hidden

if TYPE_CHECKING:
    from configsvc_client._aws.kms import Kms

Chance = Callable[[], float]
"""Draws a number from 0 up to 1 from the system's randomness: restored copies of a process must draw different ones."""


class ClockReading(Record):
    """The time of both clocks in seconds. Wall time can be set; monotonic time may stop during a freeze."""

    wall: float
    monotonic: float


class Clocks(Protocol):
    """The clocks of the computer."""

    def wall(self) -> float:
        """Returns the seconds since the epoch."""

    def monotonic(self) -> float:
        """Returns the seconds since some start. Never reset, but may stop while a function is frozen."""

    def now(self) -> ClockReading:
        """Reads both clocks."""

    def pause(self, seconds: float) -> None:
        """Sleeps."""


class FetchedSnapshot(Hidden):
    """A sealed snapshot from the service with its ETag; empty if it comes from the fallback file."""

    etag: str
    sealed: SealedSnapshot

    def __repr__(self) -> str:
        return f"FetchedSnapshot({self.sealed.namespace}@{self.sealed.revision})"


FetchResult = dict[Namespace, FetchedSnapshot | ConfigsvcError]
"""For each namespace its snapshot, or the error instead of one. Unchanged namespaces are left out."""

NOT_OURS = "not_ours"
"""The `reason` of an Unavailable whose answer was not configsvc's. Such a server gives the same answer again."""


class Gateway(Protocol):
    """Reads from the service."""

    def fetch(
        self,
        known: Mapping[Namespace, str | None],
        deadline: float,
        while_waiting: Callable[[], None] | None = None,
    ) -> Mapping[Namespace, FetchedSnapshot | ConfigsvcError]:
        """Fetches the namespaces that have changed.

        Args:
            known: the ETag held for each namespace; None to fetch it in any case.
            deadline: monotonic seconds.
            while_waiting: called once while the first answer is on its way.

        Returns:
            The namespaces that differ from the held ones. If several were requested, also those that failed alone.

        Raises:
            ConfigsvcError: the error of the service, or Unavailable if no valid response came in time. Its member
                `retry_after` has the seconds from `Retry-After`, if the response had it.
        """


def warn(message: str) -> None:
    """Logs a warning as `configsvc_client`. It contains no value. A log filter that raises does not fail a read."""
    import logging

    try:
        logging.getLogger("configsvc_client").warning(message)
    except Exception as error:  # noqa: BLE001  # raised by a log filter
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(error)


class World(Record):
    """All ports of a Config.

    `prepare` runs while the first response is on its way and prepares decryption. `close` closes connections; the next
    use opens them again. `read` reads the fallback file and raises BadFallback if it cannot; None reads from disk.
    """

    gateway: Gateway
    kms: Kms
    clock: Clocks
    chance: Chance
    prepare: Callable[[], None]
    close: Callable[[], None]
    read: Callable[[str], bytes] | None = None
    warn: Callable[[str], None] = warn
