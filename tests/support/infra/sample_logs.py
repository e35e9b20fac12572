"""Log groups as a stack has them, made by the code that writes them: requests, scheduled functions, access log."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from types import SimpleNamespace

from configsvc.adapters.metrics import JsonLog, Metrics, measure
from configsvc.bootstrap import build_app
from configsvc.model import names
from configsvc.model.errors import Contended
from configsvc.scheduled.probe import Probe, ProbeSettings, describe, list_metrics, observe
from configsvc.scheduled.probe_checks import Answer
from configsvc.scheduled.probe_fetch import parse_url
from configsvc.scheduled.probe_key import HeldApiKey
from configsvc.service.engine.ports import ServicePorts, StoreUnavailable
from configsvc.service.verbs.namespaces import NamespaceWanted, create_namespace
from infra.cloudformation.queries import ACCESS, PROBE, REQUESTS, UPKEEP
from local.emulator.insights.engine import Event
from tests.support.infra.access_lines import render
from tests.support.scheduled.probing import KEY, KEY_ID, make_answer
from tests.support.scheduled.upkeep_world import Upkeep
from tests.support.service.world import ADMIN, World, make_world
from tests.support.web.apps import ask_for_proof
from tests.support.web.events import build_event

BEGAN = 1_800_000_000
CLIENT = "configsvc-client/0.1.0"
SNAPSHOT, KEY_ROUTE = "/v1/namespaces/{namespace}/snapshot", "/v1/namespaces/{namespace}/keys/{key}"
READER = {"apiKeyId": "readerkey", "sourceIp": "203.0.113.9", "userAgent": CLIENT}
DEVELOPER = {
    "apiKeyId": "devkey", "userArn": "arn:aws:sts::123456789012:assumed-role/Developer/jane",
    "sourceIp": "198.51.100.7", "userAgent": CLIENT,
}  # fmt: skip
ADMINISTRATOR = {
    **DEVELOPER, "apiKeyId": "adminkey", "userArn": "arn:aws:sts::123456789012:assumed-role/Admin/ann",
}  # fmt: skip
STRANGER = {"apiKeyId": "a1b2c3d4e5", "sourceIp": "192.0.2.66", "userAgent": 'curl/8 "x" Task timed out'}
GRANTS = json.dumps({"grants": [{"actions": ["read"], "namespaces": ["billing.prod"]}]})
PUT = json.dumps({"form": "plain", "content_type": "text/plain", "value": "canary-value"})


def at(seconds: float) -> int:
    """Milliseconds since 1970, so many seconds after the logs begin."""
    return round((BEGAN + seconds) * 1000)


class Service:
    """The function behind the API, which writes its log as on Lambda, with the lines of Lambda's own around them."""

    def __init__(self, world: World) -> None:
        self.events: list[Event] = []
        self.fault: Exception | None = None
        self.step = 0.01
        self._world, self._text = world, io.StringIO()
        self._now = self._ticks = 0.0
        metrics = Metrics("configsvc-prod-api", lambda: at(self._now), "7")
        self._app = build_app(self._ports, JsonLog(self._text, "info", metrics), ask_for_proof, self._tick)

    def send(  # noqa: PLR0917  # the parts of a request
        self,
        seconds: float,
        method: str,
        route: str,
        identity: Mapping[str, str],
        parameters: Mapping[str, str] | None = None,
        query: Mapping[str, Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        proven: bool = True,
    ) -> str:
        """Serves one request at this time; returns the ETag of the response, if it has one."""
        self._now = seconds
        body = {"PUT": GRANTS if route == "/v1/grants" else PUT}.get(method)
        sent = build_event(
            method, route, parameters=parameters, query=query, headers=headers, body=body, identity=identity
        )
        sent["requestContext"]["requestId"] = f"request-{seconds:g}"
        if not proven:
            sent["stageVariables"] = None
        made = self._app(sent, SimpleNamespace(aws_request_id=f"invocation-{seconds:g}"))
        self._take()
        return str(made["headers"].get("ETag", ""))

    def _take(self) -> None:
        lines = self._text.getvalue().splitlines()
        self._text.truncate(0)
        self._text.seek(0)
        around = ("START RequestId: 1 Version: 7", *lines, "REPORT RequestId: 1\tDuration: 5.00 ms")
        self.events += [Event(at(self._now), line) for line in around]

    def _ports(self, seconds: float) -> ServicePorts:
        if self.fault:
            raise self.fault
        return self._world.ports.within(seconds)

    def _tick(self) -> float:
        self._ticks += self.step
        return self._ticks


def make_upkeep_log(world: World) -> list[Event]:
    """A heartbeat, and two runs of upkeep of which the second fails."""
    upkeep, events = Upkeep(world.ports), list[Event]()
    for seconds, task in ((0, "heartbeat"), (100, "upkeep"), (200, "upkeep")):
        if seconds == 200:
            world.repository.before_commit.append(_fail)
        known = len(upkeep.lines())
        try:
            upkeep.invoke(task)
        except Exception as error:  # noqa: BLE001  # as Lambda prints it
            events.append(Event(at(seconds), f"[ERROR] {type(error).__name__}"))
        events += [Event(at(seconds), json.dumps(line)) for line in upkeep.lines()[known:]]
    return events


def _fail() -> None:
    raise StoreUnavailable("The table cannot be reached.") from ConnectionError("canary-value")


def make_probe_log() -> list[Event]:
    """A run that reads the heartbeat, and one that is refused."""
    text, events = io.StringIO(), list[Event]()
    settings = ProbeSettings(parse_url("https://api.example.com/prod"), KEY_ID, 900.0)
    for seconds, status in ((0, 200), (60, 500)):
        answer = make_answer(status=status)._replace(expires=BEGAN + 30 * 86_400.0)
        key = HeldApiKey(lambda: {"value": KEY, "enabled": True})
        report = observe(lambda key=key, answer=answer: _probe(settings, key, answer))  # type: ignore[misc]
        metrics = measure("configsvc-prod-probe", at(seconds), list_metrics(report))
        JsonLog(text, "debug").line(report.level, **describe(report), **metrics)
        events.append(Event(at(seconds), text.getvalue().splitlines()[-1]))
    events.append(Event(at(120), "INIT_REPORT Init Duration: 9999.00 ms\tPhase: init\tStatus: timeout"))
    return events


def _probe(settings: ProbeSettings, key: HeldApiKey, answer: Answer) -> Probe:
    return Probe(settings, key, lambda *_: answer, lambda: float(BEGAN), lambda: 0.0)


_POLL = {
    "httpMethod": "GET", "resourcePath": SNAPSHOT, "path": "/api/v1/namespaces/payments.prod/snapshot",
    "identity.userAgent": CLIENT,
}  # fmt: skip
_OLD_KEY = {"identity.apiKeyId": "a1b2c3d4e5", "identity.sourceIp": "203.0.113.9"}
_THIEF = {"identity.apiKeyId": "a1b2c3d4e5", "identity.sourceIp": "192.0.2.66", "identity.userAgent": 'cu"rl/8'}
_UNCHANGED = {"status": "304", "integration.status": "304", "integration.integrationStatus": "200"}
_SERVED = {"status": "200", "integration.status": "200", "integration.integrationStatus": "200"}
_REQUESTS: list[tuple[float, dict[str, str]]] = [
    (0, {**_POLL, **_OLD_KEY, **_SERVED}),
    (10, {**_POLL, **_OLD_KEY, **_UNCHANGED}),
    (20, {**_POLL, **_OLD_KEY, **_UNCHANGED}),
    (30, {**_POLL, **_THIEF, **_SERVED, "path": "/api/v1/namespaces/payments%2Eprod/snapshot"}),
    (40, {**_POLL, **_THIEF, **_SERVED, "path": "/api/v1/snapshots", "resourcePath": "/v1/snapshots"}),
    (50, {**_POLL, **_THIEF, **_SERVED, "path": "/api/v1/namespaces/payments.prod2/snapshot"}),
    (55, {**_POLL, **_THIEF, **_SERVED, "path": "/api/v1/namespaces/other/keys/payments.prod",
          "resourcePath": KEY_ROUTE}),
    (60, {**_POLL, "status": "403", "error.responseType": "INVALID_API_KEY", "identity.sourceIp": "192.0.2.66"}),
    (70, {**_POLL, "status": "403", "error.responseType": "INVALID_API_KEY", "identity.sourceIp": "192.0.2.66"}),
    (80, {**_POLL, **_OLD_KEY, "status": "429", "error.responseType": "THROTTLED"}),
    (90, {**_POLL, "identity.apiKeyId": "f6g7h8i9j0", "identity.sourceIp": "203.0.113.10", "status": "429",
          "integration.status": "429"}),
    (100, {**_POLL, **_OLD_KEY, "status": "504", "error.responseType": "INTEGRATION_TIMEOUT",
           "integration.error": "Endpoint request timed out"}),
    (110, {**_POLL, "httpMethod": "PUT", "resourcePath": KEY_ROUTE, "path": "/api/v1/namespaces/payments.prod/keys/a",
           "identity.userArn": "arn:aws:iam::123456789012:user/joe", "identity.sourceIp": "198.51.100.8",
           "status": "403", "error.responseType": "ACCESS_DENIED", "authorize.status": "403"}),
]  # fmt: skip


def make_access_log() -> list[Event]:
    """API Gateway's lines of polls, a thief, throttled and refused requests, and a line that is not JSON."""
    events = [Event(at(seconds), render({"requestId": f"r-{seconds:g}", **values})) for seconds, values in _REQUESTS]
    broken = render({"requestId": "r-120", "status": "200", "identity.userAgent": '"}'}, escape=False)
    return [*events, Event(at(120), broken)]


# Lambda's own lines of a timeout and of a process that had no memory left.
_END = (
    Event(at(130), "2027-01-15T08:02:10.000Z 1 Task timed out after 10.01 seconds"),
    Event(at(140), "RequestId: 1 Error: Runtime exited with error: signal: killed"),
)


def make_request_log() -> list[Event]:
    """The function's log of a cold start, polls, writes, refusals, faults, a slow request and a forged one."""
    prod, key = {"namespace": "payments.prod"}, {"namespace": "payments.prod", "key": "db.url"}
    world, other = make_world(), names.parse_namespace("payments.prod2")
    create_namespace(world.ports, ADMIN, other, NamespaceWanted(), None)
    service = Service(world)
    sent = {"Content-Type": "application/json"}
    etag = service.send(0, "GET", SNAPSHOT, READER, prod)
    service.send(5, "POST", "/v1/whoami", DEVELOPER)
    service.send(6, "PUT", "/v1/grants", ADMINISTRATOR, query={"principal": ["api-key:bill1"]}, headers=sent)
    service.send(10, "GET", SNAPSHOT, READER, prod, headers={"If-None-Match": etag})
    service.send(20, "PUT", KEY_ROUTE, DEVELOPER, key, headers=sent)
    service.send(30, "GET", SNAPSHOT, READER, prod)
    service.send(40, "GET", SNAPSHOT, STRANGER, prod)
    service.send(50, "GET", SNAPSHOT, STRANGER, prod)
    service.send(60, "PUT", KEY_ROUTE, STRANGER, key, headers=sent)
    service.send(70, "GET", SNAPSHOT, READER, prod, proven=False)
    service.send(80, "GET", "/v1/snapshots", READER, query={"namespace": ["payments.prod", other]})
    service.fault = StoreUnavailable("The table cannot be reached.")
    service.fault.__cause__ = ConnectionError("canary-value")
    service.send(90, "GET", SNAPSHOT, READER, prod)
    service.fault = Contended("Try again.")
    service.send(100, "PUT", KEY_ROUTE, DEVELOPER, key, headers=sent)
    service.fault, service.step = None, 1.0
    service.send(110, "GET", KEY_ROUTE, DEVELOPER, key, headers={"X-Correlation-Id": "trace-1"})
    service.step = 0.01
    service.send(120, "GET", SNAPSHOT, READER, {"namespace": other})
    service.send(130, "GET", KEY_ROUTE, DEVELOPER, {"namespace": "payments.prod", "key": "mistyped"})  # no poll
    return [*service.events, *_END]


def make_logs() -> dict[str, list[Event]]:
    """All logs by the logical id of their group."""
    return {
        REQUESTS: make_request_log(), ACCESS: make_access_log(), UPKEEP: make_upkeep_log(make_world()),
        PROBE: make_probe_log(),
    }  # fmt: skip
