"""The records of the table, as values. Each has a `revision`: the stamp that writes to it are conditioned on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from configsvc.model.grants import Grant
from configsvc.model.names import Key, Kid, Namespace
from configsvc.model.schema import KeySchema
from configsvc.model.snapshot import DataKey, Entry, Form


class RecordAddress(NamedTuple):
    """The address of a record: partition and sort key."""

    pk: str
    sk: str


class KidCount(NamedTuple):
    """How many values a data key sealed, how many served entries need it, and its cost in a snapshot.

    `revision` is that of its `D#`: it tells a reader whether the wrapping it read belongs to this HEAD.
    """

    seals: int
    served: int
    cost: int
    revision: int


class Head(NamedTuple):
    """`HEAD` of a namespace. Never deleted, always under 4 KB.

    `tag` belongs to the served revision: every write that changes what readers get draws a new one, and a staged put or
    a setting moves only `revision`. So equal (served, tag) means equal snapshots, even after a restore. `size` is the
    cost
    of the served entries in the snapshot, and `size_ascii` the same where the runtime escapes everything but ASCII: a
    stage that changes its runtime finds both counted. `stamps` is the sum of the stamps of all `K#` (engine.tally): it
    tells a reader whether its Query saw each of them as this revision left it.
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
    """How much upkeep keeps: versions of each key, days of the change log, days of deleted keys. None keeps all."""

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
    """The served entry of a key and the numbers of its versions: `K#<key>` while it is served, else `U#<key>`.

    So a read of served keys never meets the others. A `U#` stays where it is when its key is served again. It counts
    only while there is no `K#`; the next deletion replaces it.

    `entry` is None when nothing is served. `deleted_at` is the time of deletion, as RFC 3339 text, if deletion was the
    last change.
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
        """The number of the active version."""
        return self.entry.version if self.entry else None

    @property
    def state(self) -> Literal["served", "staged", "deleted"]:
        """Served, staged (a version waits to be activated), or deleted."""
        if self.entry:
            return "served"
        return "deleted" if self.deleted_at else "staged"


class StoredVersion(NamedTuple):
    """`V#<key>#<version>`: one immutable version and the revision that wrote it. `destroyed`: its value is gone."""

    namespace: Namespace
    revision: int
    entry: Entry
    written_at: str
    written_by: str
    destroyed: bool = False


class LoggedChange(NamedTuple):
    """One key in a change-log record: the version written or activated, and the active version before and after.

    `purge` means that upkeep removed everything kept of a deleted key; `version` is then its last version.
    """

    key: Key
    op: Literal["put", "activate", "delete", "purge"]
    version: int | None
    was: int | None
    now: int | None


class LogRecord(NamedTuple):
    """`R#<revision>`: what changed, who did it, when, why and from where; never a value.

    `subject` names anything but a key (a kid, a principal); `details` says how it changed.
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
    """`S#<level>#<revision>`: the summary of the log records up to that revision (engine.summaries).

    It covers 16 revisions at level 1, 256 at level 2, and so on. `first_at` and `last_at` are its earliest and latest
    time; `principals` None means that they are too many to list. `packed` holds the keys, compressed.
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
    """`I#<sha256>`: the first answer to an Idempotency-Key. It never contains a value; `expires` is epoch seconds."""

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
    """Returns the partition of a namespace."""
    return f"N#{namespace}"


def namespace_of(partition: str) -> Namespace | None:
    """Returns the namespace of a partition, None for that of the grants. The partition was made from a valid name."""
    return None if partition == GRANTS else Namespace(partition.removeprefix("N#"))


DESTROY = "destroy"
"""The verb of a record whose subject is the key of a destroyed version."""

NAMESPACES = "NAMESPACES"
GRANTS = "GRANTS"


def log_partition(namespace: Namespace | None) -> str:
    """Returns the partition of a change log; None means that of the grants."""
    return GRANTS if namespace is None else of_namespace(namespace)


def head(namespace: str) -> RecordAddress:
    """Returns the address of the HEAD of a namespace."""
    return RecordAddress(of_namespace(namespace), "HEAD")


def settings(namespace: str) -> RecordAddress:
    """Returns the address of the settings of a namespace."""
    return RecordAddress(of_namespace(namespace), "SETTINGS")


def key(namespace: str, key: str) -> RecordAddress:
    """Returns the address of the state of a key that is served."""
    return RecordAddress(of_namespace(namespace), f"K#{key}")


def unserved_key(namespace: str, key: str) -> RecordAddress:
    """Returns the address of the state of a key that is not served."""
    return RecordAddress(of_namespace(namespace), f"U#{key}")


def version(namespace: str, key: str, number: int) -> RecordAddress:
    """Returns the address of a version. No key contains `#`, so versions of different keys never mix."""
    return RecordAddress(of_namespace(namespace), f"V#{key}#{number:010d}")


def log(partition: str, revision: int) -> RecordAddress:
    """Returns the address of a change-log record."""
    return RecordAddress(partition, f"R#{revision:012d}")


def summary(partition: str, level: int, revision: int) -> RecordAddress:
    """Returns the address of a log summary. One digit suffices for the level: 9 covers more revisions than a lift."""
    return RecordAddress(partition, f"S#{level}#{revision:012d}")


def data_key(namespace: str, kid: str) -> RecordAddress:
    """Returns the address of a wrapped data key."""
    return RecordAddress(of_namespace(namespace), f"D#{kid}")


def address_of_answer(partition: str, digest: str) -> RecordAddress:
    """Returns the address of the answer to an Idempotency-Key."""
    return RecordAddress(partition, f"I#{digest}")


def address_of_listed(namespace: str) -> RecordAddress:
    """Returns the address of a namespace in the listing."""
    return RecordAddress(NAMESPACES, namespace)


GRANTS_HEAD = RecordAddress(GRANTS, "HEAD")


def address_of_granted(principal: str) -> RecordAddress:
    """Returns the address of the grants of a principal."""
    return RecordAddress(GRANTS, f"G#{principal}")


def address_of(record: Record) -> RecordAddress:  # noqa: C901, PLR0911  # one line for each kind of record
    """Returns the address of a record."""
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
