"""Sample records to store, at least one of each kind."""

from configsvc.model import names
from configsvc.model.grants import Grant
from configsvc.model.schema import KeySchema
from configsvc.model.snapshot import FORMS, Entry
from configsvc.service.engine import records
from configsvc.service.engine.records import (
    DataKeyRecord,
    GrantsHead,
    Head,
    KeptAnswer,
    KeyState,
    KidCount,
    Listed,
    LoggedChange,
    LogRecord,
    Record,
    RetentionSettings,
    StoredGrants,
    StoredSettings,
    StoredVersion,
)
from tests.support.service.sealed import data_key, kid

NS = names.parse_namespace("payments.prod")
PARTITION = records.of_namespace(NS)


def make_state(key: str, revision: int = 1, value: str | None = "value", version: int = 1) -> KeyState:
    name = names.parse_key(key)
    entry = None if value is None else Entry(name, version, "plain", "text/plain", value)
    return KeyState(NS, name, revision, version, "plain", entry, None)


def make_head(revision: int = 1, kids: int = 1) -> Head:
    counts = {kid(number): KidCount(2**20, 1000, 400, 10**9 + number) for number in range(kids)}
    return Head(NS, revision, 1, "00112233aabbccdd", 0, "live", 0, 0, 0, 0, counts)


EVERY_KIND: tuple[Record, ...] = (
    make_head(),
    StoredSettings(NS, 1, "", ("plain", "envelope"), 2**20, require_preconditions=True, read_only=False),
    StoredSettings(
        names.parse_namespace("limited"),
        *(2, "payments", FORMS, 2**20),
        require_preconditions=False,
        read_only=True,
        retention=RetentionSettings(10, 400),
        schemas=(KeySchema("limits.*", '{"minimum":1}'), KeySchema("*", "{}")),
    ),
    StoredSettings(
        names.parse_namespace("kept"),
        *(3, "", FORMS, 1),
        require_preconditions=False,
        read_only=True,
        retention=RetentionSettings(None, 1),
    ),
    make_state("db.url"),
    make_state("gone", value=None)._replace(rotate_by="2027-01-31", deleted_at="2026-07-28T09:15:02.118Z"),
    make_state("empty", value=""),
    StoredVersion(
        NS, 2, Entry(names.parse_key("db.url"), 7, "kms", "application/json", "AAAA"), "2026-01-01T00:00:00.000Z", "me"
    ),
    StoredVersion(NS, 2, Entry(names.parse_key("v"), 1, "plain", "text/plain", ""), "", "", destroyed=True),
    LogRecord(
        NS, 2, 1, "change", "", {"was": [], "now": {"a": None, "ä": 1.5}},
        (
            LoggedChange(names.parse_key("db.url"), "put", 7, None, 7),
            LoggedChange(names.parse_key("x"), "delete", None, 1, None),
        ),
        "why", "2026-01-01T00:00:00.000Z", "principal", "arn", "", "192.0.2.1", "agent", "c-1",
    ),
    LogRecord(None, 1, 1, "set_grants", "api-key:a1", {}, (), "", "", "", "", "", "", "", ""),
    DataKeyRecord(NS, 3, 2, data_key(), "live", "2026-01-01T00:00:00.000Z", "me"),
    DataKeyRecord(NS, 3, 1, data_key(1), "retired", "2026-01-01T00:00:00.000Z", "me"),
    KeptAnswer(
        records.address_of_answer(PARTITION, "ab" * 32), 4, "hash", 201, {"keys": ["a", None]}, '"4"', 1800000000
    ),
    KeptAnswer(records.address_of_answer(records.GRANTS, "cd" * 32), 4, "hash", 204, {}, None, 1800000000),
    Listed(NS, 1, "payments"),
    GrantsHead(5),
    StoredGrants("api-key:a1", 5, (Grant(("read",), ("*",)), Grant(("read", "admin"), ("a.*", "b")))),
    StoredGrants("arn:aws:iam::123456789012:role/Nobody", 6, ()),
)  # fmt: skip
