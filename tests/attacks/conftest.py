"""One service for the attacks on the command line; each test makes namespaces of its own."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.admin.loopback import Loopback, loopback


@pytest.fixture(scope="session")
def service() -> Iterator[Loopback]:
    """A running service on loopback."""
    with loopback() as running:
        yield running


@pytest.fixture
def namespace(service: Loopback) -> Iterator[str]:
    """A new namespace with a data key."""
    yield service.namespace(f"attack.{uuid4().hex[:10]}")
    service.close()
