"""The attacks run against a service on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.network.listener import Listener, listen
from tests.support.admin.loopback_fixtures import close_admins, namespace, service

__all__ = ["close_admins", "namespace", "service"]


@pytest.fixture
def listener() -> Iterator[Listener]:
    """The attacker's server."""
    with listen() as running:
        yield running
