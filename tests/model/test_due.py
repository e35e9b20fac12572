"""Due are served values by their date, and data keys by age and by seals."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model import limits
from configsvc.model.due import find_data_key_reasons, is_due, is_overdue

DAYS = st.dates()


@given(DAYS, DAYS, st.integers(0, 400))
def test_days_as_texts_compare_as_dates_do(rotate_by: date, today: date, ahead: int) -> None:
    last = min(today.toordinal() + ahead, date.max.toordinal())
    until = date.fromordinal(last)
    text = rotate_by.isoformat()
    assert is_overdue("served", text, today.isoformat()) == (rotate_by < today)
    assert is_due("served", text, today.isoformat(), until.isoformat()) == (rotate_by <= until)


def test_a_value_is_due_on_its_day_and_overdue_the_day_after() -> None:
    day = date(2028, 2, 29)
    today, tomorrow = day.isoformat(), (day + timedelta(days=1)).isoformat()
    assert not is_overdue("served", today, today)
    assert is_due("served", today, today, today)
    assert is_overdue("served", today, tomorrow)


@pytest.mark.parametrize("state", ["staged", "deleted"])
def test_only_served_values_are_due(state: str) -> None:
    assert not is_due(state, "2020-01-01", "2027-01-01", "2027-02-01")
    assert not is_due("served", None, "2027-01-01", "2027-02-01")


def test_without_a_last_day_only_overdue_values_are_due() -> None:
    assert is_due("served", "2026-12-31", "2027-01-01", "")
    assert not is_due("served", "2027-01-01", "2027-01-01", "")


@pytest.mark.parametrize(
    ("age", "seals", "why"),
    [
        (0, 0, ()),
        (limits.DATA_KEY_SECONDS, 838_859, ()),
        (limits.DATA_KEY_SECONDS + 1, 0, ("age",)),
        (0, 838_860, ("seals",)),
        (limits.DATA_KEY_SECONDS + 1, limits.SEALS_PER_DATA_KEY, ("age", "seals")),
    ],
)
def test_a_data_key_is_due_by_age_or_four_fifths_of_its_seals(age: float, seals: int, why: tuple[str, ...]) -> None:
    assert find_data_key_reasons(age, seals) == why
