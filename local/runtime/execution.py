"""One execution environment of a function: awslambdaric in its own process, with the packages of the Lambda image."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple
from uuid import uuid4

from local.clients import REGION
from local.errors import LocalError
from local.network.loopback import LOOPBACK
from local.processes import end_child
from local.runtime.runtime_api import InitFailed, Invocation, RuntimeApi

_INIT_SECONDS = 60.0
_STOP_SECONDS = 5.0
_NAME = "function"
_ARN = f"arn:aws:lambda:{REGION}:000000000000:function:{_NAME}:live"


class InvocationTimedOut(LocalError):
    """No answer within the function's timeout; Lambda ends the environment, and so do we."""


class Function(NamedTuple):
    """A function as it is configured.

    Args:
        directory: the unpacked deployment package.
        handler: for example `app.app`.
        log: file that the function's output is appended to.
        variables: the function's own, credentials and AWS_ENDPOINT_URL included; nothing else of ours is passed on.
        runtime: Lambda's name of it, such as `python3.11`. It decides how awslambdaric encodes answers.
        python: the interpreter that has awslambdaric.
        scratch: the folder of the environments' own folders, which go with them. None: the system's.
    """

    directory: Path
    handler: str
    log: Path
    variables: Mapping[str, str]
    runtime: str
    python: Path
    scratch: Path | None = None


class Environment:
    """One process of a function. It starts at once; wait for `ready` before the first invocation."""

    def __init__(self, function: Function) -> None:
        with ExitStack() as opening:
            self._api = RuntimeApi()
            self._api.start()
            opening.callback(self._api.stop)
            scratch = opening.enter_context(
                tempfile.TemporaryDirectory(prefix="configsvc-function-", dir=function.scratch)
            )
            self._began = time.monotonic()
            self._process = _spawn(function, _variables(function, self._api.port, scratch))
            opening.callback(end_child, self._process, _STOP_SECONDS)
            self._log = function.log
            Thread(target=self._report_end, daemon=True).start()
            self._open = opening.pop_all()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self._process.poll() is None

    def ready(self) -> float:
        """Seconds from its start to its first request for an event. Raises InitFailed."""
        try:
            return self._api.ready.result(_INIT_SECONDS) - self._began
        except TimeoutError:
            raise InitFailed({"errorType": "Init", "errorMessage": f"not ready within {_INIT_SECONDS} s"}) from None

    def invoke(self, event: bytes, seconds: float) -> bytes:
        """The answer to one event, as the function posted it.

        Raises:
            InvocationFailed: the function raised, answered more than Lambda takes, or ended in the middle.
            InvocationTimedOut: it did not answer within `seconds`, and was killed.
            EnvironmentGone: it had ended before it took the event.
        """
        result: Future[bytes] = Future()
        self._api.offer(Invocation(event, time.time() + seconds, _ARN, str(uuid4()), result))
        try:
            return result.result(seconds)
        except TimeoutError:
            self._kill()
            raise InvocationTimedOut(f"Task timed out after {seconds:.2f} seconds; see {self._log}.") from None

    def close(self) -> None:
        """Ends it, and forgets its scratch folder."""
        self._open.close()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _report_end(self) -> None:
        status = self._process.wait()
        self._api.end({"errorType": "Runtime.ExitError", "errorMessage": f"the runtime exited with status {status}"})


def _spawn(function: Function, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    function.log.parent.mkdir(parents=True, exist_ok=True)
    with function.log.open("ab") as log:
        return subprocess.Popen(
            [function.python, "-m", "awslambdaric", function.handler],
            cwd=function.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _variables(function: Function, port: int, scratch: str) -> dict[str, Any]:
    """The function's environment; its own variables win, as on Lambda."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": scratch,
        "TMPDIR": scratch,
        "LAMBDA_TASK_ROOT": str(function.directory),
        "PYTHONPATH": str(function.directory),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_RUNTIME_API": f"{LOOPBACK}:{port}",
        "AWS_LAMBDA_FUNCTION_NAME": _NAME,
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{_NAME}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{datetime.now(UTC):%Y/%m/%d}/[1]{uuid4().hex}",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    } | dict(function.variables)
