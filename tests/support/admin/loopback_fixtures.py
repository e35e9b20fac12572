"""One service for all tests of a folder whose conftest imports these; each test makes namespaces of its own."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.support.admin.loopback import Loopback, loopback
from tests.support.cli.shell import Shell


@pytest.fixture(scope="session")
def service() -> Iterator[Loopback]:
    """A running service on loopback."""
    with loopback() as running:
        yield running


@pytest.fixture(autouse=True)
def close_admins(request: pytest.FixtureRequest) -> Iterator[None]:
    """Close what a test opened, where it used the service."""
    used = "service" in request.fixturenames
    service: Loopback | None = request.getfixturevalue("service") if used else None
    yield
    if service:
        service.close()


@pytest.fixture
def namespace(service: Loopback) -> str:
    """A new namespace with a data key; the requests and KMS calls that made it are forgotten."""
    made = service.namespace(f"test.{uuid4().hex[:10]}")
    service.requests.clear()
    service.kms.calls.clear()
    return made


@pytest.fixture
def shell(service: Loopback, namespace: str) -> Shell:
    """The writer's shell, in that namespace."""
    return Shell(service.environ("writer", namespace))
