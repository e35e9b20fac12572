"""One service for all attacks; each makes namespaces of its own."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from local.listener import Listener, listening
from tests.admin.loopback import Loopback, loopback


@pytest.fixture(scope="session")
def service() -> Iterator[Loopback]:
    """A running service on loopback."""
    with loopback() as running:
        yield running


@pytest.fixture(autouse=True)
def _closed(service: Loopback) -> Iterator[None]:
    yield
    service.close()


@pytest.fixture
def namespace(service: Loopback) -> str:
    """A new namespace with a data key."""
    return service.namespace(f"attacked.{uuid4().hex[:10]}")


@pytest.fixture
def listener() -> Iterator[Listener]:
    """The attacker's server."""
    with listening() as running:
        yield running
