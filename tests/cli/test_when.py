from __future__ import annotations

from datetime import UTC, datetime

import click
import pytest

from configsvc_client.cli._when import when

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
def test_a_time_is_said_as_people_say_it(text: str, found: str) -> None:
    assert when(text, NOW) == found


@pytest.mark.parametrize("text", ["", "yesterday", "2h ago", "-1h", "999999w", "2027-13-01"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(click.UsageError):
        when(text, NOW)
