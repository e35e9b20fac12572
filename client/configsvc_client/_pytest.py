"""The pytest plugin: `configsvc_fake`, on hand wherever configsvc and pytest are installed.

Outside of `configsvc_client.testing`, which is imported only for who asks for the fixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from configsvc_client.testing import FakeService


@pytest.fixture
def configsvc_fake() -> FakeService:
    """A service in memory with the namespace `test`, new for each test; see `configsvc_client.testing`."""
    from configsvc_client.testing import FakeService

    return FakeService()
