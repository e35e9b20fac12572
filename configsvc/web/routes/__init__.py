"""The routes, by subject."""

from __future__ import annotations

from configsvc.web.api import Api
from configsvc.web.routes import changes, data_keys, grants, health, keys, namespaces, snapshot, whoami


def declare(api: Api) -> None:
    """Every route of the API."""
    for subject in (health, whoami, namespaces, snapshot, keys, changes, data_keys, grants):
        subject.declare(api)
