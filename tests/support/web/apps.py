"""Apps for calls in process: one route with a test's view, or the whole API over memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import count
from typing import Any

from configsvc.adapters.caches import RecentGrants, RenderedSnapshots
from configsvc.adapters.json_schemas import JsonSchemas
from configsvc.adapters.memory import MemoryRepository
from configsvc.adapters.system import SystemClock, SystemRandomness
from configsvc.bootstrap import build_app
from configsvc.service.engine.ports import ServicePorts
from configsvc.web.api import RestApi
from configsvc.web.arrival import Proof
from configsvc.web.description import Description
from configsvc.web.handling import RequestHandler
from configsvc.web.reply import Reply
from configsvc.web.request import Request
from tests.support.web.events import PROOF
from tests.support.web.lines import Lines

ANYTHING = Description("Do what the test asks", "any", {200: None}, body="Anything")
ADMIN = "arn:aws:iam::123456789012:role/Admin"
PROOF_SHA256 = sha256(PROOF.encode()).hexdigest()
PROOF_PARAMETERS = {"GatewayProofSha256": PROOF_SHA256, "GatewayProofMode": "enforce"}
"""The template's parameters for the proof."""


def ask_for_proof() -> Proof:
    """The proof that these apps require. The events of `tests.support.web.events` carry it."""
    return Proof((PROOF_SHA256,), enforced=True)


def make_ticking_clock(step: float = 0.25) -> Callable[[], float]:
    """A clock that advances by a step whenever it is read."""
    ticks: Iterator[int] = count()
    return lambda: next(ticks) * step


def refuse_ports(_seconds: float) -> ServicePorts:
    raise AssertionError("this request must not need the store")


def build_app_with(
    view: Callable[[Request], Reply],
    lines: Lines,
    *,
    method: str = "GET",
    route: str = "/v1/x",
    proof: Callable[[], Proof] = ask_for_proof,
) -> RestApi:
    """Builds an app with one route for the view."""
    api = RestApi(RequestHandler(lines, make_ticking_clock()), refuse_ports, proof, make_ticking_clock())
    api.signed(method, route, ANYTHING)(view)
    return api


def build_memory_ports() -> ServicePorts:
    return ServicePorts(
        MemoryRepository(),
        SystemClock(),
        SystemRandomness(),
        RecentGrants(),
        RenderedSnapshots(),
        (ADMIN,),
        JsonSchemas(),
    )


def build_whole_app(
    lines: Lines, ports: ServicePorts | None = None, proof: Callable[[], Proof] = ask_for_proof
) -> RestApi:
    """Builds the API over a table in memory."""
    held = ports or build_memory_ports()
    return build_app(held.within, lines, proof, make_ticking_clock())


def parse_problem(answer: dict[str, Any]) -> dict[str, Any]:
    """Parses the problem in a response, which must be one."""
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = json.loads(answer["body"])
    assert found["status"] == answer["statusCode"]
    return found
