"""The warm service: an unchanged poll and a kept snapshot, as events of Chalice, against a trivial Chalice route.

The DynamoDB read is left out of the ratio (the table is in memory) and shown beside it.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from chalice.app import Chalice

from bench.gates import Row, format_duration
from bench.measure import Sides, interleave, repeat
from configsvc.adapters.caches import RecentGrants, RenderedSnapshots
from configsvc.adapters.json_schemas import JsonSchemas
from configsvc.adapters.memory import MemoryRepository
from configsvc.adapters.metrics import JsonLog
from configsvc.adapters.system import SystemClock, SystemRandomness
from configsvc.bootstrap import build_app
from configsvc.model import names
from configsvc.model.change_set import ChangeSet, Put
from configsvc.model.grants import Grant
from configsvc.model.names import Namespace
from configsvc.service.engine.ports import Caller, ServicePorts
from configsvc.service.verbs.change_sets import commit_change_set
from configsvc.service.verbs.grants import set_grants
from configsvc.service.verbs.namespaces import NamespaceWanted, create_namespace
from configsvc.web.api import RestApi
from configsvc.web.arrival import VARIABLE, Proof

ENTRIES = 1000
_NAMESPACE = Namespace("bench.prod")
_ADMIN = "arn:aws:iam::123456789012:role/Bench"
_READER = "api-key:bench"
_TIMES = 300
_PROOF = "p" * 64
PROOF_SHA256 = sha256(_PROOF.encode()).hexdigest()
"""The variables of the function that receives the events of this bench."""
_CALLER = Caller(_READER, _ADMIN, _ADMIN, "127.0.0.1", "bench", "bench")


def run(rounds: int) -> tuple[list[Row], Sides]:
    """Both comparisons."""
    ours = _ours()
    trivial = _trivial(len(ours.routes))
    first = make_event()
    unchanged = make_event(ours(first, None)["headers"]["ETag"])
    assert ours(unchanged, None)["statusCode"] == 304  # noqa: PLR2004, S101  # Not Modified, or we measure nothing
    times = interleave(
        {
            "poll": repeat(lambda: ours(unchanged, None), _TIMES),
            "snapshot": repeat(lambda: ours(first, None), _TIMES),
            "trivial": repeat(lambda: trivial(first, None), _TIMES),
        },
        rounds,
    )
    theirs = f"trivial route of Chalice {format_duration(times.median('trivial'))}"
    rows = [
        Row(
            "warm 304", times.ratio("poll", "trivial"), format_duration(times.median("poll")),
            theirs, 1.5, 1.2,
        ),
        Row(
            f"kept snapshot of {ENTRIES} entries", times.ratio("snapshot", "trivial"),
            format_duration(times.median("snapshot")), theirs, 3.0, 2.0,
        ),
    ]  # fmt: skip
    return rows, times


def fill_table(entries: int) -> MemoryRepository:
    """A table with one namespace of plain entries, and grants to read it."""
    repository = MemoryRepository()
    _fill(_ports(repository), entries)
    return repository


def _ports(repository: MemoryRepository) -> ServicePorts:
    return ServicePorts(
        repository, SystemClock(), SystemRandomness(), RecentGrants(3600), RenderedSnapshots(), (_ADMIN,), JsonSchemas()
    )


def _ours() -> RestApi:
    ports = _ports(fill_table(ENTRIES))
    return build_app(ports.within, JsonLog(io.StringIO(), "info"), lambda: Proof((PROOF_SHA256,), enforced=True))


def _fill(ports: ServicePorts, entries: int) -> None:
    for principal, grant in ((_READER, Grant(("read",), ("*",))), (_ADMIN, Grant(("write",), ("*",)))):
        set_grants(ports, _CALLER, principal, (grant,), None)
        ports.grants.forget(principal)
    create_namespace(ports, _CALLER, _NAMESPACE, NamespaceWanted(), None)
    for first in range(0, entries, 40):
        puts = [
            Put(names.parse_key(f"key.{number:04d}"), "plain", "text/plain", "x" * 64)
            for number in range(first, min(first + 40, entries))
        ]
        commit_change_set(ports, _CALLER, _NAMESPACE, ChangeSet(tuple(puts)), None)


def _trivial(routes: int) -> Callable[[Any, Any], dict[str, Any]]:
    """A Chalice app with as many routes; the one that is called answers a constant."""
    app = Chalice("trivial", configure_logs=False)
    for number in range(routes - 1):
        app.route(f"/v1/other/{number}", methods=["GET"], name=f"other{number}")(dict)
    app.route("/v1/namespaces/{namespace}/snapshot", methods=["GET"])(lambda namespace: {"ok": namespace})
    return app


def make_event(etag: str | None = None) -> dict[str, Any]:
    """A REST proxy event of a poll."""
    headers = {"x-api-key": "value", "accept": "application/json", "host": "bench", "user-agent": "bench"}
    if etag:
        headers["if-none-match"] = etag
    return {
        "resource": "/v1/namespaces/{namespace}/snapshot",
        "path": f"/v1/namespaces/{_NAMESPACE}/snapshot",
        "httpMethod": "GET",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"namespace": _NAMESPACE},
        "stageVariables": {VARIABLE: _PROOF},
        "requestContext": {
            "resourcePath": "/v1/namespaces/{namespace}/snapshot",
            "httpMethod": "GET",
            "path": f"/api/v1/namespaces/{_NAMESPACE}/snapshot",
            "stage": "api",
            "requestId": "bench",
            "identity": {"apiKeyId": "bench", "sourceIp": "127.0.0.1", "userAgent": "bench"},
        },
        "body": None,
        "isBase64Encoded": False,
    }
