"""Runs `configsvc` as a person does: in a new process, in a pipe or on a terminal."""

from __future__ import annotations

import io
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

COMMAND = (sys.executable, "-m", "configsvc_client.cli")
_SECONDS = 60.0

# The new process must own the terminal before it asks for a secret there.
_OWN_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


class Done(NamedTuple):
    code: int
    out: str
    err: str


class Shell:
    """One person's shell."""

    def __init__(self, environ: Mapping[str, str], folder: Path | None = None) -> None:
        self.folder = folder
        self.environ = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": "/nonexistent", **environ}

    def but(self, **changed: str) -> Shell:
        """Returns a shell with some variables changed; an empty one is removed."""
        merged = {**self.environ, **changed}
        return Shell({name: value for name, value in merged.items() if value}, self.folder)

    def run(self, *arguments: str | Path, given: bytes | str = b"") -> Done:
        """Runs the command in a pipe, with something on stdin."""
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            env=self.environ,
            cwd=self.folder,
            input=_bytes(given),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def here(self, *arguments: str, given: bytes | str = b"") -> Done:
        """Like `run`, but in this process, ten times as fast. Not for `exec`, which would replace it."""
        from configsvc_client.cli.command_line import run

        assert arguments[0] != "exec"
        held, streams = dict(os.environ), (sys.stdin, sys.stdout, sys.stderr)
        came = [io.TextIOWrapper(io.BytesIO(each)) for each in (_bytes(given), b"", b"")]
        os.environ.clear()
        os.environ.update(self.environ)
        sys.stdin, sys.stdout, sys.stderr = came
        try:
            code = run(arguments)
        finally:
            sys.stdin, sys.stdout, sys.stderr = streams
            os.environ.clear()
            os.environ.update(held)
        for each in came[1:]:
            each.flush()
        out, err = (each.buffer.getvalue().decode() for each in came[1:])
        return Done(code, out, err)

    def ok(self, *arguments: str | Path, given: bytes | str = b"") -> str:
        """Runs a command that must succeed, and returns its standard output."""
        done = self.run(*arguments, given=given)
        assert done.code == 0, done
        return done.out

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Starts the command; the caller must end it."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [*COMMAND, *arguments], env=self.environ, cwd=self.folder,
            stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True,
        )  # fmt: skip

    def on_terminal(self, *arguments: str, typed: Mapping[str, str] | None = None, width: int | None = None) -> Done:
        """Runs the command on a new terminal, where stdout and stderr are one, and types the answer after each prompt.

        `width` sets the width of the terminal, instead of a COLUMNS of 120.
        """
        ours, theirs = pty.openpty()
        sized: dict[str, str] = {"COLUMNS": "120"}
        if width is not None:
            sized = {}
            termios.tcsetwinsize(theirs, (24 if width else 0, width))
        process: subprocess.Popen[bytes] | None = None
        try:
            process = subprocess.Popen(
                [sys.executable, "-c", _OWN_TERMINAL, *COMMAND, *arguments],
                env={**self.environ, "TERM": "xterm", **sized},
                cwd=self.folder, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            )  # fmt: skip
            os.close(theirs)
            seen = _talk(ours, list((typed or {}).items()))
            return Done(process.wait(_SECONDS), seen, "")
        finally:
            os.close(ours)
            if process and process.poll() is None:
                process.kill()
                process.wait(_SECONDS)


def _bytes(given: bytes | str) -> bytes:
    return given.encode() if isinstance(given, str) else given


def _talk(terminal: int, typed: list[tuple[str, str]]) -> str:
    """Types the answers, and returns everything shown until the other side closed."""
    seen, answered, deadline = b"", 0, time.monotonic() + _SECONDS
    while select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))[0]:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # Linux's way to say that the other side has closed
            return seen.decode()
        if not data:
            return seen.decode()
        seen += data
        if typed and typed[0][0].encode() in seen[answered:]:
            answered = len(seen)
            os.write(terminal, typed.pop(0)[1].encode() + b"\n")
    raise TimeoutError(seen.decode())
