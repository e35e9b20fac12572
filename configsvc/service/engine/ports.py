"""The verbs' view of the outside world. Adapters implement it; unit tests use only fakes of these."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from configsvc.model.errors import Throttled, Unavailable
from configsvc.model.grants import Grant
from configsvc.model.names import Key, Namespace
from configsvc.model.snapshot import Charset
from configsvc.service.engine.records import Record, RecordAddress, RetentionSettings

if TYPE_CHECKING:
    from configsvc.model.schema_cost import SchemaWeight  # of writes only


class Write(NamedTuple):
    """Writes a record if the stamp read before is unchanged; `expected` None means that there was no record."""

    record: Record
    expected: int | None


class Remove(NamedTuple):
    """Removes a record if the stamp read before is unchanged."""

    address: RecordAddress
    expected: int


class StampCheck(NamedTuple):
    """Changes nothing, but lets the transaction commit only if the stamp read before is unchanged."""

    address: RecordAddress
    expected: int | None


WriteAction = Write | Remove | StampCheck


class LostRace(Exception):
    """A record that a decision depends on has changed; nothing was written. Read and decide again."""

    def __init__(self, addresses: Collection[RecordAddress] = ()) -> None:
        super().__init__(", ".join(f"{address.pk}/{address.sk}" for address in addresses))
        self.addresses = tuple(addresses)


class StoreUnavailable(Unavailable):
    """The store did not answer in time; whether a write happened is unknown. Sent unchanged, with 503."""


class StoreBusy(Throttled):
    """The store was throttled until the deadline; nothing was written. Sent with 429."""


class Repository(Protocol):
    """The one table. Every read is strongly consistent. A batch is not isolated: each record is as of its own moment.

    A failing call is retried until the request's deadline, and then raises StoreBusy or StoreUnavailable.
    """

    def get(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        """Returns the records that exist: one call for up to 100 small addresses, GetItem for a single one.

        Raises:
            StoreBusy, StoreUnavailable
        """

    def query(
        self,
        partition: str,
        prefix: str,
        *,
        after: str = "",
        limit: int | None = None,
        values: bool = True,
        reverse: bool = False,
    ) -> Iterator[Record]:
        """Yields records of a partition whose sort key starts with `prefix` and comes after `after`, in order.

        Pages are read on demand. `values` False omits stored values (their text is empty). `reverse` reads from the
        last to the first, and `after` is then where reading continues downwards.

        Raises:
            StoreBusy, StoreUnavailable
        """

    def get_together(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        """Returns the records that exist, all as of one moment; at most 100 addresses and 4 MB of items.

        Raises:
            LostRace: a transaction was writing one of them.
            StoreBusy, StoreUnavailable
        """

    def commit(self, actions: Sequence[WriteAction]) -> None:
        """Performs all actions in one transaction, or none.

        Raises:
            LostRace: a stamp has changed, or another transaction was writing the same records; nothing was written.
            StoreBusy: nothing was written.
            StoreUnavailable: outcome unknown; safe to decide again only behind an Idempotency-Key or a precondition.
        """


class WallMoment(NamedTuple):
    """A point of the wall clock: seconds since the epoch, and the same as RFC 3339 text in UTC with milliseconds."""

    seconds: float
    text: str


class ServiceClock(Protocol):
    """Time for the change log, idempotency and deadlines."""

    def now(self) -> WallMoment:
        """Reads the wall clock."""

    def monotonic(self) -> float:
        """Returns the seconds of a clock that never goes back."""

    def sleep(self, seconds: float) -> None:
        """Waits."""


class ServiceChance(Protocol):
    """Randomness."""

    def tag(self) -> str:
        """Returns 8 random bytes in hex: the tag of a write."""

    def uniform(self, most: float) -> float:
        """Returns a number in [0, most): the full jitter of a retry."""


class GrantsCache(Protocol):
    """Recently read grants, cached for at most 10 seconds: a revoked grant may still work that long."""

    def get(self, principal: str) -> tuple[Grant, ...] | None:
        """Returns the grants, or None if they have to be read."""

    def put(self, principal: str, grants: tuple[Grant, ...]) -> None:
        """Caches the grants."""

    def forget(self, principal: str) -> None:
        """Drops the grants, because they changed here."""


class Rendered(NamedTuple):
    """The JSON text of a snapshot and its ETag."""

    body: str
    etag: str


class SnapshotCache(Protocol):
    """Rendered snapshots by namespace, served revision and tag, bounded by bytes."""

    def get(self, key: tuple[str, int, str]) -> Rendered | None:
        """Returns the rendered snapshot if it is cached."""

    def put(self, key: tuple[str, int, str], rendered: Rendered) -> None:
        """Caches it, and evicts the least recently used if there is no room."""


class Misfit(NamedTuple):
    """Where a value first fails, and the part of the schema that it fails: JSON pointers, never the value."""

    pointer: str
    schema_pointer: str


class Schemas(Protocol):
    """JSON Schema, draft 2020-12, of texts that configsvc.model.schema has accepted. Pure; nothing is fetched."""

    def find_fault(self, schema: str) -> str | None:
        """Returns a JSON pointer to the place where the text is not a schema, or None if it is one."""

    def weigh(self, schema: str) -> SchemaWeight:
        """Returns the cost factors of validating a value against the schema."""

    def find_misfit(self, schema: str, value: object) -> Misfit | None:
        """Returns where a decoded value first fails the schema, or None if it fits."""


class RotationDue(NamedTuple):
    """Keys of a namespace whose values should be replaced by a day (`2027-01-31`, UTC) that is near or past."""

    namespace: Namespace
    rotate_by: str
    keys: tuple[Key, ...]


class Undelivered(Unavailable):
    """Some events were not accepted. They may be sent again: a receiver may get them twice."""


class Announcer(Protocol):
    """Tells others what is due."""

    def announce(self, due: Sequence[RotationDue]) -> None:
        """Sends the events; a receiver may get one twice.

        Raises:
            Undelivered: not all were accepted.
        """


class ServicePorts(NamedTuple):
    """All that a verb may use, wired by the composition root.

    `retention` is the default of a new namespace; `charset` is the one that the runtime answers in. `deadline` is when
    the answer is due, in seconds of `clock.monotonic`; the repository observes it by itself.
    """

    repository: Repository
    clock: ServiceClock
    chance: ServiceChance
    grants: GrantsCache
    snapshots: SnapshotCache
    admins: tuple[str, ...]
    schemas: Schemas
    retention: RetentionSettings = RetentionSettings()
    charset: Charset = "utf8"
    deadline: float = math.inf

    def within(self, seconds: float) -> ServicePorts:
        """Returns the same ports for one request that must be answered within so many seconds."""
        return self._replace(deadline=self.clock.monotonic() + seconds)

    def pause(self, seconds: float, least: float = 0.0) -> bool:
        """Waits, if at least `least` seconds are left afterwards; otherwise returns False at once."""
        if self.clock.monotonic() + seconds + least >= self.deadline:
            return False
        if seconds:
            self.clock.sleep(seconds)
        return True


class Caller(NamedTuple):
    """The caller. Reads are judged by `api_key`, writes by `principal`; both are principals of grants."""

    api_key: str | None
    principal: str | None
    arn: str
    source_ip: str
    user_agent: str
    correlation_id: str


class Idempotency(NamedTuple):
    """An Idempotency-Key and the request it is bound to; `request` is the SHA-256 of the body, in hex."""

    key: str
    method: str
    path: str
    request: str


class WriteOutcome(NamedTuple):
    """The answer to a write: status, body without values, ETag."""

    status: int
    body: Mapping[str, object]
    etag: str | None = None
