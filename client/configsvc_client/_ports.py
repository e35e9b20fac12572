"""What the client needs of the world. Tests bring their own; `_world` brings the real one."""

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
"""A number from 0 up to 1, from the system's randomness: a restored copy of this process must not draw the same."""


class ClockReading(Record):
    """Now, by both clocks in seconds: wall may be set, monotonic may stand still while a function is frozen."""

    wall: float
    monotonic: float


class Clocks(Protocol):
    """Time."""

    def wall(self) -> float:
        """Seconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds since some start; never set, but it may stand still while a function is frozen."""

    def now(self) -> ClockReading:
        """Both clocks."""

    def pause(self, seconds: float) -> None:
        """Waits."""


class FetchedSnapshot(Hidden):
    """A sealed snapshot as the service answered it, with its ETag; one from the fallback file has none."""

    etag: str
    sealed: SealedSnapshot

    def __repr__(self) -> str:
        return f"FetchedSnapshot({self.sealed.namespace}@{self.sealed.revision})"


FetchResult = dict[Namespace, FetchedSnapshot | ConfigsvcError]
"""What was answered of each namespace: its snapshot, or why there is none; unchanged ones are left out."""

NOT_OURS = "not_ours"
"""The `reason` of an Unavailable whose answer was not configsvc's. Such a server gives the same answer again."""


class Gateway(Protocol):
    """The service, for reading."""

    def fetch(
        self,
        known: Mapping[Namespace, str | None],
        deadline: float,
        while_waiting: Callable[[], None] | None = None,
    ) -> Mapping[Namespace, FetchedSnapshot | ConfigsvcError]:
        """What is new in some namespaces.

        Args:
            known: for each namespace the ETag that is held, None to have it in any case.
            deadline: monotonic seconds.
            while_waiting: called once while the first answer is on its way.

        Returns:
            The namespaces that differ from what is held, and those of several that failed alone.

        Raises:
            ConfigsvcError: what the service answered, or Unavailable when nothing sound came in time. Its member
                `retry_after` is the seconds that the service said, where it did.
        """


def warn(message: str) -> None:
    """A warning in the log named `configsvc_client`; it holds no value. A filter that raises fails no read."""
    import logging

    try:
        logging.getLogger("configsvc_client").warning(message)
    except Exception as error:  # noqa: BLE001  # of a filter
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(error)


class World(Record):
    """All of it.

    `prepare` readies, while the first answer is on its way, what opening it will need. `close` drops what is open, and
    the next use opens it again. `read` reads the fallback file (BadFallback where it cannot); None reads the disk's.
    """

    gateway: Gateway
    kms: Kms
    clock: Clocks
    chance: Chance
    prepare: Callable[[], None]
    close: Callable[[], None]
    read: Callable[[str], bytes] | None = None
    warn: Callable[[str], None] = warn
