"""The loopback gateway: API Gateway's part in front of the app in process, or of a pool that runs its zip.

HTTP becomes REST proxy events, with stage, API keys, SigV4, `execute-api` permissions, throttling, compression and
gateway responses enforced. Routes come from the app's own table, and the answers that API Gateway makes itself from
infra/gateway_responses.py, so neither can drift. A development gateway: no security boundary.
"""

from __future__ import annotations

import gzip
import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self
from uuid import uuid4

from configsvc.model import errors
from infra.gateway_responses import problem_body
from local.gateway_access import Access, Refused
from local.gateway_event import Event, Matched, Routes, StageOf, event, match
from local.gateway_signature import Request
from local.server import Handler, LoopbackServer

STAGE = "api"
_MOST_BYTES = 10 * 1024 * 1024  # API Gateway quotas: payload size
_COMPRESS_FROM = 1024  # .chalice/config.json: minimum_compression_size
_RETRY_AFTER = frozenset({errors.Throttled.status, errors.Unavailable.status})
_BAD_GATEWAY = 502

Target = Callable[[Event], dict[str, Any]]


class Answer(NamedTuple):
    """What goes back over HTTP."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Gateway:
    """API Gateway's decisions, without a socket.

    Args:
        target: what an event is handed to: the app in process, or a pool of awslambdaric processes.
        routes: the app's routing table (`app.routes`).
        access: who may pass.
        variables: the stage's, with the proof that the target asks for.
    """

    def __init__(self, target: Target, routes: Routes, access: Access, variables: Mapping[str, str]) -> None:
        self._target, self._routes, self._access = target, routes, access
        self._stage = StageOf(STAGE, variables)

    def answer(self, request: Request) -> Answer:
        """What API Gateway answers."""
        request_id = str(uuid4())
        try:
            matched = self._matched(request)
            made = event(request, matched, self._access.identity(request, matched), self._stage, request_id)
        except Refused as refused:
            body = problem_body(refused.kind, request_id, refused.message)
            return _problem(refused.problem.status, body, request_id)
        try:
            return _compressed(_answer(self._target(made), request_id), request)
        except Exception:  # noqa: BLE001  # a function that failed, or an answer that is none
            return _problem(_BAD_GATEWAY, problem_body("DEFAULT_5XX", request_id), request_id)

    def _matched(self, request: Request) -> Matched:
        if len(request.body) > _MOST_BYTES:
            raise Refused("REQUEST_TOO_LARGE")
        stage, path = f"/{STAGE}", request.path
        matched = match(self._routes, request.method, path[len(stage) :]) if path.startswith(f"{stage}/") else None
        if matched is None:
            raise Refused("MISSING_AUTHENTICATION_TOKEN")
        return matched


class LoopbackGateway:
    """A gateway that listens on 127.0.0.1; a context manager.

    Args:
        gateway: decides.
        port: 0 takes a free one.
    """

    def __init__(self, gateway: Gateway, port: int = 0) -> None:
        class Bound(_GatewayHandler):
            """One connection to this gateway."""

        Bound.gateway = gateway
        self._server = LoopbackServer(Bound, port)

    @property
    def url(self) -> str:
        """The base of the API with its stage, such as http://127.0.0.1:8000/api."""
        return f"{self._server.url}/{STAGE}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.stop()


class _GatewayHandler(Handler):
    gateway: Gateway
    wbufsize = -1  # an answer is one packet

    def answer(self) -> None:
        path, _, query = self.path.partition("?")
        headers: dict[str, list[str]] = {}
        for name, value in self.headers.items():
            headers.setdefault(name.lower(), []).append(value)
        request = Request(self.command, path, query, headers, self.body())
        self._send(self.gateway.answer(request))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in [*answer.headers, ("Content-Length", str(len(answer.body)))]:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.wfile.flush()


def _problem(status: int, body: Mapping[str, object], request_id: str) -> Answer:
    headers = [("Content-Type", "application/problem+json"), ("x-amzn-RequestId", request_id)]
    if status in _RETRY_AFTER:
        headers.append(("Retry-After", "1"))
    return Answer(status, headers, json.dumps(body).encode())


def _answer(made: Mapping[str, Any], request_id: str) -> Answer:
    body = made.get("body") or ""
    raw = b64decode(body) if made.get("isBase64Encoded") else body.encode()
    headers = [(name, str(value)) for name, value in (made.get("headers") or {}).items()]
    headers += [(name, str(each)) for name, many in (made.get("multiValueHeaders") or {}).items() for each in many]
    return Answer(int(made["statusCode"]), [*headers, ("x-amzn-RequestId", request_id)], raw)


def _compressed(answer: Answer, request: Request) -> Answer:
    accepted = ",".join(request.headers.get("accept-encoding", []))
    if len(answer.body) < _COMPRESS_FROM or "gzip" not in accepted:
        return answer
    return Answer(answer.status, [*answer.headers, ("Content-Encoding", "gzip")], gzip.compress(answer.body, 6))
