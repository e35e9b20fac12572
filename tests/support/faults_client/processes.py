"""Consumers in processes of their own, spoken to line by line."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping


class Process:
    """A Python program; `say` writes a line to it and gives its next one."""

    def __init__(self, program: str, environ: Mapping[str, str], *arguments: str) -> None:
        path = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
        self.ended = subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**path, **environ},
        )

    def say(self, line: str = "") -> str:
        assert self.ended.stdin
        self.ended.stdin.write(line + "\n")
        self.ended.stdin.flush()
        return self.hear()

    def hear(self) -> str:
        assert self.ended.stdout
        return self.ended.stdout.readline().strip()


@contextlib.contextmanager
def process(program: str, environ: Mapping[str, str], *arguments: str) -> Iterator[Process]:
    """Runs until the block ends, then is killed by its own id."""
    running = Process(program, environ, *arguments)
    try:
        yield running
    finally:
        running.ended.kill()
        running.ended.communicate(timeout=30)
