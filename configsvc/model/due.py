"""Which values and data keys are due for rotation: one rule for upkeep's report and for `configsvc list --due`.

Days are ISO 8601 calendar dates in UTC with four-digit years (`2027-01-31`), which order as texts.
"""

from __future__ import annotations

from typing import Literal

from configsvc.model import limits

WhyDue = Literal["age", "seals"]


def is_overdue(state: str, rotate_by: str | None, today: str) -> bool:
    """Whether a key serves a value that should have been replaced before today."""
    return state == "served" and rotate_by is not None and rotate_by < today


def is_due(state: str, rotate_by: str | None, today: str, last: str) -> bool:
    """Whether a served value is overdue, or should be replaced by the day `last`."""
    return is_overdue(state, rotate_by, today) or (state == "served" and rotate_by is not None and rotate_by <= last)


def find_data_key_reasons(age_seconds: float, seals: int) -> tuple[WhyDue, ...]:
    """Returns why a live data key should be replaced: its age, or its number of seals. Empty if it need not be."""
    reasons = list[WhyDue]()
    if age_seconds > limits.DATA_KEY_SECONDS:
        reasons.append("age")
    if seals >= limits.SEALS_NEAR:
        reasons.append("seals")
    return tuple(reasons)
