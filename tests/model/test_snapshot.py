"""A snapshot is read back from its text, and its cost is the sum of its parts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model.snapshot import (
    FORMS,
    Charset,
    DataKey,
    Entry,
    MalformedSnapshot,
    SealedSnapshot,
    compute_cost,
    compute_data_key_cost,
    compute_entry_cost,
    compute_total_cost,
    parse,
    render,
)
from tests.support.model.strategies import CONTENT_TYPE, KEYS, KIDS, NAMESPACES

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
ENTRIES = st.builds(Entry, KEYS, st.integers(1, 10**10 - 1), st.sampled_from(FORMS), CONTENT_TYPE, TEXT)
PRINTED = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
DATA_KEYS = st.builds(DataKey, KIDS, PRINTED, PRINTED)
CHARSETS: tuple[Charset, ...] = ("ascii", "utf8")
SNAPSHOTS = st.builds(
    SealedSnapshot,
    NAMESPACES,
    st.integers(1, 10**12),
    st.lists(DATA_KEYS, max_size=3, unique_by=lambda each: each.kid).map(tuple),
    st.lists(ENTRIES, max_size=4, unique_by=lambda each: each.key).map(tuple),
)


@given(snapshot=SNAPSHOTS)
def test_a_snapshot_comes_back_from_its_text(snapshot: SealedSnapshot) -> None:
    assert parse(json.loads(render(snapshot))) == snapshot


@given(snapshot=SNAPSHOTS, charset=st.sampled_from(CHARSETS))
def test_the_costs_of_the_parts_add_up_to_the_response(snapshot: SealedSnapshot, charset: Charset) -> None:
    answer = json.dumps({"body": render(snapshot)}, ensure_ascii=charset == "ascii").encode()
    whole = compute_cost(render(snapshot), charset)
    assert whole == len(answer) - len(json.dumps({"body": ""}))
    assert whole == compute_total_cost(
        snapshot.namespace,
        snapshot.revision,
        [compute_data_key_cost(each) for each in snapshot.data_keys],
        len(snapshot.entries),
        sum(compute_entry_cost(each, charset) for each in snapshot.entries),
    )


DATA_KEY = {"kid": "A" * 43, "kms_key": "k", "wrapped": "w"}
ENTRY = {"key": "k", "version": 1, "form": "plain", "content_type": "text/plain", "value": "v"}
GOOD: dict[str, object] = {"namespace": "a", "revision": 1, "data_keys": [DATA_KEY], "entries": [ENTRY]}


def test_unknown_members_are_ignored() -> None:
    assert parse(GOOD | {"more": 1}) == parse(GOOD)


@pytest.mark.parametrize(
    "change",
    [
        {"namespace": "A"}, {"namespace": None}, {"entries": [ENTRY | {"key": "a/b"}]},
        {"revision": "1"}, {"revision": True}, {"revision": -1},
        {"entries": {}}, {"entries": [{}]}, {"entries": [ENTRY, ENTRY]}, {"data_keys": [DATA_KEY, DATA_KEY]},
        {"data_keys": [None]}, {"entries": [ENTRY | {"form": "other"}]},
        {"entries": [ENTRY | {"value": None}]},
    ],
    ids=str,
)  # fmt: skip
def test_a_malformed_snapshot_is_refused_without_showing_a_value(change: dict[str, object]) -> None:
    with pytest.raises(MalformedSnapshot) as refused:
        parse(GOOD | change)
    assert str(refused.value).startswith("not a snapshot: ")


@pytest.mark.parametrize("found", [None, [], "x", 1, {}])
def test_anything_that_is_not_a_snapshot_is_refused(found: object) -> None:
    with pytest.raises(MalformedSnapshot):
        parse(found)


@pytest.mark.parametrize("member", ["revision", "version"])
@pytest.mark.parametrize("number", [-1, 2**53 + 1, 10**4000, True, 1.0])
def test_a_number_that_parsers_may_read_differently_is_refused(member: str, number: object) -> None:
    entry = {"key": "a", "version": 1, "form": "plain", "content_type": "text/plain", "value": "v"}
    members = {"namespace": "payments.prod", "revision": 1, "data_keys": [], "entries": [entry]}
    parse(members)
    (members if member == "revision" else entry)[member] = number
    with pytest.raises(MalformedSnapshot):
        parse(members)
