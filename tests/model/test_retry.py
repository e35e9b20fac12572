"""Backoff and `Retry-After`: one policy and one reader, for the service and its clients."""

import math
import re
from email.utils import formatdate
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model.errors import Throttled
from configsvc.model.retry import Backoff, get_retry_after, parse_http_date, parse_retry_after

ROOT = Path(__file__).parents[2]
NOON = "Wed, 21 Oct 2026 12:00:00 GMT"
BACKOFFS = st.builds(Backoff, st.floats(0.001, 10), st.floats(0.001, 100), st.just(math.inf))


@given(backoff=BACKOFFS, failures=st.integers(1, 10_000))
def test_the_longest_wait_doubles_up_to_the_maximum(backoff: Backoff, failures: int) -> None:
    longest, following = backoff.longest(failures), backoff.longest(failures + 1)
    assert longest <= following <= backoff.most
    assert following in (min(2 * longest, backoff.most), longest)
    assert backoff.longest(1) == min(backoff.first, backoff.most)


def test_without_a_maximum_waits_keep_growing() -> None:
    waits = [Backoff(0.2).longest(failures) for failures in range(1, 33)]
    assert all(after == 2 * before for before, after in pairwise(waits))


@given(backoff=BACKOFFS, failures=st.integers(1, 50), share=st.floats(0, 0.999), asked=st.floats(0, 100))
def test_a_wait_is_drawn_in_full_and_no_shorter_than_asked(
    backoff: Backoff, failures: int, share: float, asked: float
) -> None:
    wait = backoff.wait(failures, lambda most: share * most, asked=asked)
    assert wait == max(share * backoff.longest(failures), asked)


@pytest.mark.parametrize(
    ("failures", "left", "seconds"), [(2, 9.0, 1.0), (3, 9.0, None), (1, 0.5, None), (1, 0.6, 0.5)]
)
def test_there_is_no_wait_after_the_last_attempt_or_to_the_deadline(
    failures: int, left: float, seconds: float | None
) -> None:
    assert Backoff(1.0, tries=3).wait(failures, lambda most: most / 2, left=left) == seconds


@given(st.integers(0, 10**12))
def test_retry_after_in_seconds_is_read_and_bounded(seconds: int) -> None:
    assert parse_retry_after({"retry-after": f" {seconds} "}) == min(seconds, 999_999_999)


@pytest.mark.parametrize(
    ("until", "seconds"),
    [
        ("Wed, 21 Oct 2026 12:00:30 GMT", 30), (NOON, 0), ("Wed, 21 Oct 2026 11:00:00 GMT", 0),
        ("Wednesday, 21-Oct-26 12:01:00 GMT", 60), ("Wed Oct 21 12:01:00 2026", 60),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 999_999_999),
    ],
)  # fmt: skip
def test_retry_after_as_a_date_counts_from_the_date_of_the_answer(until: str, seconds: int) -> None:
    assert parse_retry_after({"retry-after": until, "date": NOON}) == seconds
    assert parse_retry_after({"retry-after": until}) is None
    assert parse_retry_after({"retry-after": until, "date": "now"}) is None


@given(text=st.text(max_size=40) | st.text("SunMonJan 0123456789:,GMT-+", max_size=40))
def test_a_malformed_retry_after_is_none(text: str) -> None:
    asked = parse_retry_after({"retry-after": text, "date": NOON})
    assert asked is None or (type(asked) is int and 0 <= asked <= 999_999_999)
    if not re.search("[0-9]", text):
        assert asked is None


@given(st.integers(0, 2**35))
def test_a_date_as_servers_write_it_is_read_back(seconds: int) -> None:
    assert parse_http_date(formatdate(seconds, usegmt=True)) == seconds


def test_an_error_has_the_retry_after_of_its_response() -> None:
    assert get_retry_after(Throttled("later", retry_after=3)) == 3
    assert get_retry_after(Throttled("later")) is None
    assert get_retry_after(Throttled("later", retry_after="3")) is None


@pytest.mark.parametrize("pattern", [r"2(\.0)? ?\*\* ?(min|\(|t|n|f)", r'get\("retry-after"', r'get\("retry_after"\)'])
def test_no_other_module_doubles_waits_or_reads_retry_after(pattern: str) -> None:
    sources = [path for folder in ("configsvc", "client") for path in (ROOT / folder).rglob("*.py")]
    assert {path.name for path in sources if re.search(pattern, path.read_text())} <= {"retry.py"}
