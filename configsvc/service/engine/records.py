"""What the table holds, as values. Each record carries `revision`: the stamp that a write on it is conditioned on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from configsvc.model.grants import Grant
from configsvc.model.names import Key, Kid, Namespace
from configsvc.model.schema import KeySchema
from configsvc.model.snapshot import DataKey, Entry, Form


class RecordAddress(NamedTuple):
    """Where a record stands: partition and sort key."""

    pk: str
    sk: str


class KidCount(NamedTuple):
    """How often a data key was used to seal, how many served entries need it, and what it costs in a snapshot.

    `revision` is that of its `D#`: by it a reader tells that it read the wrapping that this HEAD belongs to.
    """

    seals: int
    served: int
    cost: int
    revision: int


class Head(NamedTuple):
    """`HEAD` of a namespace. Never deleted, under 4 KB for ever.

    `tag` belongs to the served revision: it is drawn with every write that changes what readers get, and stays when
    a staged put or a setting moves only `revision`. So equal (served, tag) means equal snapshots, also after a restore.
    `size` is what the served entries cost in the snapshot, and `size_ascii` the same where the runtime escapes what is
    not ASCII: a stage that changes its runtime finds both counted. `stamps` is the sum of the stamps of all `K#`
    (service.tally), by which a reader tells that its Query saw each of them as this revision left it.
    """

    namespace: Namespace
    revision: int
    served: int
    tag: str
    floor: int
    state: Literal["live", "deleted"]
    entries: int
    size: int
    size_ascii: int
    stamps: int
    kids: Mapping[Kid, KidCount]


class RetentionSettings(NamedTuple):
    """What upkeep keeps: versions of each key, days of the change log, days of deleted keys. None keeps everything."""

    versions: int | None = None
    log_days: int | None = None
    deleted_days: int | None = None


class StoredSettings(NamedTuple):
    """`SETTINGS` of a namespace."""

    namespace: Namespace
    revision: int
    description: str
    forms: tuple[Form, ...]
    snapshot_bytes: int
    require_preconditions: bool
    read_only: bool
    retention: RetentionSettings = RetentionSettings()
    schemas: tuple[KeySchema, ...] = ()


class KeyState(NamedTuple):
    """What a key serves and which versions it gave out: `K#<key>` while something is served, else `U#<key>`.

    So a reading of what is served never meets what is not. A `U#` stays where it is when its key is served again. It
    counts only while there is no `K#`; the next deletion replaces it.

    `entry` is None when nothing is served. `deleted_at` is when it was deleted, if that was the last that happened to
    it: RFC 3339 text.
    """

    namespace: Namespace
    key: Key
    revision: int
    latest: int
    latest_form: Form
    entry: Entry | None
    rotate_by: str | None
    deleted_at: str | None = None

    @property
    def active(self) -> int | None:
        """The version that is served."""
        return self.entry.version if self.entry else None

    @property
    def state(self) -> Literal["served", "staged", "deleted"]:
        """Whether something is served; if not, whether a version waits to be, or the key was deleted."""
        if self.entry:
            return "served"
        return "deleted" if self.deleted_at else "staged"


class StoredVersion(NamedTuple):
    """`V#<key>#<version>`: one version, immutable, and the revision that wrote it. `destroyed`: its value is gone."""

    namespace: Namespace
    revision: int
    entry: Entry
    written_at: str
    written_by: str
    destroyed: bool = False


class LoggedChange(NamedTuple):
    """One key in a change-log record: the version given out or chosen, and what the active one was and is now.

    `purge` says that upkeep took away all that was kept of a deleted key; `version` is the last that it gave out.
    """

    key: Key
    op: Literal["put", "activate", "delete", "purge"]
    version: int | None
    was: int | None
    now: int | None


class LogRecord(NamedTuple):
    """`R#<revision>`: what, who, when, why and from where; never a value.

    `subject` names what is no key (a kid, a principal); `details` says what became of it.
    """

    namespace: Namespace | None
    revision: int
    served: int
    verb: str
    subject: str
    details: Mapping[str, object]
    changes: tuple[LoggedChange, ...]
    message: str
    at: str
    principal: str
    arn: str
    api_key: str
    source_ip: str
    user_agent: str
    correlation_id: str


class StoredSummary(NamedTuple):
    """`S#<level>#<revision>`: what the log records up to that revision say together (service.summaries).

    It covers 16 revisions at level 1, 256 at level 2, and so on. `first_at` and `last_at` are the earliest and the
    latest time in it; `principals` None means more than it lists. `packed` holds the keys, compressed.
    """

    namespace: Namespace | None
    revision: int
    level: int
    first_at: str
    last_at: str
    principals: tuple[str, ...] | None
    packed: bytes


class DataKeyRecord(NamedTuple):
    """`D#<kid>`: a wrapped data key. `added` is the revision that added it: the highest is the newest."""

    namespace: Namespace
    revision: int
    added: int
    data_key: DataKey
    state: Literal["live", "retired"]
    created_at: str
    created_by: str


class KeptAnswer(NamedTuple):
    """`I#<sha256>`: the first answer to an Idempotency-Key. It holds no value; `expires` is epoch seconds."""

    address: RecordAddress
    revision: int
    request: str
    status: int
    body: Mapping[str, object]
    etag: str | None
    expires: int


class Listed(NamedTuple):
    """A namespace in `NAMESPACES`, for listing."""

    namespace: Namespace
    revision: int
    description: str


class GrantsHead(NamedTuple):
    """`HEAD` of the grants."""

    revision: int


class StoredGrants(NamedTuple):
    """`G#<principal>`: the grants of one principal."""

    principal: str
    revision: int
    grants: tuple[Grant, ...]


Record = (
    Head | StoredSettings | KeyState | StoredVersion | LogRecord | StoredSummary | DataKeyRecord | KeptAnswer | Listed
    | GrantsHead | StoredGrants
)  # fmt: skip


def of_namespace(namespace: str) -> str:
    """The partition of a namespace."""
    return f"N#{namespace}"


def namespace_of(partition: str) -> Namespace | None:
    """The namespace of a partition, None of the grants'. Whoever named the partition had a valid namespace."""
    return None if partition == GRANTS else Namespace(partition.removeprefix("N#"))


