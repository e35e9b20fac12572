"""The routes, by subject."""

from __future__ import annotations

from collections.abc import Callable

from configsvc.web.api import RestApi
from configsvc.web.routes import (
    changes,
    data_keys,
    grants,
    health,
    keys,
    namespaces,
    openapi,
    snapshot,
    upkeep,
    versions,
    whoami,
)


def declare(api: RestApi, elapsed: Callable[[], float]) -> None:
    """Every route of the API, in the order in which its documents tell them; `elapsed` is for health."""
    health.declare(api, elapsed)
    for subject in (openapi, whoami, namespaces, snapshot, keys, versions, changes, data_keys, grants, upkeep):
        subject.declare(api)
