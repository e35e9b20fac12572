"""A deployment package under awslambdaric, in environments that hold what the Lambda image holds.

The honest test of "is the zip complete" (`.venvs/runtime` has awslambdaric and boto3, the package must bring the
rest), and the fast way to call the real zip. Lambda's limits are kept: payloads, the timeout, reserved concurrency.
Times are this computer's, not Lambda's: use them for regressions.
"""

import json
from collections import deque
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self

from infra.packaging.platforms import find_local
from local.errors import LocalError, NotReady
from local.paths import ROOT
from local.runtime.execution import Environment, Function
from local.runtime.runtime_api import EnvironmentGone

PYTHON = ROOT / ".venvs/runtime/bin/python"
RUNTIME = find_local().runtime
"""The local zip is built for the Python of this project's environments, which also runs it here."""

REQUEST_BYTES = 6 * 1024 * 1024
"""Bytes of a synchronous event (AWS Lambda developer guide, "Lambda quotas": 6 MB)."""


class FunctionThrottled(LocalError):
    """Every environment is busy: above its reserved concurrency Lambda refuses at once, and does not queue."""


class EventTooLarge(LocalError):
    """The event is larger than a synchronous invocation takes."""


class RuntimeClosed(LocalError):
    """The runtime was closed during the event."""


@dataclass(slots=True)
class _Place:
    """One of the environments that reserved concurrency allows, while it has one."""

    environment: Environment | None


class Runtime:
    """Up to N execution environments of one function; a context manager. Call invoke() from any number of threads.

    An environment that ended or timed out is replaced for the next event that its place takes, as on Lambda.

    Args:
        directory: the unpacked deployment package.
        handler: for example `app.app`.
        log: file that the function's output is appended to.
        variables: the function's own, credentials and AWS_ENDPOINT_URL included; nothing else of ours is passed on.
        processes: the reserved concurrency; all of them are started in advance, and each handles one event at a time.
        timeout: the function's, in seconds.
        runtime: Lambda's name of it: awslambdaric escapes every character above ASCII before `python3.12`.
        scratch: the folder of the environments' own folders, which go with them. Default: the system's.
    """

    def __init__(
        self,
        *,
        directory: Path,
        handler: str,
        log: Path,
        variables: Mapping[str, str] | None = None,
        processes: int = 1,
        timeout: float = 30.0,
        runtime: str = RUNTIME,
        scratch: Path | None = None,
    ) -> None:
        self._function = Function(directory.resolve(), handler, log, dict(variables or {}), runtime, PYTHON, scratch)
        self._processes, self._timeout = processes, timeout
        self._free: deque[_Place] = deque()
        self._started: set[Environment] = set()
        self._lock, self._closed = Lock(), False
        self.init_seconds: list[float] = []

    def __enter__(self) -> Self:
        """Returns when every environment waits for events. Raises InitFailed or NotReady."""
        if not PYTHON.exists():
            raise NotReady(f"{PYTHON} is missing; run `make setup` first.")
        with ExitStack() as opening:
            opening.callback(self._close)
            started = [self._start() for _ in range(self._processes)]
            self.init_seconds = [each.ready() for each in started]
            self._free.extend(map(_Place, started))
            opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def cool(self) -> None:
        """End every environment that waits for events; the next events start new ones, as after a deployment."""
        for _ in range(len(self._free)):
            try:
                place = self._free.popleft()  # an event cannot take it now
            except IndexError:
                return
            waiting, place.environment = place.environment, None
            self._free.append(place)
            if waiting:
                self._forget(waiting)

    def pids(self) -> list[int]:
        """The processes of the environments that live."""
        with self._lock:
            return [each.pid for each in self._started if each.alive]

    def invoke(self, event: object) -> Any:  # noqa: ANN401 -- JSON, whatever the function answers
        """The function's answer.

        Raises:
            EventTooLarge, FunctionThrottled: it was not run.
            InitFailed: a new environment was needed, and it could not be started.
            InvocationFailed, InvocationTimedOut: it was run, and its environment may be another one from now on.
            RuntimeClosed: it was not run, because this runtime was left.
        """
        payload = json.dumps(event, ensure_ascii=False).encode()
        if len(payload) > REQUEST_BYTES:
            raise EventTooLarge(f"An event of {len(payload)} bytes; Lambda takes at most {REQUEST_BYTES}.")
        try:
            place = self._free.popleft()
        except IndexError:
            raise FunctionThrottled(f"All {self._processes} environments are busy. Repeat the request later.") from None
        try:
            return json.loads(self._answer(place, payload))
        finally:
            self._free.append(place)

    def _answer(self, place: _Place, payload: bytes) -> bytes:
        """An environment that ended while it waited has not taken the event: the next one does."""
        while True:
            environment = self._of(place)
            try:
                return environment.invoke(payload, self._timeout)
            except EnvironmentGone:
                continue
            finally:
                if not environment.alive:
                    self._forget(environment)
                    place.environment = None

    def _of(self, place: _Place) -> Environment:
        if place.environment and place.environment.alive:
            return place.environment
        if place.environment:
            self._forget(place.environment)
        place.environment = self._start()
        place.environment.ready()
        return place.environment

    def _start(self) -> Environment:
        with self._lock:  # all that is started is seen by who leaves
            if self._closed:
                raise RuntimeClosed("The runtime was closed during the event.")
            environment = Environment(self._function)
            self._started.add(environment)
        return environment

    def _forget(self, environment: Environment) -> None:
        with self._lock:
            self._started.discard(environment)
        environment.close()

    def _close(self) -> None:
        with self._lock:
            self._closed = True
            started, self._started = self._started, set()
        self._free.clear()
        for each in started:
            each.close()
