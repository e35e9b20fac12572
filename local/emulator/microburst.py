"""The fault proxy launcher: the pinned microburst in front of the emulator, on loopback, as a process of ours.

It runs in the environment `.venvs/emulator`, like ministack. Anyone who reaches its port can set its rules: it binds
to loopback, and its standard input is a lifeline as the emulator's is.
"""

import http.client
import json
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local.emulator.launcher import PYTHON
from local.errors import NotReady
from local.network.loopback import LOOPBACK, claim_port, listens
from local.paths import ROOT
from local.processes import end_child, wait_until

_START_SECONDS = 30.0
_STOP_SECONDS = 5.0
_LOG_TAIL = 2_000

Rule = Mapping[str, object]
"""A rule as microburst has it, such as `{"service": "dynamodb", "operation": "Query", "times": 1, "error": {…}}`."""


class Microburst:
    """One proxy in front of one endpoint. Use it as a context manager, or start() and stop() it.

    Args:
        upstream: the endpoint's URL.
        log: file that its output is appended to.
        python: the interpreter of the environment that microburst is installed in.
    """

    def __init__(self, upstream: str, *, log: Path, python: Path = PYTHON) -> None:
        self._upstream = upstream
        self._log = log
        self._python = python
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Where it answers; meaningful once started."""
        return f"http://{LOOPBACK}:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when it answers. Raises NotReady, leaving nothing behind."""
        if not self._python.exists():
            raise NotReady(f"{self._python} is missing; run `make setup` first.")
        self.port = claim_port(0)
        self._process = self._spawn()
        try:
            self._wait_ready(self._process)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends it and waits; safe to call twice."""
        if self._process:
            end_child(self._process, _STOP_SECONDS)
            if self._process.stdin:
                self._process.stdin.close()
        self._process = None

    def rules(self, *rules: Rule) -> None:
        """These rules and no others from now on, and nothing fired yet."""
        self._control("POST", "rules", rules)
        self._control("DELETE", "fired")

    def read_fired(self) -> list[dict[str, Any]]:
        """Return the events since the rules were set, oldest first."""
        found: list[dict[str, Any]] = self._control("GET", "fired?limit=1000")
        return found

    def _spawn(self) -> "subprocess.Popen[bytes]":
        arguments = ["--upstream", self._upstream, "--host", LOOPBACK, "--port", str(self.port)]
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            return subprocess.Popen(
                # -P: no module of local/ may replace one of the emulator's environment.
                [self._python, "-P", ROOT / "local/emulator/microburst_process.py", *arguments],
                env={"LANG": "C.UTF-8"},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _wait_ready(self, process: "subprocess.Popen[bytes]") -> None:
        wait_until(lambda: process.poll() is not None or self._answers(process.pid), _START_SECONDS)
        if process.poll() is None and self._answers(process.pid):
            return
        said = self._log.read_text(errors="replace")[-_LOG_TAIL:]
        raise NotReady(f"microburst did not come up on port {self.port}; see {self._log}, which ends with:\n{said}")

    def _answers(self, pid: int) -> bool:
        try:
            self._control("GET", "health")
        except (OSError, http.client.HTTPException, NotReady):
            return False
        return listens(pid, self.port)

    def _control(self, method: str, path: str, body: Sequence[Rule] | None = None) -> Any:  # noqa: ANN401  # JSON
        """Raises NotReady when it refuses."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=5)
        with closing(connection):
            connection.request(method, f"/_microburst/{path}", None if body is None else json.dumps(body))
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != http.HTTPStatus.OK:
                raise NotReady(f"microburst answered {answer.status}: {text.decode(errors='replace')}")
            return json.loads(text)
