"""The loopback gateway: API Gateway's part in front of the app in process, or of a pool that runs its zip.

HTTP becomes REST proxy events, with stage, API keys, SigV4, `execute-api` permissions, throttling, compression and
gateway responses enforced. Routes come from the app's own table, and the answers that API Gateway makes itself from
infra/cloudformation/gateway_responses.py, so neither can drift. A development gateway: no security boundary.
"""

from __future__ import annotations

import gzip
import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from http import HTTPStatus
from threading import Thread
from types import TracebackType
from typing import Any, NamedTuple, Self
from uuid import uuid4

from infra.cloudformation.gateway_responses import PROBLEMS, gateway_headers, problem_body
from local.gateway.access import Access, Refused
from local.gateway.event import Event, Matched, Routes, StageOf, make_event, match
from local.gateway.signature import Request
from local.network.server import Handler, LoopbackServer
from local.runtime.function import EventTooLarge, FunctionThrottled

STAGE = "api"
_MOST_BYTES = 10 * 1024 * 1024  # API Gateway quotas: payload size, of a request and of an answer
_COMPRESS_FROM = 1024  # .chalice/config.json: minimum_compression_size
_SECONDS = 29.0  # API Gateway quotas: integration timeout

Target = Callable[[Event], dict[str, Any]]


class Answer(NamedTuple):
    """The HTTP response."""

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
        seconds: how long the integration may take.
    """

    def __init__(
        self, target: Target, routes: Routes, access: Access, variables: Mapping[str, str], seconds: float = _SECONDS
    ) -> None:
        self._target, self._routes, self._access, self._seconds = target, routes, access, seconds
        self._stage = StageOf(STAGE, variables)

    def answer(self, request: Request) -> Answer:
        """Answer a request as API Gateway does."""
        request_id = str(uuid4())
        try:
            matched = self._match(request)
            made = make_event(request, matched, self._access.identity(request, matched), self._stage, request_id)
        except Refused as refused:
            return _gateway_response(refused.kind, request_id, message=refused.message)
        try:
            return self._invoke_integration(made, request, request_id)
        except EventTooLarge:
            return _gateway_response("REQUEST_TOO_LARGE", request_id)
        except FunctionThrottled:
            return _gateway_response("DEFAULT_5XX", request_id, HTTPStatus.INTERNAL_SERVER_ERROR)
        except TimeoutError:
            return _gateway_response("INTEGRATION_TIMEOUT", request_id)
        except Exception:  # noqa: BLE001  # a function that failed, or an answer that is none
            return _gateway_response("DEFAULT_5XX", request_id, HTTPStatus.BAD_GATEWAY)

    def _invoke_integration(self, made: Event, request: Request, request_id: str) -> Answer:
        """The function's answer. Raises TimeoutError; as on AWS, the function runs on, unseen."""
        result: Future[dict[str, Any]] = Future()
        Thread(target=_settle, args=(result, self._target, made), daemon=True).start()
        answer = _answer(result.result(self._seconds), request_id)
        if len(answer.body) > _MOST_BYTES:
            return _gateway_response("DEFAULT_5XX", request_id, HTTPStatus.INTERNAL_SERVER_ERROR)
        return _compress(answer, request)

    def _match(self, request: Request) -> Matched:
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


def _settle(result: Future[dict[str, Any]], target: Target, made: Event) -> None:
    try:
        result.set_result(target(made))
    except BaseException as error:  # noqa: BLE001  # raised again by whoever waits
        result.set_exception(error)


def _gateway_response(kind: str, request_id: str, status: int = 0, message: str | None = None) -> Answer:
    """Render the gateway response as the template defines it; `status` is for the catch-alls."""
    headers = [*gateway_headers(kind).items(), ("x-amzn-RequestId", request_id)]
    body = json.dumps(problem_body(kind, request_id, message)).encode()
    return Answer(status or PROBLEMS[kind].status, headers, body)


def _answer(made: Mapping[str, Any], request_id: str) -> Answer:
    body = made.get("body") or ""
    raw = b64decode(body) if made.get("isBase64Encoded") else body.encode()
    headers = [(name, str(value)) for name, value in (made.get("headers") or {}).items()]
    headers += [(name, str(each)) for name, many in (made.get("multiValueHeaders") or {}).items() for each in many]
    return Answer(int(made["statusCode"]), [*headers, ("x-amzn-RequestId", request_id)], raw)


def _compress(answer: Answer, request: Request) -> Answer:
    accepted = ",".join(request.headers.get("accept-encoding", []))
    if len(answer.body) < _COMPRESS_FROM or "gzip" not in accepted:
        return answer
    return Answer(answer.status, [*answer.headers, ("Content-Encoding", "gzip")], gzip.compress(answer.body, 6))
