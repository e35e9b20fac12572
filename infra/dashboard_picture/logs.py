"""An hour of logs for the picture, written by the real log code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from configsvc.service.engine.ports import StoreUnavailable
from infra.cloudformation.queries import ACCESS, REQUESTS
from local.emulator.insights.engine import Event
from tests.support.infra.access_lines import render
from tests.support.infra.sample_logs import ADMINISTRATOR, DEVELOPER, KEY_ROUTE, READER, SNAPSHOT, Service, at
from tests.support.service.world import make_world

_PROD = {"namespace": "payments.prod"}
_JSON = {"Content-Type": "application/json"}
_MINUTE = 60
_NEW_READER = {"apiKeyId": "invoices01", "sourceIp": "203.0.113.24", "userAgent": "configsvc-client/0.1.0"}
_GUEST = {"apiKeyId": "guestkey7", "sourceIp": "192.0.2.66", "userAgent": "curl/8.9"}
_WRITES = ((4, "db.url"), (11, "db.password"), (23, "limits"), (38, "feature.new"), (39, "limits"), (56, "db.url"))
_POLL = {"httpMethod": "GET", "resourcePath": SNAPSHOT, "path": "/api/v1/namespaces/payments.prod/snapshot"}
_OVER = (("readerkey", "203.0.113.9", 35), ("batchjobs1", "203.0.113.40", 4))


def make_logs() -> Mapping[str, list[Event]]:
    """The logs by the logical id of their group."""
    return {REQUESTS: _make_requests(), ACCESS: list(_make_access())}


def _make_requests() -> list[Event]:
    """Writes, a grant, a reader without `read`, a guest, a forged event, and a moment without the table."""
    service, sent = Service(make_world()), list[tuple[float, str, dict[str, str], dict[str, str]]]()
    sent += [(minute * _MINUTE, "PUT", DEVELOPER, {**_PROD, "key": key}) for minute, key in _WRITES]
    sent += [(minute * _MINUTE + 7, "GET", _NEW_READER, _PROD) for minute in range(14, 60)]
    sent += [(12 * _MINUTE, "PUT", ADMINISTRATOR, {})]
    sent += [(minute * _MINUTE + 9, "GET", _GUEST, _PROD) for minute in (31, 32)]
    for seconds, method, identity, parameters in sorted(sent, key=lambda each: each[0]):
        if not parameters:
            service.send(seconds, method, "/v1/grants", identity, query={"principal": ["api-key:bill1"]}, headers=_JSON)
            continue
        route, headers = (KEY_ROUTE, _JSON) if method == "PUT" else (SNAPSHOT, None)
        service.send(seconds, method, route, identity, parameters, headers=headers)
    service.send(46 * _MINUTE, "GET", SNAPSHOT, READER, _PROD, proven=False)
    service.fault = StoreUnavailable("The table cannot be reached.")
    service.fault.__cause__ = ConnectionError("reset")
    for seconds in (47 * _MINUTE, 47 * _MINUTE + 1, 47 * _MINUTE + 4):
        service.send(seconds, "GET", SNAPSHOT, READER, _PROD)
    return service.events


def _make_access() -> Iterator[Event]:
    """Requests over the throttle of two API keys, and polls with a key that was deleted."""
    for key, address, many in _OVER:
        for number in range(many):
            seconds = 20 * _MINUTE + number * 40
            values = {
                **_POLL, "status": "429", "error.responseType": "THROTTLED", "identity.apiKeyId": key,
                "identity.sourceIp": address, "identity.userAgent": "configsvc-client/0.1.0",
            }  # fmt: skip
            yield Event(at(seconds), render({"requestId": f"{key}-{number}", **values}))
    for minute in range(18, 60):
        values = {
            **_POLL, "status": "403", "error.responseType": "INVALID_API_KEY", "identity.sourceIp": "203.0.113.77",
            "identity.userAgent": "configsvc-client/0.1.0",
        }  # fmt: skip
        yield Event(at(minute * _MINUTE + 5), render({"requestId": f"deleted-{minute}", **values}))
