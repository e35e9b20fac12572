"""Units that one request uses, and whole fleets in a month: pure functions of explicit assumptions."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from infra.costs.lines import Lines
from infra.costs.prices import Use, add, times

_GB = Decimal(10**9)
_MB = Decimal(1024)  # of the memory of a function, in a GB
_MILLISECONDS = Decimal(1000)
_READ_UNIT = 4096
_HOURS = 24
_GRANT_SECONDS = 10


class Assumptions(NamedTuple):
    """Facts about a fleet that are not known, and so assumed.

    Args:
        days: of a month.
        keys: entries of a namespace; `secrets` of them are secret.
        snapshot_bytes: of a namespace's snapshot, as sent.
        small_bytes: of a response without a snapshot, with its headers.
        poll_ms: the duration of an unchanged poll in the function; `snapshot_ms` and `write_ms` likewise.
        write_units: of a put of 200 bytes, sealed; `write_reads` are its reads.
        warm: warm instances of the service. Each reads a changed snapshot once, and a reader's grants every 10 s.
        api_keys: that a fleet's environments share.
        log_months: how long a log is kept; `log_kept` is the share that is left of it after compression.
    """

    days: int = 30
    keys: int = 20
    secrets: int = 5
    snapshot_bytes: int = 20_000
    small_bytes: int = 400
    poll_ms: Decimal = Decimal(5)
    snapshot_ms: Decimal = Decimal(15)
    write_ms: Decimal = Decimal(40)
    write_units: int = 14
    write_reads: int = 4
    warm: int = 2
    api_keys: int = 10
    log_months: int = 12
    log_kept: Decimal = Decimal("0.2")

    @property
    def seconds(self) -> int:
        """Seconds of a month."""
        return self.days * _HOURS * 3600

    @property
    def snapshot_units(self) -> int:
        """Read units of a namespace's snapshot."""
        return -(-self.snapshot_bytes // _READ_UNIT)


class Service(NamedTuple):
    """Units that a request to the service uses, by what it asks for and by how many namespaces.

    Args:
        lines: bytes that a request writes to the logs.
        memory_mb: of the function; `architecture` is arm64 or x86_64.
    """

    lines: Lines
    memory_mb: int
    architecture: str
    of: Assumptions = Assumptions()

    def poll(self, namespaces: int = 1) -> Use:
        """An unchanged poll: one request, which reads each namespace's HEAD, and no line of ours."""
        return self._request(self.of.poll_ms, namespaces, self.of.small_bytes, line=False)

    def snapshot(self, namespaces: int = 1) -> Use:
        """A changed poll. The response repeats the other namespaces; the service has the snapshots in memory."""
        return self._request(self.of.snapshot_ms, namespaces, self.of.snapshot_bytes * namespaces, line=True)

    def cold_start(self, namespaces: int = 1) -> Use:
        """A consumer's first snapshot, and a Decrypt for the data key of each namespace."""
        return add(self.snapshot(namespaces), {"kms_requests": Decimal(namespaces)})

    def write(self) -> Use:
        """A put of a small value through the API."""
        return add(self._request(self.of.write_ms, 0, self.of.small_bytes, line=True), self.commit())

    def commit(self) -> Use:
        """The table's part of a put: its reads and its transaction, and each warm instance reads the new snapshot."""
        reads = self.of.write_reads + self.of.warm * self.of.snapshot_units
        return {"table_reads": Decimal(reads), "table_writes": Decimal(self.of.write_units)}

    def grants(self, polls: Decimal) -> Use:
        """Reads of grants: at most one in 10 s for each API key and warm instance, and none without a poll."""
        most = Decimal(self.of.api_keys * self.of.warm * self.of.seconds) / _GRANT_SECONDS
        return {"table_reads": min(polls, most)}

    def logged(self, size: int) -> Use:
        """Bytes of log, ingested and kept."""
        gb = Decimal(size) / _GB
        return {"log_gb": gb, "log_gb_kept": gb * self.of.log_kept * self.of.log_months}

    def invoked(self, milliseconds: Decimal, memory_mb: int) -> Use:
        """An invocation of a function of this architecture, with Lambda's own lines."""
        seconds = milliseconds / _MILLISECONDS * memory_mb / _MB
        used = {"lambda_requests": Decimal(1), f"lambda_{self.architecture}": seconds}
        return add(used, self.logged(self.lines.report))

    def _request(self, milliseconds: Decimal, reads: int, size: int, *, line: bool) -> Use:
        written = self.lines.access + (self.lines.request if line else 0)
        sent = {"rest_requests": Decimal(1), "table_reads": Decimal(reads), "gb_out": Decimal(size) / _GB}
        return add(sent, self.invoked(milliseconds, self.memory_mb), self.logged(written))


class Fleet(NamedTuple):
    """Consumers of the service.

    Args:
        warm: environments that run all the time.
        changes: writes a day, each to one namespace that all of them read.
        cold_starts: a month.
    """

    name: str
    warm: int
    changes: int = 0
    cold_starts: int = 0


FLEETS = (
    Fleet("1,000 warm environments", 1000),
    Fleet("the same, ten changes a day", 1000, changes=10),
    Fleet("50 warm, 10 M cold starts a month", 50, cold_starts=10_000_000),
    Fleet("170 functions in 3 environments each", 510),
)
NAMESPACES = (1, 2, 5)


def fleet(service: Service, of: Fleet, namespaces: int, poll_seconds: int) -> Use:
    """Units that a fleet uses a month, apart from the stage's fixed part: one request for all its namespaces.

    A change replaces one poll of each warm environment. It opens the snapshot, and for that unwraps the data key if the
    last time was an hour ago: an unchanged poll opens nothing.
    """
    polls = Decimal(of.warm * service.of.seconds) / poll_seconds
    changes = of.changes * service.of.days
    changed = min(Decimal(of.warm * changes), polls)
    unwrapped = min(Decimal(of.warm * service.of.days * min(of.changes, _HOURS)), changed)
    return add(
        times(service.poll(namespaces), polls - changed),
        times(service.snapshot(namespaces), changed),
        times(service.cold_start(namespaces), of.cold_starts),
        times(service.write(), changes),
        service.grants(polls + of.cold_starts),
        {"kms_requests": unwrapped},
    )


def default_traces(requests: Decimal, of: Assumptions) -> Decimal:
    """Traces that X-Ray records without a sampling rule of ours: one request a second, and 5 % of the others."""
    first = min(requests, Decimal(of.seconds))
    return first + (requests - first) * Decimal("0.05")
