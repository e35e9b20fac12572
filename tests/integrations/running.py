"""Runs the examples of integrations as their users do: as programs and under servers, against a service on loopback."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.client.sealing import make_envelope, make_snapshot
from tests.support.client.stub_service import Service, run_service

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "integrations"
ENVIRONMENT = ROOT / ".venvs" / "integrations" / "bin"
PASSWORD = "canary-77b1c0de"
_SECONDS = 60.0


def serve(running: Service, level: str, revision: int) -> None:
    """The namespace of the examples from now on, with this log level."""
    texts = {"db.url": ":memory:", "db.password": PASSWORD, "log.level": level}
    jsons = {"db.pool": "7", "limits": '{"rate":5}'}
    entries = [make_envelope(key, text.encode(), version=revision) for key, text in texts.items()]
    entries += [make_envelope(key, text.encode(), content_type="application/json") for key, text in jsons.items()]
    running.serve(make_snapshot(entries, revision=revision))


@contextlib.contextmanager
def loopback() -> Iterator[Service]:
    """A service with the values of the examples at revision 1."""
    with run_service(make_snapshot([])) as running:
        serve(running, "info", 1)
        yield running


def environ(running: Service, folder: Path) -> dict[str, str]:
    """The variables of an example that polls four times a second."""
    return {
        **running.environ, "PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT / 'client'}:{EXAMPLES}",
        "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(folder), "CONFIGSVC_POLL_SECONDS": "0.25",
    }  # fmt: skip


def program(name: str) -> Path:
    """A program of the environment that has the servers."""
    if not ENVIRONMENT.exists() and os.environ.get("CI") != "true":
        pytest.skip("the environment that has the servers is not there: make setup")
    return ENVIRONMENT / name


@contextlib.contextmanager
def server(command: list[str], variables: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server with its workers, in a process group that ends with this. It has to end when it is asked to."""
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, env=variables, cwd=folder, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield process
        process.terminate()
        process.wait(_SECONDS)
    except BaseException:
        sys.stderr.write((folder / "server.log").read_text())
        raise
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(_SECONDS)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def until(look: Callable[[], bool]) -> None:
    """Looks until it is true; fails after a minute."""
    end = time.monotonic() + _SECONDS
    while not look():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.05)


def answers(port: int) -> dict[str, object]:
    """Returns the example server's answer to `GET /`; empty while there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        return dict(json.loads(answer.read())) if answer.status == 200 else {}
    except OSError:
        return {}
    finally:
        connection.close()
