"""Waiting, within a bound: for what warm processes remember of grants, and until AWS knows new keys and users."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from local.people import ApiKey, Person
from tests.support.journeys.api import Api
from tests.support.journeys.stage import Stage

_BOUND_SECONDS = 15.0  # grants are remembered for 10
_KEYS_SECONDS = 90.0  # API keys and access keys are eventually consistent
_PAUSE_SECONDS = 0.2


def until(holds: Callable[[], bool], seconds: float = _BOUND_SECONDS) -> None:
    """Return once it holds; fail when it does not within the bound."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(_PAUSE_SECONDS)


def ready(api: Api, stage: Stage) -> None:
    """Return once everybody's API key and signature are taken.

    Nobody but the administrator is asked about grants, or a warm process would remember that they have none.
    """
    everybody: tuple[Person | ApiKey, ...] = (stage.admin, stage.writer, stage.stranger, stage.reader)
    for who in everybody:
        until(partial(_is_known, api, who), _KEYS_SECONDS)


def _is_known(api: Api, who: Person | ApiKey) -> bool:
    """Use a request that the service refuses for its content before it checks the caller."""
    return api.send("PUT" if isinstance(who, Person) else "GET", "/v1/namespaces/%20", who).status != 403
