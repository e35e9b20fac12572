from __future__ import annotations

import re
from datetime import UTC, datetime

import click
import pytest

from configsvc_client.cli.output.words import parse_day, parse_past_time, parse_time

NOW = datetime(2027, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("90s", "2027-03-01T11:58:30.000Z"),
        ("2h", "2027-03-01T10:00:00.000Z"),
        ("7d", "2027-02-22T12:00:00.000Z"),
        ("1w", "2027-02-22T12:00:00.000Z"),
        ("2027-01-15", "2027-01-15T00:00:00.000Z"),
        ("2027-01-15T08:00:00Z", "2027-01-15T08:00:00.000Z"),
        ("2027-01-15T09:00:00+01:00", "2027-01-15T08:00:00.000Z"),
        ("2027-01-15T08:00:00.1239Z", "2027-01-15T08:00:00.123Z"),
        ("2027-01-15 08:00", "2027-01-15T08:00:00.000Z"),
    ],
)
def test_times_are_parsed_as_people_write_them(text: str, found: str) -> None:
    assert parse_time(text, NOW) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "2027-01-15T08:00:00Z"),
        ("yesterday", "2h or 7d"),
        ("2h ago", "2h or 7d"),
        ("7", "2h or 7d"),
        ("-1h", "1h means that long ago"),
        ("+2d", "2d means that long ago"),
        ("999999w", "not a time"),
        ("2027-13-01", "month must be in 1..12"),
        ("2027-02-30", "day is out of range"),
        ("2027-01-15T25:00:00Z", "hour must be in 0..23"),
        ("2027-01-15T08:00:00+25:00", "not a time"),
        ("99999-01-01", "not a time"),
        ("0001-01-01T00:00:00+14:00", "not a time"),
        ("\uff12h", "not a time"),
    ],
)
def test_invalid_time_is_refused(text: str, said: str) -> None:
    with pytest.raises(click.UsageError, match=re.escape(said)):
        parse_time(text, NOW)


@pytest.mark.parametrize("text", ["2027-03-01T12:00:01Z", "2027-03-01T13:30:00+01:00", "2027-03-02", "9999-12-31"])
def test_past_time_in_the_future_is_refused(text: str) -> None:
    with pytest.raises(click.UsageError, match=r"--to-time .* in the future: .* now is 2027-03-01T12:00:00.000Z"):
        parse_past_time(text, NOW, "--to-time")


def test_now_and_before_are_past() -> None:
    assert parse_past_time("0s", NOW, "--since") == "2027-03-01T12:00:00.000Z"
    assert parse_past_time("2027-03-01T12:59:00+01:00", NOW, "--since") == "2027-03-01T11:59:00.000Z"


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("0", "2027-03-01"),
        ("30", "2027-03-31"),
        ("30d", "2027-03-31"),
        ("4w", "2027-03-29"),
        ("2027-04-01", "2027-04-01"),
    ],
)
def test_due_day_is_a_number_of_days_or_a_date(text: str, day: str) -> None:
    assert parse_day(text, NOW).isoformat() == day


@pytest.mark.parametrize("text", ["db.", "-3", "2027-02-30", "999999w", "", "2h"])
def test_invalid_due_day_is_refused(text: str) -> None:
    with pytest.raises(click.UsageError, match="--due takes"):
        parse_day(text, NOW)
