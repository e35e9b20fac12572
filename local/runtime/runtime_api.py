"""The Lambda Runtime API of one execution environment, as awslambdaric speaks it.

Source: AWS Lambda developer guide, "Using the Lambda runtime API for custom runtimes" (2018-06-01).
"""

import json
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from http import HTTPMethod, HTTPStatus
from queue import Empty, SimpleQueue
from select import select
from threading import Event, Lock
from typing import Any, NamedTuple

from local.errors import LocalError
from local.network.server import Handler, LoopbackServer

_PREFIX = "/2018-06-01/runtime/"
ANSWER_BYTES = 6 * 1024 * 1024 + 100
"""Bytes of a synchronous answer. Lambda names the number itself in the errorMessage of one that is larger."""

_TOO_LARGE = f"Response payload size exceeded maximum allowed payload size ({ANSWER_BYTES} bytes)."
_LOOK_SECONDS = 0.1  # how often a waiting environment is asked whether it is still there


class FunctionError(LocalError):
    """An error of the function, or of its start: `error` is Lambda's JSON (errorType, errorMessage, stackTrace)."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error.get('errorType', 'Error')}: {error.get('errorMessage', '')}")
        self.error = error


class InitFailed(FunctionError):
    """The function could not be imported, or its environment ended before it was ready."""


class InvocationFailed(FunctionError):
    """The function raised, or its environment ended in the middle."""


class EnvironmentGone(LocalError):
    """The environment ended before it took the event: nothing was run."""


class Invocation(NamedTuple):
    """One event on its way; `deadline` in epoch seconds, `result` the JSON that the function answers."""

    event: bytes
    deadline: float
    arn: str
    id: str
    result: "Future[bytes]"


class RuntimeApi(LoopbackServer):
    """Serves one environment, which handles one event at a time.

    `ready` gives the time.monotonic() of the first request for an event, or raises InitFailed.
    """

    def __init__(self) -> None:
        super().__init__(_Routes)
        self.ready: Future[float] = Future()
        self._offered: SimpleQueue[Invocation] = SimpleQueue()
        self._running: Invocation | None = None
        self._lock = Lock()
        self._stopping, self._ended = Event(), False

    def stop(self) -> None:
        """Ends the wait for events, then every connection."""
        self._stopping.set()
        super().stop()

    def offer(self, invocation: Invocation) -> None:
        """Hands it to the environment as soon as that asks; `result` raises EnvironmentGone where it never will."""
        with self._lock:
            if self._ended:
                invocation.result.set_exception(EnvironmentGone("It has ended."))
            else:
                self._offered.put(invocation)

    def take(self, connection: Any) -> Invocation | None:  # noqa: ANN401 -- a socket, or whatever select() takes
        """Return the next event for the environment; None if either side has stopped."""
        if not self.ready.done():
            self.ready.set_result(time.monotonic())
        while not self._stopping.is_set() and not select([connection], [], [], 0)[0]:
            with suppress(Empty):
                return self._begun(self._offered.get(timeout=_LOOK_SECONDS), connection)
        return None

    def _begun(self, invocation: Invocation, connection: Any) -> Invocation | None:  # noqa: ANN401 -- as above
        with self._lock:
            if self._ended or select([connection], [], [], 0)[0]:  # it ended while it waited
                invocation.result.set_exception(EnvironmentGone("It ended while it waited."))
                return None
            self._running = invocation
        return invocation

    def succeed(self, invocation_id: str, answer: bytes) -> HTTPStatus:
        """The function's answer; one that comes after its time is dropped, and one that is too large is a failure."""
        if len(answer) <= ANSWER_BYTES:
            self._finish(invocation_id, lambda result: result.set_result(answer))
            return HTTPStatus.ACCEPTED
        failed = InvocationFailed({"errorType": "Function.ResponseSizeTooLarge", "errorMessage": _TOO_LARGE})
        self._finish(invocation_id, lambda result: result.set_exception(failed))
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE

    def fail(self, error: dict[str, Any]) -> None:
        """The event at hand failed, or without one the start; nothing when neither is open."""
        if running := self._running:
            self._finish(running.id, lambda result: result.set_exception(InvocationFailed(error)))
        elif not self.ready.done():
            self.ready.set_exception(InitFailed(error))

    def end(self, error: dict[str, Any]) -> None:
        """The environment's process has ended: whatever is open fails with `error`, and it takes nothing more."""
        with self._lock:
            self._ended = True
        self.fail(error)
        with suppress(Empty):
            while True:
                self._offered.get_nowait().result.set_exception(EnvironmentGone("It has ended."))

    def _finish(self, invocation_id: str, finish: Callable[["Future[bytes]"], None]) -> None:
        with self._lock:
            running = self._running
            if running is None or running.id != invocation_id:
                return
            self._running = None
        finish(running.result)


class _Routes(Handler):
    server: RuntimeApi

    def answer(self) -> None:
        match self.command, self.path.removeprefix(_PREFIX).split("/"):
            case HTTPMethod.GET, ["invocation", "next"]:
                self._next()
            case HTTPMethod.POST, ["invocation", invocation_id, "response"]:
                self._take_post(self.server.succeed(invocation_id, self.body()))
            case HTTPMethod.POST, ["invocation", _, "error"] | ["init", "error"]:
                self.server.fail(json.loads(self.body()))
                self._take_post(HTTPStatus.ACCEPTED)
            case _:
                self.send_error(HTTPStatus.NOT_FOUND)

    def _next(self) -> None:
        invocation = self.server.take(self.connection)
        if invocation is None:
            self.close_connection = True
            return
        self.send_response_only(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(invocation.event)))
        self.send_header("Lambda-Runtime-Aws-Request-Id", invocation.id)
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int(invocation.deadline * 1000)))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", invocation.arn)
        self.end_headers()
        self.wfile.write(invocation.event)

    def _take_post(self, status: HTTPStatus) -> None:
        self.send_response_only(status)
        self.send_header("Content-Length", "0")
        self.end_headers()
