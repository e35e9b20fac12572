"""The routes, by subject."""

from __future__ import annotations

from collections.abc import Callable

from configsvc.web.api import RestApi
from configsvc.web.routes import changes, data_keys, grants, keys, namespaces, service, snapshot


def declare(api: RestApi, elapsed: Callable[[], float]) -> None:
    """Declares every route of the API, in the order of its documents; `elapsed` is for health."""
    service.declare(api, elapsed)
    for subject in (namespaces, snapshot, keys, changes, data_keys, grants):
        subject.declare(api)
    namespaces.declare_upkeep(api)
