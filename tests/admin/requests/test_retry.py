from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model import errors
from configsvc_client.admin.wire import retry

_SENT_AGAIN = (errors.Unavailable, errors.Throttled, errors.Contended)


@pytest.mark.parametrize("error", [error for error in errors.SENT if error not in _SENT_AGAIN])
def test_what_the_service_decided_is_not_asked_twice(error: type[errors.ConfigsvcError]) -> None:
    assert retry.choose_pause(error("no"), 1, 0.0, 0.5) is None


@pytest.mark.parametrize("error", _SENT_AGAIN)
@given(tried=st.integers(1, 50), spent=st.floats(0, 100), chance=st.floats(0, 0.999))
def test_a_pause_is_within_the_bounds_or_none(
    error: type[errors.ConfigsvcError], tried: int, spent: float, chance: float
) -> None:
    pause = retry.choose_pause(error("later"), tried, spent, chance)
    ends = tried >= 6 or chance * min(5.0, 0.2 * 2 ** (tried - 1)) >= retry.WITHIN - spent
    assert (pause is None) == ends
    assert pause is None or 0 <= pause <= 5.0


def test_retry_after_is_waited_for_even_when_chance_would_not() -> None:
    assert retry.choose_pause(errors.Throttled("later", retry_after=3), 1, 0.0, 0.0) == 3


def test_a_retry_after_beyond_the_bound_ends_it_at_once() -> None:
    assert retry.choose_pause(errors.Throttled("later", retry_after=3600), 1, 0.0, 0.0) is None


def test_a_certificate_that_does_not_verify_is_final() -> None:
    assert retry.choose_pause(errors.Unavailable("no", reason="certificate"), 1, 0.0, 0.5) is None
