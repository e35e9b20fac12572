"""The emulator launcher: the pinned ministack with our additions, on loopback, as a process of ours.

It runs in the environment `.venvs/emulator` (`make setup`). Its standard input is a lifeline: when the launcher
goes, however it goes, the emulator stops in order and writes its state. The log goes to a file.
"""

import http.client
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from local.emulator import run_record
from local.errors import NotReady
from local.network.loopback import LOOPBACK, claim_port, listens
from local.paths import ROOT
from local.processes import end_child, wait_until

PYTHON = ROOT / ".venvs/emulator/bin/python"
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0  # state is written on the way out: killing loses it
_LOG_TAIL = 2_000


class Emulator:
    """One local AWS. Use it as a context manager, or start() and stop() it.

    Args:
        log: file that its output is appended to.
        port: loopback port; 0 takes a free one.
        state: directory that keeps its data from run to run; without one nothing is kept.
        auth: check signatures and IAM policies. The root credentials are never checked.
        additions: False starts ministack as it comes.
        python: the interpreter of the environment that ministack is installed in.
    """

    def __init__(
        self,
        *,
        log: Path,
        port: int = 0,
        state: Path | None = None,
        auth: bool = True,
        additions: bool = True,
        python: Path = PYTHON,
    ) -> None:
        self._log = log
        self._wanted_port = port
        self._state = state
        self._auth = auth
        self._additions = additions
        self._python = python
        self._process: subprocess.Popen[bytes] | None = None
        self._scratch: Path | None = None
        self.port = port

    @property
    def url(self) -> str:
        """Where it answers; meaningful once started."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process else None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when it answers. Raises PortBusy, AlreadyRunning or NotReady, leaving nothing behind."""
        if not self._python.exists():
            raise NotReady(f"{self._python} is missing; run `make setup` first.")
        self._recover()
        self.port = claim_port(self._wanted_port)
        self._scratch = self._new_scratch()
        self._process = self._spawn(self._scratch)
        try:
            self._wait_ready(self._process)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends it in order and waits; safe to call twice."""
        if self._process:
            end_child(self._process, _STOP_SECONDS)
            if self._process.stdin:
                self._process.stdin.close()
        if self._scratch:
            shutil.rmtree(self._scratch, ignore_errors=True)
        if self._process and self._state:
            (self._state / "run.json").unlink(missing_ok=True)
        self._process = self._scratch = None

    def wait(self) -> None:
        """Returns when it has ended."""
        if self._process:
            self._process.wait()

    def _recover(self) -> None:
        if self._state:
            self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
            run_record.recover(self._state / "run.json", _STOP_SECONDS)

    def _new_scratch(self) -> Path:
        """A folder for unpacked functions: next to the state, where the next run clears it, or a temporary one."""
        if not self._state:
            return Path(tempfile.mkdtemp(prefix="configsvc-emulator-"))
        scratch = self._state / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700)
        return scratch

    def _spawn(self, scratch: Path) -> "subprocess.Popen[bytes]":
        arguments = [] if self._additions else ["--stock"]
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                # -P: no module of local/ may replace one of the emulator's environment.
                [self._python, "-P", ROOT / "local/emulator/additions.py", *arguments],
                cwd=scratch,
                env=self._make_environment(scratch),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if self._state:
            run_record.write(self._state / "run.json", process.pid, self.port)
        return process

    def _make_environment(self, scratch: Path) -> Mapping[str, str]:
        """Everything the emulator sees: its Lambda workers inherit it, so nothing of ours may be in it."""
        settings = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": str(scratch),
            "TMPDIR": str(scratch),
            "BIND_HOST": LOOPBACK,
            "MINISTACK_HOST": LOOPBACK,
            "GATEWAY_PORT": str(self.port),
            "AWS_ENDPOINT_URL": self.url,
            "AUTH": str(self._auth).lower(),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
        }
        if self._state:
            kept = {"STATE_DIR": self._state / "aws", "S3_DATA_DIR": self._state / "s3"}
            settings |= {name: str(path) for name, path in kept.items()}
            settings |= {"PERSIST_STATE": "1", "S3_PERSIST": "1"}
        return settings

    def _wait_ready(self, process: "subprocess.Popen[bytes]") -> None:
        wait_until(lambda: process.poll() is not None or answers(process.pid, self.port), _START_SECONDS)
        if process.poll() is None and answers(process.pid, self.port):
            return
        said = self._log.read_text(errors="replace")[-_LOG_TAIL:]
        how = "did not answer in time" if process.poll() is None else f"ended with status {process.returncode}"
        raise NotReady(f"the emulator {how} on port {self.port}; see {self._log}, which ends with:\n{said}")


def answers(pid: int, port: int) -> bool:
    """True when an emulator answers on the port, and it is this process."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == http.HTTPStatus.OK and listens(pid, port)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
