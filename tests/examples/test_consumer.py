"""A test to copy: of a function whose module makes its Config, from where it reads to what it answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from configsvc_client.testing import FakeService
from examples.consumer.handler import config, handler


@pytest.fixture
def service(configsvc_fake: FakeService) -> Iterator[FakeService]:
    with configsvc_fake.stands_for(config):
        yield configsvc_fake


def test_it_reports_what_it_read_and_no_value(service: FakeService) -> None:
    service.put("db.password", "hunter2")
    service.put("log.level", "info", form="plain")
    told = handler({}, None)
    assert told["revisions"] == {"test": service.revision()}
    assert told["entries"] == {
        "db.password": {"type": "str", "bytes": 7, "digest": "f52fbd32", "secret": True, "shown": "***"},
        "log.level": {"type": "str", "bytes": 4, "digest": "06271baf", "secret": False},
    }
    assert "hunter2" not in repr(told)


def test_an_invocation_after_a_change_and_an_interval_reports_it(service: FakeService) -> None:
    service.put("db.url", b"\x00old")
    before = handler({"key": "db.url"}, None)
    service.put("db.url", b"\x00new")
    assert handler({"key": "db.url"}, None) == before
    service.clock.advance(67)
    after = handler({"key": "db.url"}, None)
    assert (before["type"], after["type"]) == ("bytes", "bytes")
    assert before["digest"] != after["digest"]


def test_while_the_service_is_down_it_goes_on_with_what_it_has(service: FakeService) -> None:
    service.put("db.url", "postgres://db")
    before = handler({"key": "db.url"}, None)
    service.fail()
    service.clock.advance(3600)
    assert handler({"key": "db.url"}, None) == {**before, "age": 3600}
