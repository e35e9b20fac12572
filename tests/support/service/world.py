"""A service on the table in memory, with a namespace, an administrator, a developer and a reader."""

from typing import TypedDict, Unpack

from configsvc.adapters.caches import RecentGrants, RenderedSnapshots
from configsvc.adapters.json_schemas import JsonSchemas
from configsvc.adapters.memory import MemoryRepository
from configsvc.model import names
from configsvc.model.change_set import ChangeSet, Operation, Put
from configsvc.model.grants import Action, Grant
from configsvc.model.schema import KeySchema
from configsvc.model.snapshot import ContentType, Form
from configsvc.service.engine import records
from configsvc.service.engine.access import find_record
from configsvc.service.engine.ports import Caller, Idempotency, Repository, ServicePorts, WriteOutcome
from configsvc.service.engine.records import Head, LogRecord, RetentionSettings
from configsvc.service.verbs.change_sets import commit_change_set
from configsvc.service.verbs.data_keys import add_data_key
from configsvc.service.verbs.grants import set_grants
from configsvc.service.verbs.keys import put_key
from configsvc.service.verbs.namespaces import NamespaceWanted, create_namespace
from configsvc.service.verbs.snapshots import SnapshotAnswer, fetch_snapshot
from tests.support.service.fakes import FakeChance, FakeClock, Watched
from tests.support.service.sealed import data_key, envelope, kid

NS = names.parse_namespace("payments.prod")
ROLES = "arn:aws:iam::123456789012:role/"


def caller(api_key: str | None, role: str | None) -> Caller:
    arn = f"arn:aws:sts::123456789012:assumed-role/{role}/session" if role else ""
    return Caller(api_key and f"api-key:{api_key}", role and ROLES + role, arn, "192.0.2.1", "tests/1", "c-1")


ADMIN = caller("adminkey", "Admin")
DEVELOPER = caller("devkey", "Developer")
READER = caller("readerkey", None)
STRANGER = caller("strangerkey", "Stranger")


def grant(*actions: Action, on: str = "payments.*") -> Grant:
    return Grant(actions, (on,))


class PutOptions(TypedDict, total=False):
    form: Form
    content_type: ContentType
    activate: bool
    declassify: bool
    rotate_by: str
    if_match: int
    create_only: bool


class NamespaceOptions(TypedDict, total=False):
    description: str
    forms: tuple[Form, ...]
    snapshot_bytes: int
    require_preconditions: bool
    read_only: bool
    retention: RetentionSettings
    schemas: tuple[KeySchema, ...]


def text(key: str, value: str = "value", **options: Unpack[PutOptions]) -> Put:
    base = Put(names.parse_key(key), "plain", "text/plain", value)
    return base._replace(**options)


def sealed(
    key: str, version: int, *, number: int = 0, content_type: ContentType = "text/plain", ciphertext: bytes = b"sealed"
) -> Put:
    value = envelope(key, version, kid=kid(number), content_type=content_type, ciphertext=ciphertext)
    return Put(names.parse_key(key), "envelope", content_type, value)


def make_retry_key(key: str, request: str = "hash") -> Idempotency:
    return Idempotency(key, "PUT", "/v1/somewhere", request)


class World:
    """Everything that a test asks of the service, as the developer unless it names another caller."""

    def __init__(self, repository: Repository | None = None) -> None:
        self.clock = FakeClock()
        self.repository = Watched(repository or MemoryRepository())
        self.grants = RecentGrants(timer=self.clock.monotonic)
        admins = (ROLES + "Admin",)
        self.ports = ServicePorts(
            self.repository, self.clock, FakeChance(), self.grants, RenderedSnapshots(), admins, JsonSchemas()
        )

    def settle(self) -> "World":
        """Sets grants, and creates the namespace and its data key; then clears the counters."""
        set_grants(self.ports, ADMIN, "api-key:adminkey", (grant("read", on="*"),), None)
        set_grants(self.ports, ADMIN, "api-key:devkey", (grant("read"),), None)
        set_grants(self.ports, ADMIN, "api-key:readerkey", (grant("read"),), None)
        set_grants(self.ports, ADMIN, ROLES + "Developer", (grant("write"),), None)
        create_namespace(self.ports, ADMIN, NS, NamespaceWanted(), None)
        add_data_key(self.ports, ADMIN, NS, data_key(), None)
        self.repository.calls.clear()
        return self

    def set(self, **wanted: Unpack[NamespaceOptions]) -> WriteOutcome:
        return create_namespace(self.ports, ADMIN, NS, NamespaceWanted(**wanted), None)

    def put(self, wanted: Put, idempotency: Idempotency | None = None, who: Caller = DEVELOPER) -> WriteOutcome:
        return put_key(self.ports, who, NS, wanted, "why", idempotency)

    def change(
        self, *operations: Operation, if_match: int | None = None, idempotency: Idempotency | None = None
    ) -> WriteOutcome:
        return commit_change_set(self.ports, DEVELOPER, NS, ChangeSet(operations, "why", if_match), idempotency)

    def fetch(self, if_none_match: str | None = None, who: Caller = READER) -> SnapshotAnswer:
        return fetch_snapshot(self.ports, who, NS, if_none_match)

    def head(self) -> Head:
        at = records.head(NS)
        head = find_record(self.repository.get([at]), at, Head)
        assert head
        return head

    def log(self, partition: str = records.of_namespace(NS)) -> list[LogRecord]:
        return [each for each in self.repository.query(partition, "R#") if isinstance(each, LogRecord)]

    def stored(self) -> dict[str, object]:
        """Returns all records of the namespace, to show that nothing was written."""
        found = self.repository.query(records.of_namespace(NS), "")
        return {records.address_of(each).sk: each for each in found}


def make_world(repository: Repository | None = None) -> World:
    return World(repository).settle()
