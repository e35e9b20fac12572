"""One service for all reports; each test makes namespaces of its own."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.admin.loopback import Loopback, loopback
from tests.cli.shell import Shell


@pytest.fixture(scope="session")
def service() -> Iterator[Loopback]:
    """A running service on loopback."""
    with loopback() as running:
        yield running


@pytest.fixture(autouse=True)
def _closed(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "service" in request.fixturenames:
        service: Loopback = request.getfixturevalue("service")
        service.close()


@pytest.fixture
def namespace(service: Loopback) -> str:
    """A new namespace with a data key."""
    return service.namespace(f"reported.{uuid4().hex[:10]}")


@pytest.fixture
def shell(service: Loopback, namespace: str) -> Shell:
    """The writer's shell, in that namespace."""
    return Shell(service.environ("writer", namespace))