DESTROY = "destroy"
"""The verb of a record whose subject is a key, one of whose versions was destroyed."""

NAMESPACES = "NAMESPACES"
GRANTS = "GRANTS"


def log_partition(namespace: Namespace | None) -> str:
    """The partition of a change log; None is that of the grants."""
    return GRANTS if namespace is None else of_namespace(namespace)


def head(namespace: str) -> RecordAddress:
    """Where the HEAD of a namespace stands."""
    return RecordAddress(of_namespace(namespace), "HEAD")


def settings(namespace: str) -> RecordAddress:
    """Where the settings of a namespace stand."""
    return RecordAddress(of_namespace(namespace), "SETTINGS")


def key(namespace: str, key: str) -> RecordAddress:
    """Where the state of a key stands while something is served under it."""
    return RecordAddress(of_namespace(namespace), f"K#{key}")


def unserved_key(namespace: str, key: str) -> RecordAddress:
    """Where the state of a key stands while nothing is served under it."""
    return RecordAddress(of_namespace(namespace), f"U#{key}")


def version(namespace: str, key: str, number: int) -> RecordAddress:
    """Where a version stands. `#` is in no key, so no key's versions mix with another's."""
    return RecordAddress(of_namespace(namespace), f"V#{key}#{number:010d}")


def log(partition: str, revision: int) -> RecordAddress:
    """Where a change-log record stands."""
    return RecordAddress(partition, f"R#{revision:012d}")


def summary(partition: str, level: int, revision: int) -> RecordAddress:
    """Where a summary of the log stands. A level has one digit: the ninth covers more revisions than a lift goes to."""
    return RecordAddress(partition, f"S#{level}#{revision:012d}")


def data_key(namespace: str, kid: str) -> RecordAddress:
    """Where a wrapped data key stands."""
    return RecordAddress(of_namespace(namespace), f"D#{kid}")


def address_of_answer(partition: str, digest: str) -> RecordAddress:
    """Where the answer to an Idempotency-Key stands."""
    return RecordAddress(partition, f"I#{digest}")


def address_of_listed(namespace: str) -> RecordAddress:
    """Where a namespace is listed."""
    return RecordAddress(NAMESPACES, namespace)


GRANTS_HEAD = RecordAddress(GRANTS, "HEAD")


def address_of_granted(principal: str) -> RecordAddress:
    """Where the grants of a principal stand."""
    return RecordAddress(GRANTS, f"G#{principal}")


def address_of(record: Record) -> RecordAddress:  # noqa: C901, PLR0911  # one line a kind of record
    """Where a record stands."""
    match record:
        case Head():
            return head(record.namespace)
        case StoredSettings():
            return settings(record.namespace)
        case KeyState():
            return (key if record.entry else unserved_key)(record.namespace, record.key)
        case StoredVersion():
            return version(record.namespace, record.entry.key, record.entry.version)
        case LogRecord():
            return log(log_partition(record.namespace), record.revision)
        case StoredSummary():
            return summary(log_partition(record.namespace), record.level, record.revision)
        case DataKeyRecord():
            return data_key(record.namespace, record.data_key.kid)
        case KeptAnswer():
            return record.address
        case Listed():
            return address_of_listed(record.namespace)
        case GrantsHead():
            return GRANTS_HEAD
        case StoredGrants():
            return address_of_granted(record.principal)
