"""Queries on the local AWS compare, sort and group values as the CloudWatch Logs user guide says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.emulator.insights.engine import Event, discover, run
from local.emulator.insights.language import InsightsError, Typing

# In ascending order (CloudWatch Logs user guide, "sort").
SORTED = ["!:", "#", "*%04", "0#", "5A", "111A", "2345_", "@", "@_", "A", "A9876fghj", "a12345hfh", "0", "01", "1", "2"]


def make_events(*values: object) -> list[Event]:
    return [Event(at * 1000, json.dumps({"v": value})) for at, value in enumerate(values)]


def ask(query: str, *values: object) -> list[str]:
    """Asks about events that have these values; returns a text for each row."""
    return [" ".join(row.values()) for row in run(query, make_events(*values), strict=False)]


@pytest.mark.parametrize(("direction", "expected"), [("asc", SORTED), ("desc", SORTED[::-1])])
def test_values_are_sorted_as_the_user_guide_shows(direction: str, expected: list[str]) -> None:
    mixed = [*SORTED[1::2], *SORTED[::2][::-1]]
    assert ask(f"fields v | sort v {direction}", *mixed) == expected


def test_numbers_are_sorted_by_value_after_texts() -> None:
    assert ask("fields v | sort v asc", 10, "x", 9, 2.5) == ["x", "2.5", "9", "10"]


@pytest.mark.parametrize("missing", ["-", "", "12 apples", None])
def test_what_is_no_number_is_neither_less_nor_more(missing: str | None) -> None:
    assert ask("filter v < 400 or v >= 400 | fields v", missing, "200") == ["200"]


def test_a_regular_expression_matches_anywhere_and_minds_case() -> None:
    assert ask("filter v like /err/ | fields v", "an error", "ERR", 5) == ["an error"]


@pytest.mark.parametrize(
    ("period", "starts"), [("500ms", 3), ("1s", 3), ("2s", 2), ("1m", 1), ("1h", 1), ("1d", 1), ("1w", 1)]
)
def test_every_period_of_bin_is_known(period: str, starts: int) -> None:
    assert len(ask(f"stats count(*) as n by bin({period}) as time", 1, 2, 3)) == starts


def test_a_group_without_the_field_is_a_row_of_its_own() -> None:
    assert sorted(ask("stats count(*) as n by v", "x", None, "x")) == ["1", "x 2"]


@pytest.mark.parametrize("name", ['a"b', 'a" TEXT); DROP TABLE lines; --', "a'b", "", "V", "^v", "v.0", "\ud800"])
def test_no_name_of_a_field_disturbs_a_query(name: str) -> None:
    event: dict[str, Any] = {"v": "x", name: "y", "V": "Y"}
    assert run("fields v", [Event(0, json.dumps(event))]) == [{"v": "x"}]


@pytest.mark.parametrize("typing", Typing)
def test_half_a_surrogate_pair_is_a_replacement_character(typing: Typing) -> None:
    assert run("fields v", [Event(0, r'{"v": "a\ud800b"}')], typing) == [{"v": "a\ufffdb"}]


def test_fields_of_several_commands_are_all_shown() -> None:
    event = Event(5, '{"a": "x", "b": "y"}')
    assert run("fields b | filter a like /x/ | fields a, b", [event]) == [{"b": "y", "a": "x"}]
    assert [list(row) for row in run("filter a like /x/", [event])] == [["@timestamp", "@message"]]


def test_no_event_can_change_its_time_or_text() -> None:
    event = Event(5, '{"@timestamp": 7, "@message": "x"}')
    [row] = run("fields @timestamp, @message", [event])
    assert row == {"@timestamp": "5", "@message": event.message}


def test_two_hundred_fields_of_an_event_are_found() -> None:
    assert len(discover(json.dumps({f"f{number}": 1 for number in range(300)}), Typing.JSON)) == 200


@pytest.mark.parametrize("value", [2**63, -(2**80), 10**400, 1.5e300])
def test_a_huge_number_is_a_number(value: float) -> None:
    assert len(ask("filter v > 1 or v < 1 | fields v", value)) == 1


@pytest.mark.parametrize(
    "query",
    [
        "filter v like /(/",
        "stats count(*) as n by v | stats latest(n) as n",
        "fields v | limit 99999999999999999999",
        "fields v | limit 1.5",
        "fields v end",
        "fields v end grep foo",
        "stats count(*) '(' as n",
    ],
)
def test_what_cannot_be_answered_is_an_error_of_the_query(query: str) -> None:
    with pytest.raises(InsightsError):
        ask(query, "x")
