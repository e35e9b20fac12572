"""ETags are strong, refused in If-Match if malformed, and matched in If-None-Match as in RFC 9110."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model import etag, limits
from configsvc.model.errors import InvalidRequest

LONG = 500_000
ROOT = Path(__file__).parents[2]

TAGS = st.binary(min_size=8, max_size=8).map(bytes.hex)


@given(served=st.integers(1, 10**12), tag=TAGS)
def test_an_etag_matches_itself_in_a_list_and_weakly(served: int, tag: str) -> None:
    own = etag.of_snapshot(served, tag)
    assert own == f'"{served}-{tag}"'
    assert all(
        etag.matches_if_none_match(header, own)
        for header in (own, f"W/{own}", f'"x", {own}', f'{own},"x"', " * ", f" {own} ")
    )


@given(one=st.tuples(st.integers(1, 99), TAGS), other=st.tuples(st.integers(1, 99), TAGS))
def test_an_etag_matches_no_other(one: tuple[int, str], other: tuple[int, str]) -> None:
    assert etag.matches_if_none_match(etag.of_snapshot(*one), etag.of_snapshot(*other)) == (one == other)


@given(header=st.text(max_size=60))
def test_a_malformed_list_of_etags_matches_nothing(header: str) -> None:
    own = etag.of_snapshot(12, "ab" * 8)
    assert not etag.matches_if_none_match(header, own) or header.strip() == "*"


@pytest.mark.parametrize(
    "header",
    ["x" + " " * LONG + "x", " " * LONG + '"', '""' + " " * LONG + "x", '"' + "a" * LONG, '"' * LONG, '"a" ' * LONG],
    ids=["blanks", "blanks and a quote", "blanks after an ETag", "never closed", "quotes", "many without a comma"],
)
def test_a_header_made_to_be_slow_takes_linear_time(header: str) -> None:
    """In quadratic time this would take hours, and the test's time limit would stop it."""
    assert not etag.matches_if_none_match(header, etag.of_snapshot(12, "ab" * 8))


@pytest.mark.parametrize("tag", ["f" * 60_000, 'a"b', "a\nb", "a,b", "é", "", "\ud800", "G" * 16])
def test_a_foreign_tag_still_gives_a_short_etag(tag: str) -> None:
    for own in (etag.of_snapshot(7, tag), etag.of_snapshots([("payments.prod", 7, tag)])):
        assert own.isascii()
        assert own.isprintable()
        assert own.count('"') == 2
        assert len(own) < 60
        assert etag.matches_if_none_match(own, own)
    assert etag.of_snapshot(7, tag) != etag.of_snapshot(7, tag + "x")


def test_an_overlong_if_none_match_gets_a_full_response() -> None:
    own = etag.of_snapshot(12, "ab" * 8)
    padding = '"x", ' * (limits.IF_NONE_MATCH // 5)
    assert etag.matches_if_none_match(f"{padding[:-100]}{own}", own)
    assert not etag.matches_if_none_match(f"{padding}{own}", own)


def test_our_longest_etag_is_far_below_the_limit() -> None:
    parts = [("n" * 63, 10**12, "f" * 32)] * limits.SNAPSHOTS_NAMESPACES
    assert len(etag.of_snapshots(parts)) * 4 < limits.IF_NONE_MATCH


def test_several_snapshots_share_one_etag() -> None:
    assert etag.of_snapshots([("a", 42, "9f"), ("b", 7, "01")]) == '"a=42-9f,b=7-01"'


@given(served=st.integers(1, 10**15), tag=TAGS, prefix=st.sampled_from(["", "W/"]))
def test_a_reader_parses_the_etag_of_the_service(served: int, tag: str, prefix: str) -> None:
    own = etag.of_snapshot(served, tag)
    came = f"{prefix}{own}"
    assert etag.parse_snapshot(came) == (served, tag)
    assert etag.strengthen(came) == own
    assert etag.is_weak_match(came, own)


@given(parts=st.dictionaries(st.from_regex(r"[a-z]{1,9}\.[a-z]{1,9}", fullmatch=True), st.integers(1, 99), min_size=1))
def test_a_combined_etag_splits_as_it_was_joined(parts: dict[str, int]) -> None:
    each = {namespace: etag.of_snapshot(served, "0a1b") for namespace, served in parts.items()}
    joined = etag.of_snapshots((namespace, served, "0a1b") for namespace, served in parts.items())
    assert joined == etag.join(each.items())
    assert etag.split(f"W/{joined}") == each


@pytest.mark.parametrize(
    "header",
    [
        "",
        '"',
        "7-0a",
        '"7"',
        '"-0a"',
        '"7-"',
        '"7-0a 1b"',
        '"\u0667-0a"',
        '"7-' + "a" * 33 + '"',
        '"' + "9" * 17 + '-0a"',
    ],
)
def test_a_reader_refuses_other_spellings_of_an_etag(header: str) -> None:
    with pytest.raises(etag.MalformedEtag):
        etag.parse_snapshot(header)


@pytest.mark.parametrize("header", ["", "a.b=1-0a", '"a.b=1-0a,a.b=2-0b"'])
def test_a_reader_refuses_other_spellings_of_a_combined_etag(header: str) -> None:
    with pytest.raises(etag.MalformedEtag):
        etag.split(header)


@pytest.mark.parametrize("spelling", ['"W/', """f'"{""", """strip('"')""", "'\"[1-9]"])
def test_etags_are_built_and_parsed_in_one_module(spelling: str) -> None:
    sources = {path for folder in ("configsvc", "client") for path in (ROOT / folder).rglob("*.py")}
    assert [path.name for path in sources if spelling in path.read_text() and path.name != "etag.py"] == []


@given(revision=st.integers(1, 10**15))
def test_if_match_accepts_our_etags(revision: int) -> None:
    assert etag.parse_revision(etag.of_revision(revision)) == revision


@pytest.mark.parametrize(
    "header", ["", "*", "41", '"0"', '"041"', 'W/"41"', '"41", "42"', '"41-ab"', '"x"', '"-1"', '"٣"']
)
def test_if_match_accepts_nothing_else(header: str) -> None:
    with pytest.raises(InvalidRequest):
        etag.parse_revision(header)
