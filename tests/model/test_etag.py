"""ETags: strong, never ignored when malformed in If-Match, matched by If-None-Match as RFC 9110 says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model import etag, limits
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


@pytest.mark.parametrize("tag", ["f" * 60_000, 'a"b', "a\nb", "a,b", "é", "", "\ud800", "G" * 16])
def test_a_tag_that_we_did_not_write_gives_a_short_etag_all_the_same(tag: str) -> None:
    for own in (etag.of_snapshot(7, tag), etag.of_snapshots([("payments.prod", 7, tag)])):
        assert own.isascii()
        assert own.isprintable()
        assert own.count('"') == 2
        assert len(own) < 60
        assert etag.matches(own, own)
    assert etag.of_snapshot(7, tag) != etag.of_snapshot(7, tag + "x")


def test_an_if_none_match_that_is_too_long_is_ignored_and_the_answer_is_whole() -> None:
    own = etag.of_snapshot(12, "ab" * 8)
    padding = '"x", ' * (limits.IF_NONE_MATCH // 5)
    assert etag.matches(f"{padding[:-100]}{own}", own)
    assert not etag.matches(f"{padding}{own}", own)


def test_our_longest_etag_is_far_below_what_is_looked_at() -> None:
    parts = [("n" * 63, 10**12, "f" * 32)] * limits.SNAPSHOTS_NAMESPACES
    assert len(etag.of_snapshots(parts)) * 4 < limits.IF_NONE_MATCH


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
