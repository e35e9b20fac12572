"""A deployment package under awslambdaric, in an environment that holds what the Lambda image holds.

The honest test of "is the zip complete" (`.venvs/runtime` has awslambdaric and boto3, the package must bring the
rest), and the fast way to call the real zip. Times are this computer's, not Lambda's: use them for regressions.
"""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, Self

from local.clients import REGION
from local.errors import LocalError, NotReady
from local.loopback import LOOPBACK
from local.processes import end_child
from local.runtime_api import InitFailed, Invocation, InvocationFailed, RuntimeApi

PYTHON = Path(__file__).resolve().parent.parent / ".venvs/runtime/bin/python"
_INIT_SECONDS = 60.0
_STOP_SECONDS = 5.0
_NAME = "function"


class InvocationTimedOut(LocalError):
    """No answer within the function's timeout. The environment is left to finish, and its late answer dropped."""


class Runtime:
    """N execution environments of one function; a context manager. Call invoke() from any number of threads.

    Args:
        directory: the unpacked deployment package.
        handler: for example `app.app`.
        log: file that the function's output is appended to.
        variables: the function's own, credentials and AWS_ENDPOINT_URL included; nothing else of ours is passed on.
        processes: environments that share the work; each handles one event at a time.
        timeout: seconds from invoke() to the answer.
        python: the interpreter that has awslambdaric.
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
        python: Path = PYTHON,
    ) -> None:
        self._directory, self._handler, self._log, self._python = directory.resolve(), handler, log, python
        self._variables = dict(variables or {})
        self._wanted, self._timeout = processes, timeout
        self._invocations: SimpleQueue[Invocation] = SimpleQueue()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._open = ExitStack()
        self.init_seconds: list[float] = []

    def __enter__(self) -> Self:
        """Returns when every environment waits for events. Raises InitFailed or NotReady."""
        if not self._python.exists():
            raise NotReady(f"{self._python} is missing; run `make setup` first.")
        with ExitStack() as opening:
            started = [self._start(opening) for _ in range(self._wanted)]
            self.init_seconds = [_ready(api) - began for api, began in started]
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def invoke(self, event: object) -> Any:  # noqa: ANN401 -- JSON, whatever the function answers
        """The function's answer. Raises InvocationFailed or InvocationTimedOut."""
        if all(process.poll() is not None for process in self._processes):
            raise InvocationFailed(_exit_error(self._processes[0]))
        arn = f"arn:aws:lambda:{REGION}:000000000000:function:{_NAME}:live"
        invocation = Invocation(json.dumps(event).encode(), time.time() + self._timeout, arn)
        self._invocations.put(invocation)
        try:
            return json.loads(invocation.result.result(self._timeout))
        except TimeoutError:
            invocation.result.cancel()
            raise InvocationTimedOut(f"no answer within {self._timeout} s; see {self._log}") from None

    def _start(self, opening: ExitStack) -> tuple[RuntimeApi, float]:
        api = RuntimeApi(self._invocations)
        api.start()
        opening.callback(api.stop)
        scratch = opening.enter_context(tempfile.TemporaryDirectory(prefix="configsvc-function-"))
        began = time.monotonic()
        process = self._spawn(self._environment(api.port, scratch))
        opening.callback(end_child, process, _STOP_SECONDS)
        self._processes.append(process)
        Thread(target=_report_end, args=(process, api), daemon=True).start()
        return api, began

    def _spawn(self, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [self._python, "-m", "awslambdaric", self._handler],
                cwd=self._directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _environment(self, port: int, scratch: str) -> Mapping[str, str]:
        """What the function sees; its own variables win, as on Lambda."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": scratch,
            "TMPDIR": scratch,
            "LAMBDA_TASK_ROOT": str(self._directory),
            "PYTHONPATH": str(self._directory),
            "AWS_LAMBDA_RUNTIME_API": f"{LOOPBACK}:{port}",
            "AWS_LAMBDA_FUNCTION_NAME": _NAME,
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{_NAME}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        } | self._variables


def _ready(api: RuntimeApi) -> float:
    try:
        return api.ready.result(_INIT_SECONDS)
    except TimeoutError:
        raise InitFailed({"errorType": "Init", "errorMessage": f"not ready within {_INIT_SECONDS} s"}) from None


def _report_end(process: "subprocess.Popen[bytes]", api: RuntimeApi) -> None:
    process.wait()
    api.fail(_exit_error(process))


def _exit_error(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    return {"errorType": "Runtime.ExitError", "errorMessage": f"the runtime exited with status {process.returncode}"}
