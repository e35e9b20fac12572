"""What the verbs need of the world. Adapters bring it; fakes of these are all that unit tests use."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from configsvc.model.errors import Throttled, Unavailable
from configsvc.model.grants import Grant
from configsvc.model.snapshot import Charset
from configsvc.service.engine.records import Record, RecordAddress, RetentionSettings

if TYPE_CHECKING:
    from configsvc.model.schema_cost import SchemaWeight  # of writes only


class Write(NamedTuple):
    """Put a record where the stamp read before still stands; `expected` None means that nothing stood there."""

    record: Record
    expected: int | None


class Remove(NamedTuple):
    """Take a record away where the stamp read before still stands."""

    address: RecordAddress
    expected: int


class StampCheck(NamedTuple):
    """Change nothing, but only commit while the stamp read before still stands."""

    address: RecordAddress
    expected: int | None


WriteAction = Write | Remove | StampCheck


class LostRace(Exception):
    """Something that a decision was made on has changed; nothing was written. Read and decide again."""

    def __init__(self, addresses: Collection[RecordAddress] = ()) -> None:
        super().__init__(", ".join(f"{address.pk}/{address.sk}" for address in addresses))
        self.addresses = tuple(addresses)


class StoreUnavailable(Unavailable):
    """The store did not answer in time; whether a write happened is not known. Sent as it is, with 503."""


class StoreBusy(Throttled):
    """The store refused as long as there was time, because it has too much to do; nothing was written. Sent as 429."""


class Repository(Protocol):
    """The one table. Every read is strongly consistent; a batch is not isolated: each record is of its own moment.

    A call that fails is tried again until the request's deadline; what is raised then is StoreBusy or StoreUnavailable.
    """

    def get(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        """The records that are there. One call for up to 100 small addresses, GetItem for a single one.

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
        """Records of a partition whose sort key starts with `prefix` and comes after `after`, in order of sort key.

        Pages are read as they are asked for. `values` False leaves stored values out (empty text in their place).
        `reverse` reads from the last to the first, and then `after` is where the reading goes on downwards.

        Raises:
            StoreBusy, StoreUnavailable
        """

    def together(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        """The records that are there, all as they stood at one moment; at most 100 addresses, and 4 MB of items.

        Raises:
            LostRace: a transaction was at one of them.
            StoreBusy, StoreUnavailable
        """

    def commit(self, actions: Sequence[WriteAction]) -> None:
        """All actions in one transaction, or none.

        Raises:
            LostRace: a stamp no longer stands, or another transaction was at the same records; nothing was written.
            StoreBusy: nothing was written.
            StoreUnavailable: outcome unknown; safe to decide again only behind an Idempotency-Key or a precondition.
        """


class WallMoment(NamedTuple):
    """A point of the wall clock: seconds since the epoch, and the same as RFC 3339 text in UTC with milliseconds."""

    seconds: float
    text: str


class ServiceClock(Protocol):
    """Time, as the change log and idempotency want it."""

    def now(self) -> WallMoment:
        """The wall clock."""

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class ServiceChance(Protocol):
    """Randomness."""

    def tag(self) -> str:
        """8 random bytes in hex: the tag of a write."""

    def uniform(self, most: float) -> float:
        """A number in [0, most): the full jitter of a retry."""


class GrantsCache(Protocol):
    """Grants read lately, kept for at most 10 seconds: so long does a revoked grant still hold."""

    def get(self, principal: str) -> tuple[Grant, ...] | None:
        """The grants, or None when they are to be read."""

    def put(self, principal: str, grants: tuple[Grant, ...]) -> None:
        """Keep them."""

    def forget(self, principal: str) -> None:
        """They changed here."""


class Rendered(NamedTuple):
    """A snapshot's JSON text with its ETag, and what it costs in Lambda's answer."""

    body: str
    etag: str


class SnapshotCache(Protocol):
    """Rendered snapshots by namespace, served revision and tag, bounded by bytes."""

    def get(self, key: tuple[str, int, str]) -> Rendered | None:
        """The rendered snapshot, if kept."""

    def put(self, key: tuple[str, int, str], rendered: Rendered) -> None:
        """Keep it, at the cost of the least recently used."""


class Misfit(NamedTuple):
    """Where a value first fails, and the part of the schema that it fails: JSON pointers, never what stands there."""

    pointer: str
    schema_pointer: str


class Schemas(Protocol):
    """JSON Schema, draft 2020-12, of texts that configsvc.model.schema has taken. Pure; nothing is fetched."""

    def fault(self, schema: str) -> str | None:
        """A JSON pointer to where the text is no schema, None where it is one."""

    def weight(self, schema: str) -> SchemaWeight:
        """What the text weighs when a value is checked against it."""

    def misfit(self, schema: str, value: object) -> Misfit | None:
        """Where a decoded value first fails the schema, None when it holds."""


class ServicePorts(NamedTuple):
    """All that a verb may use, wired by the composition root.

    `retention` is what a new namespace begins with; `charset` is what the runtime in use answers in. `deadline` is when
    the answer is due, in seconds of `clock.monotonic`; the repository keeps to it by itself.
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
        """The same for one request, which has so many seconds from now on."""
        return self._replace(deadline=self.clock.monotonic() + seconds)

    def pause(self, seconds: float, least: float = 0.0) -> bool:
        """Wait, if at least `least` seconds are left after it; False, at once, when they are not."""
        if self.clock.monotonic() + seconds + least >= self.deadline:
            return False
        if seconds:
            self.clock.sleep(seconds)
        return True


class Caller(NamedTuple):
    """Who asks. Reads are judged by `api_key`, writes by `principal`; both are principals of grants."""

    api_key: str | None
    principal: str | None
    arn: str
    source_ip: str
    user_agent: str
    correlation_id: str


class Idempotency(NamedTuple):
    """An Idempotency-Key with what it is bound to; `request` is the sha256 of the body, in hex."""

    key: str
    method: str
    path: str
    request: str


class WriteOutcome(NamedTuple):
    """The answer to a write: status, body without values, ETag."""

    status: int
    body: Mapping[str, object]
    etag: str | None = None
