"""Test code that reads from configsvc: the service, KMS and the clock in memory. See docs/TESTING.md."""

from configsvc_client.testing.fakes import FakeClock, FakeKms
from configsvc_client.testing.service import KMS_KEY, FakeService

__all__ = ["KMS_KEY", "FakeClock", "FakeKms", "FakeService"]
