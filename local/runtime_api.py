"""The Lambda Runtime API of one execution environment, as awslambdaric speaks it.

Source: AWS Lambda developer guide, "Using the Lambda runtime API for custom runtimes" (2018-06-01).
"""

import json
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from http import HTTPMethod, HTTPStatus
from queue import Empty, SimpleQueue
from select import select
from threading import Event
from typing import Any
from uuid import uuid4

from local.errors import LocalError
from local.server import Handler, LoopbackServer

_PREFIX = "/2018-06-01/runtime/"
_LOOK_SECONDS = 0.1  # how often a waiting environment is asked whether it is still there


class FunctionError(LocalError):
    """What the function, or its start, reported: `error` is Lambda's JSON (errorType, errorMessage, stackTrace)."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error.get('errorType', 'Error')}: {error.get('errorMessage', '')}")
        self.error = error


class InitFailed(FunctionError):
    """The function could not be imported, or its environment ended before it was ready."""


class InvocationFailed(FunctionError):
    """The function raised, or its environment ended in the middle."""


@dataclass(eq=False, slots=True)
class Invocation:
    """One event on its way; `deadline` in epoch seconds, `result` the JSON that the function answers."""

    event: bytes
    deadline: float
    arn: str
    id: str = field(default_factory=lambda: str(uuid4()))
    result: "Future[bytes]" = field(default_factory=Future)


class RuntimeApi(LoopbackServer):
    """Serves one environment, which handles one event at a time; several share one queue of invocations.

    `ready` gives the time.monotonic() of the first request for an event, or raises InitFailed.
    """

    def __init__(self, invocations: "SimpleQueue[Invocation]") -> None:
        super().__init__(_Routes)
        self.ready: Future[float] = Future()
        self._invocations = invocations
        self._running: Invocation | None = None
        self._stopping = Event()

    def stop(self) -> None:
        """Ends the wait for events, then every connection."""
        self._stopping.set()
        super().stop()

    def take(self, connection: Any) -> Invocation | None:  # noqa: ANN401 -- a socket, or whatever select() takes
        """The next event for the environment at the other end; None when it or we are gone."""
        if not self.ready.done():
            self.ready.set_result(time.monotonic())
        while not self._stopping.is_set() and not select([connection], [], [], 0)[0]:
            try:
                invocation = self._invocations.get(timeout=_LOOK_SECONDS)
            except Empty:
                continue
            if select([connection], [], [], 0)[0]:  # it ended while it waited: another one's event
                self._invocations.put(invocation)
            elif invocation.result.set_running_or_notify_cancel():
                self._running = invocation
                return invocation
        return None

    def succeed(self, invocation_id: str, answer: bytes) -> None:
        """The function's answer; one that comes after its time is dropped."""
        if self._running and self._running.id == invocation_id:
            self._running.result.set_result(answer)
            self._running = None

    def fail(self, error: dict[str, Any]) -> None:
        """The event at hand failed, or without one the start; nothing when neither is open."""
        if self._running:
            self._running.result.set_exception(InvocationFailed(error))
            self._running = None
        elif not self.ready.done():
            self.ready.set_exception(InitFailed(error))


class _Routes(Handler):
    server: RuntimeApi

    def answer(self) -> None:
        match self.command, self.path.removeprefix(_PREFIX).split("/"):
            case HTTPMethod.GET, ["invocation", "next"]:
                self._next()
            case HTTPMethod.POST, ["invocation", invocation_id, "response"]:
                self.server.succeed(invocation_id, self.body())
                self._accepted()
            case HTTPMethod.POST, ["invocation", _, "error"] | ["init", "error"]:
                self.server.fail(json.loads(self.body()))
                self._accepted()
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

    def _accepted(self) -> None:
        self.send_response_only(HTTPStatus.ACCEPTED)
        self.send_header("Content-Length", "0")
        self.end_headers()
