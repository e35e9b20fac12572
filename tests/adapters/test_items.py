"""Records survive conversion to items and back, and HEAD stays small."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.adapters.items import from_item, to_item
from configsvc.model import limits, names
from configsvc.model.grants import ACTIONS, Grant
from configsvc.model.snapshot import FORMS, Entry
from configsvc.service.engine import records, summaries
from configsvc.service.engine.records import (
    DataKeyRecord,
    GrantsHead,
    KeptAnswer,
    KeyState,
    Listed,
    LoggedChange,
    LogRecord,
    Record,
    StoredGrants,
    StoredSummary,
    StoredVersion,
    address_of,
)
from tests.model.test_snapshot import DATA_KEYS, ENTRIES, TEXT
from tests.support.adapters.sizes import count_item_bytes
from tests.support.contracts.samples import EVERY_KIND, make_head
from tests.support.model.strategies import CONTENT_TYPE, KEYS, NAMESPACES

LONGEST = names.parse_namespace("n" * 64)
NUMBERS = st.integers(1, 10**10 - 1)
MAYBE = st.none() | NUMBERS
JSON = st.dictionaries(TEXT, st.none() | TEXT | NUMBERS | st.lists(TEXT))
CHANGES = st.builds(LoggedChange, KEYS, st.sampled_from(("put", "activate", "delete")), MAYBE, MAYBE, MAYBE)
GRANTS = st.builds(
    Grant,
    st.lists(st.sampled_from(ACTIONS), unique=True).map(lambda found: tuple(a for a in ACTIONS if a in found)),
    st.lists(NAMESPACES).map(tuple),
)


@st.composite
def draw_key_states(draw: st.DrawFn) -> KeyState:
    key = draw(KEYS)
    entry = draw(st.none() | st.builds(Entry, st.just(key), NUMBERS, st.sampled_from(FORMS), CONTENT_TYPE, TEXT))
    return KeyState(
        draw(NAMESPACES), key, draw(NUMBERS), draw(NUMBERS), draw(st.sampled_from(FORMS)), entry, draw(st.none() | TEXT)
    )


RECORDS: st.SearchStrategy[Record] = st.one_of(
    draw_key_states(),
    st.builds(StoredVersion, NAMESPACES, NUMBERS, ENTRIES, TEXT, TEXT, st.booleans()),
    st.builds(
        LogRecord,
        st.none() | NAMESPACES,
        *(NUMBERS, NUMBERS, TEXT, TEXT, JSON, st.lists(CHANGES).map(tuple)),
        *(TEXT for _ in range(8)),
    ),
    st.builds(DataKeyRecord, NAMESPACES, NUMBERS, NUMBERS, DATA_KEYS, st.sampled_from(("live", "retired")), TEXT, TEXT),
    st.builds(
        KeptAnswer,
        NAMESPACES.map(lambda namespace: records.address_of_answer(records.of_namespace(namespace), "ab" * 32)),
        *(NUMBERS, TEXT, NUMBERS, JSON, st.none() | TEXT, NUMBERS),
    ),
    st.builds(Listed, NAMESPACES, NUMBERS, TEXT),
    st.builds(GrantsHead, NUMBERS),
    st.builds(StoredGrants, st.just("api-key:a1"), NUMBERS, st.lists(GRANTS).map(tuple)),
)


@given(record=RECORDS)
def test_a_record_comes_back_from_its_item(record: Record) -> None:
    assert from_item(to_item(record)) == record


@pytest.mark.parametrize("record", EVERY_KIND, ids=lambda record: type(record).__name__)
def test_a_record_of_every_kind_comes_back_from_its_item(record: Record) -> None:
    item = to_item(record)
    assert from_item(item) == record
    assert (item["pk"], item["sk"]) == ({"S": address_of(record).pk}, {"S": address_of(record).sk})
    assert item["revision"] == {"N": str(record.revision)}


def test_the_largest_head_stays_under_4_kb() -> None:
    largest = 10**12
    full = make_head(kids=limits.LIVE_DATA_KEYS)
    kids = {kid: count._replace(seals=2**20, served=10**6, cost=4096) for kid, count in full.kids.items()}
    worst = full._replace(
        namespace=LONGEST, revision=largest, served=largest, floor=largest, state="deleted", entries=10**6,
        size=limits.SNAPSHOT_BYTES_MOST, size_ascii=limits.ANSWERABLE, stamps=limits.EXACT - 1, kids=kids,
    )  # fmt: skip
    assert len(kids) == 32
    assert 2_000 < count_item_bytes(to_item(worst)) < 4_096


def test_the_largest_key_state_fits_an_item_of_dynamodb() -> None:
    key = names.parse_key("k" * 255)
    entry = Entry(key, 10**10 - 1, "envelope", "application/octet-stream", "x" * limits.STORED_VALUE)
    largest = KeyState(LONGEST, key, 10**12, 10**10 - 1, "envelope", entry, "2027-01-31")
    assert count_item_bytes(to_item(largest)) < 400 * limits.KIB


def test_only_expiring_records_have_the_ttl_attribute() -> None:
    carrying = {type(record) for record in EVERY_KIND if "ttl" in to_item(record)}
    assert carrying == {KeptAnswer}


@pytest.mark.parametrize(
    "broken",
    [{"state": {"S": "asleep"}}, {"served": {"S": "1"}}, {"kids": {"SS": ["a"]}}, {"sk": {"S": "X#"}}],
    ids=str,
)
def test_a_foreign_item_is_an_error(broken: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        from_item({**to_item(EVERY_KIND[0]), **broken})


@pytest.mark.parametrize("lacking", ["packed", "first_at", "revision"])
def test_a_damaged_log_summary_does_not_unpack(lacking: str) -> None:
    whole = StoredSummary(names.parse_namespace("a"), 16, 1, "", "", (), b"packed")
    found = from_item({name: value for name, value in to_item(whole).items() if name != lacking})
    assert isinstance(found, StoredSummary)
    assert (found.level, found.revision, summaries.unpack_summary(found)) == (1, 16, None)
