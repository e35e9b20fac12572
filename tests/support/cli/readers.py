"""Foreign programs that read the files we write. Each reads a whole file in one process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from dotenv import dotenv_values

from local.paths import ROOT
from tests.support.cli import compose as compose_rules

_NODE = ROOT / ".venvs/node/node_modules"
_READ = ROOT / "tests/cli/formats/node/read.cjs"
_SECONDS = 60

# The file is $1, then the names; each value ends with a NUL, which no value can contain.
_SOURCED = '. "$1"'
_EVALUATED = 'eval "$(cat "$1")"'
PRINTED = """shift; for name in "$@"; do eval "printf '%s\\\\000' \\"\\${$name-(unset)}\\""; done"""


def list_shells() -> list[str]:
    """Lists the installed shells among those we support."""
    return [each for each in ("bash", "dash", "zsh", "mksh", "yash") if shutil.which(each)]


def read_in_shell(shell: str, path: Path, names: Sequence[str], *, evaluated: bool = False) -> list[str]:
    """Returns each variable of a shell after it read the file with `.`, or with `eval "$(cat FILE)"`."""
    script = f"{_EVALUATED if evaluated else _SOURCED}\n{PRINTED}"
    return _values(run([shell, "-c", script, shell, str(path.absolute()), *names], path.parent))


def read_in_interactive_bash(path: Path, names: Sequence[str]) -> list[str]:
    """Like `read_in_shell`, for an interactive bash, where `!` means history."""
    listed = " ".join(names)
    script = f'set -H\nset -- "{path.absolute()}" {listed}\n{_SOURCED}\n{PRINTED}\nexit 0\n'
    return _values(run(["bash", "--norc", "--noprofile", "-i"], path.parent, script.encode()))


def read_with_python_dotenv(path: Path) -> dict[str, str | None]:
    """Reads the file with python-dotenv, which expands variables by default."""
    return dict(dotenv_values(path))


def read_with_compose_rules(path: Path, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Reads the file by the rules of docker compose."""
    return compose_rules.read(path.read_bytes().decode(), environ)


def read_with_npm_dotenv(*paths: Path, expand: bool = False) -> list[dict[str, dict[str, str]]]:
    """Reads each file with npm's dotenv: the current version, its fast parser, and the last version 16."""
    _require_node()
    command = ["node", str(_READ), str(_NODE), *map(str, paths)]
    found: list[dict[str, dict[str, str]]] = json.loads(run(command, paths[0].parent, EXPAND="1" if expand else ""))
    return found


def read_with_node(path: Path) -> dict[str, str]:
    """Returns the environment of `node --env-file`."""
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    script = "process.stdout.write(JSON.stringify(process.env))"
    found: dict[str, str] = json.loads(run(["node", f"--env-file={path}", "-e", script], path.parent))
    return {name: text for name, text in found.items() if name not in ("PATH", "LANG")}


def read_with_docker(path: Path) -> list[str]:
    """Returns the variables that Docker's command line sends to its daemon for `--env-file`, as NAME=value.

    Raises:
        ValueError: Docker refuses the file.
    """
    program = shutil.which("docker") or pytest.skip("docker is not installed")
    with _daemon() as (port, seen):
        environ = {"HOME": str(path.parent), "DOCKER_HOST": f"tcp://127.0.0.1:{port}"}
        done = subprocess.run(
            [program, "create", "--env-file", str(path), "x"], env={"PATH": os.environ["PATH"], **environ},
            capture_output=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
    if not seen:
        raise ValueError(done.stderr.decode())
    return seen[0]


def read_with_kubectl(path: Path) -> dict[str, str]:
    """Returns the data of the Secret that `kubectl create secret generic --from-env-file` makes, as base64."""
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed")
    command = [
        "kubectl",
        "create",
        "secret",
        "generic",
        "x",
        f"--from-env-file={path}",
        "--dry-run=client",
        "-o",
        "json",
    ]
    data: dict[str, str] = json.loads(run(command, path.parent, HOME=str(path.parent)))["data"]
    return data


def run(command: Sequence[str], folder: Path = Path("/"), given: bytes = b"", **environ: str) -> bytes:
    done = subprocess.run(
        command, input=given, env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **environ}, cwd=folder,
        capture_output=True, timeout=_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def _values(printed: bytes) -> list[str]:
    assert printed.endswith(b"\0")
    return [each.decode() for each in printed[:-1].split(b"\0")]


def _require_node() -> None:
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    if not (_NODE / "dotenv").is_dir():
        reason = "npm's dotenv is not installed; `make .venvs/node/.ready` installs it where npm's registry is reached"
        if os.environ.get("CI") == "true" and shutil.which("npm"):
            pytest.fail(reason)
        pytest.skip(reason)


@contextmanager
def _daemon() -> Iterator[tuple[int, list[list[str]]]]:
    """Runs a stub of Docker's daemon that records the variables of requested containers."""
    seen: list[list[str]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Logs nothing."""

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if "/containers/create" in self.path:
                seen.append(json.loads(body).get("Env") or [])
            out = b"OK" if self.path.endswith("_ping") else b'{"message":"seen"}'
            self.send_response(200 if self.path.endswith("_ping") else 500)
            self.send_header("Api-Version", "1.43")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(out)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(out)

        do_GET = do_POST = do_HEAD = _answer  # noqa: N815  # http.server's names

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.server_port, seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
