from __future__ import annotations

import pytest

from configsvc.model.errors import CannotOpen, Misconfigured, Unavailable
from configsvc_client.admin import Exchange, from_environ
from tests.support.admin.kms_server import FOREIGN_KEY
from tests.support.admin.loopback import Loopback

CANARY = "canary-0b5e4d"


def test_an_exchange_reports_route_status_and_correlation_id_but_no_content(service: Loopback, namespace: str) -> None:
    told: list[Exchange] = []
    with from_environ(service.environ("writer"), told.append) as admin:
        admin.values.put(namespace, "k", CANARY)
    assert [(each.method, each.route.removeprefix("/api"), each.status) for each in told] == [
        ("GET", f"/v1/namespaces/{namespace}/keys", 200),
        ("GET", f"/v1/namespaces/{namespace}/data-keys", 200),
        ("POST", "kms:Decrypt", 200),
        ("PUT", f"/v1/namespaces/{namespace}/keys/k", 201),
    ]
    assert told[-1].correlation_id in service.log.getvalue()
    assert CANARY not in repr(told)


def test_a_request_without_an_answer_is_told_as_such(service: Loopback) -> None:
    told: list[Exchange] = []
    environ = service.environ("writer") | {"CONFIGSVC_URL": "http://127.0.0.1:9/api"}
    with from_environ(environ, told.append) as admin, pytest.raises(Unavailable):
        admin.access.measure_skew()
    assert [each.status for each in told] == [None]


def test_the_clock_is_compared_with_the_service_s(service: Loopback) -> None:
    ahead = service.admin().access.measure_skew()
    assert ahead is not None
    assert abs(ahead) < 60


def test_a_data_key_is_tried_without_writing_anything(service: Loopback, namespace: str) -> None:
    service.requests.clear()
    service.admin("reader").data_keys.check(namespace)
    assert [each.operation for each in service.kms.calls][-1] == "Decrypt"
    assert service.requests == [f"GET /v1/namespaces/{namespace}/data-keys"]
    foreign = service.from_environ(service.environ("reader") | {"CONFIGSVC_KMS_KEYS": FOREIGN_KEY})
    with pytest.raises(CannotOpen, match="does not name"):
        foreign.data_keys.check(namespace)
    unpinned = service.from_environ(service.environ("reader") | {"CONFIGSVC_KMS_KEYS": ""})
    with pytest.raises(Misconfigured):
        unpinned.data_keys.check(namespace)
