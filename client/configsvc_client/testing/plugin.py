"""The pytest plugin: `configsvc_fake`, on hand wherever configsvc and pytest are installed. Imports little."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from configsvc_client.testing import FakeService


@pytest.fixture
def configsvc_fake() -> FakeService:
    """An in-memory service, new for each test."""
    from configsvc_client.testing import FakeService

    return FakeService()
