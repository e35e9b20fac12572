"""When a refresh is due, and how old what is held may be: exact seconds, by the clock that says more."""

from __future__ import annotations

import math

import pytest

from configsvc_client import _freshness
from configsvc_client._freshness import NEVER, UNHELD, Freshness, Pace, Window, age
from configsvc_client._ports import ClockReading

NOW = ClockReading(10_000.0, 500.0)
PACE = Pace(60.0)
SHORT = Pace(60.0, 100.0)
HELD = Freshness(NOW, NOW, 60.0)


def near(freshness: Freshness) -> Freshness:
    """Without what adding floats in another order makes of the last digits."""
    return freshness._replace(quiet=round(freshness.quiet, 6))


def after(seconds: float) -> ClockReading:
    return ClockReading(NOW.wall + seconds, NOW.monotonic + seconds)


@pytest.mark.parametrize(
    ("wall", "monotonic", "passed"), [(5, 5, 5), (7, 5, 7), (5, 7, 7), (-9, 5, 5), (5, -9, 5), (-9, -7, 0), (0, 0, 0)]
)
def test_age_is_by_the_clock_that_says_more_and_never_negative(wall: float, monotonic: float, passed: float) -> None:
    assert age(NOW, ClockReading(NOW.wall + wall, NOW.monotonic + monotonic)) == passed


@pytest.mark.parametrize(("seconds", "due"), [(0, False), (59.5, False), (60, True), (61, True)])
def test_a_refresh_is_due_once_it_was_quiet_for_long_enough(seconds: float, *, due: bool) -> None:
    freshness = Freshness(after(-500), NOW, 60.0)
    assert freshness.due(after(seconds)) is due
    assert freshness.seconds_left(after(seconds)) == 60 - seconds


@pytest.mark.parametrize(("seconds", "expired"), [(0, False), (100, False), (100.1, True)])
def test_what_is_older_than_it_may_be_has_expired(seconds: float, *, expired: bool) -> None:
    freshness = Freshness(NOW, after(seconds), 60.0)
    assert freshness.expired(after(seconds), SHORT) is expired
    assert not freshness.expired(after(1e9), PACE)


@pytest.mark.parametrize(
    ("confirmed", "since", "pace", "open_for"),
    [(0, 0, PACE, 60), (-20, 0, SHORT, 60), (-70, 0, SHORT, 30), (0, -25, SHORT, 35), (-200, 0, SHORT, -100)],
)
def test_reads_send_nothing_until_a_refresh_is_due_or_it_expires(
    confirmed: float, since: float, pace: Pace, open_for: float
) -> None:
    window = Freshness(after(confirmed), after(since), 60.0).window(NOW, pace)
    assert window == Window(NOW, after(open_for))


@pytest.mark.parametrize(("seconds", "overdue"), [(71, False), (71.1, True)])
def test_overdue_is_older_than_an_interval_and_its_spread_and_a_refresh(seconds: float, *, overdue: bool) -> None:
    freshness = Freshness(NOW, after(seconds), 60.0)
    assert freshness.overdue(after(seconds), PACE, 5.0) is overdue
    assert freshness.overdue(after(seconds), Pace(60.0, 70.0), 1e6) is True
    assert freshness.overdue(after(seconds), Pace(60.0, 90.0), 1e6) is False


@pytest.mark.parametrize(("chance", "quiet"), [(0.0, 54.0), (0.5, 60.0), (1.0, 66.0)])
def test_after_a_refresh_an_interval_give_or_take_a_tenth_is_quiet(chance: float, quiet: float) -> None:
    draw = lambda: chance  # noqa: E731  # one draw
    later = after(10)
    assert near(_freshness.make_confirmed(later, PACE, draw)) == Freshness(later, later, quiet)
    assert _freshness.make_confirmed(later, Pace(60.0, 30.0), draw) == Freshness(later, later, 30.0)
    assert near(HELD.note_failure(later, PACE, draw)) == Freshness(NOW, later, quiet)
    assert near(_freshness.make_partly_confirmed(later, NOW, PACE, draw, None)) == Freshness(NOW, later, quiet)


@pytest.mark.parametrize(
    ("old", "chance", "quiet"), [(34, 1.0, 66.0), (34.1, 1.0, 54.0), (99, 0.0, 60.0), (500, 0.5, 57.0)]
)
def test_a_snapshot_about_to_expire_is_tried_within_an_interval(old: float, chance: float, quiet: float) -> None:
    now = after(old)
    assert near(HELD.note_failure(now, SHORT, lambda: chance)) == Freshness(NOW, now, quiet)


@pytest.mark.parametrize(
    ("retry_after", "chance", "quiet"),
    [
        (0, 0.0, 54.0), (100, 0.0, 100.0), (100, 1.0, 110.0), (272, 1.0, 299.2), (273, 1.0, 300.0), (1e9, 1.0, 300.0),
        (1e9, 0.0, 300 / 1.1),
    ],
)  # fmt: skip
def test_who_is_asked_to_stay_away_does_for_up_to_five_intervals(
    retry_after: float, chance: float, quiet: float
) -> None:
    draw = lambda: chance  # noqa: E731  # one draw
    assert HELD.note_failure(NOW, PACE, draw, retry_after).quiet == pytest.approx(quiet)
    assert _freshness.make_partly_confirmed(NOW, NOW, PACE, draw, retry_after).quiet == pytest.approx(quiet)


def test_without_retry_after_a_retry_waits_one_interval_however_short() -> None:
    assert near(HELD.note_failure(NOW, Pace(0.5), lambda: 0.5)) == Freshness(NOW, NOW, 0.5)


def test_a_forked_copy_is_due_at_a_random_earlier_time() -> None:
    now = after(20)
    assert HELD.scatter(now, lambda: 0.25) == Freshness(NOW, now, 10.0)
    assert HELD.scatter(after(90), lambda: 0.25) == Freshness(NOW, after(90), 0.0)


def test_a_restore_makes_a_refresh_due_and_keeps_the_age() -> None:
    assert HELD.make_due(after(1)) == Freshness(NOW, after(1), 0.0)


@pytest.mark.parametrize("now", [NOW, ClockReading(-1e9, -1e9)])
def test_what_was_never_held_is_due_and_infinitely_old(now: ClockReading) -> None:
    longest_ago = ClockReading(-math.inf, -math.inf)
    assert Freshness(longest_ago, longest_ago, 0.0) == UNHELD
    assert UNHELD.due(now)
    assert age(UNHELD.confirmed, now) == math.inf
    assert UNHELD.overdue(now, PACE, 1e9)


def test_no_moment_is_in_the_window_that_never_opens() -> None:
    assert Window(ClockReading(math.inf, math.inf), ClockReading(-math.inf, -math.inf)) == NEVER


@pytest.mark.parametrize(("saved", "old"), [(9_000.0, 1_000.0), (10_000.0, 0.0), (20_000.0, 0.0)])
def test_a_fallback_has_the_files_age_and_retries_as_after_failure(saved: float, old: float) -> None:
    freshness = _freshness.make_saved(saved, NOW, PACE, lambda: 1.0, None)
    assert near(freshness) == Freshness(after(-old), NOW, 66.0)
    assert _freshness.make_saved(saved, NOW, PACE, lambda: 1.0, 100).quiet == pytest.approx(110.0)
