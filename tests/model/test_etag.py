"""ETags: strong, never ignored when malformed in If-Match, matched by If-None-Match as RFC 9110 says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model import etag
from configsvc.model.errors import InvalidRequest

LONG = 500_000

TAGS = st.binary(min_size=8, max_size=8).map(bytes.hex)


@given(served=st.integers(1, 10**12), tag=TAGS)
def test_an_etag_matches_itself_alone_among_others_and_as_a_weak_one(served: int, tag: str) -> None:
    own = etag.of_snapshot(served, tag)
    assert own == f'"{served}-{tag}"'
    assert all(
        etag.matches(header, own) for header in (own, f"W/{own}", f'"x", {own}', f'{own},"x"', " * ", f" {own} ")
    )


@given(one=st.tuples(st.integers(1, 99), TAGS), other=st.tuples(st.integers(1, 99), TAGS))
def test_an_etag_matches_no_other(one: tuple[int, str], other: tuple[int, str]) -> None:
    assert etag.matches(etag.of_snapshot(*one), etag.of_snapshot(*other)) == (one == other)


@given(header=st.text(max_size=60))
def test_what_is_no_list_of_etags_matches_nothing_and_breaks_nothing(header: str) -> None:
    own = etag.of_snapshot(12, "ab" * 8)
    assert not etag.matches(header, own) or header.strip() == "*"


@pytest.mark.parametrize(
    "header",
    ["x" + " " * LONG + "x", " " * LONG + '"', '""' + " " * LONG + "x", '"' + "a" * LONG, '"' * LONG, '"a" ' * LONG],
    ids=["blanks", "blanks and a quote", "blanks after an ETag", "never closed", "quotes", "many without a comma"],
)
def test_a_header_made_to_be_slow_takes_no_longer_than_another_of_its_length(header: str) -> None:
    """In a time that grew with the square of the length it would take hours, and the test run stops it long before."""
    assert not etag.matches(header, etag.of_snapshot(12, "ab" * 8))


def test_several_snapshots_have_one_etag() -> None:
    assert etag.of_snapshots([("a", 42, "9f"), ("b", 7, "01")]) == '"a=42-9f,b=7-01"'


@given(revision=st.integers(1, 10**15))
def test_if_match_takes_what_we_gave_out(revision: int) -> None:
    assert etag.revision_of(etag.of_revision(revision)) == revision


@pytest.mark.parametrize(
    "header", ["", "*", "41", '"0"', '"041"', 'W/"41"', '"41", "42"', '"41-ab"', '"x"', '"-1"', '"٣"']
)
def test_if_match_takes_nothing_else(header: str) -> None:
    with pytest.raises(InvalidRequest):
        etag.revision_of(header)
