"""Prints a story on a terminal: chapters, a tick or a cross per step, and how long each took."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_WIDTH = 92


class StepFailed(Exception):
    """A step failed; the message says what was seen instead."""


class Teller:
    """Writes to standard output; on a terminal the step under way is shown while it runs."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()
        self._chapter = 0
        self.finished = False

    def title(self, text: str) -> None:
        """The first line."""
        self._line(text)

    def chapter(self, text: str) -> None:
        """The next chapter, numbered."""
        self._chapter += 1
        self._line(f"\n{self._chapter}  {text}")

    def say(self, text: str) -> None:
        """A line of explanation."""
        for line in text.splitlines():
            self._line(f"     {line}")

    def progress(self, text: str) -> None:
        """Show progress inside a step; only on a terminal, where it is overwritten."""
        if self._live:
            print(f"\r\033[K   · {text[:_WIDTH]}", end="", flush=True)

    @contextmanager
    def step(self, text: str) -> Iterator[list[str]]:
        """Run a step; texts put into the list are printed after it. An error prints a cross and is raised."""
        found: list[str] = []
        began = time.monotonic()
        self.progress(text)
        try:
            yield found
        except BaseException:
            self._line(f"   ✗ {text}")
            raise
        said = f"{text}: {', '.join(found)}" if found else text
        took = time.monotonic() - began
        self._line(f"   ✓ {said:<{_WIDTH}} {took:5.1f} s")

    def _line(self, text: str) -> None:
        print(("\r\033[K" if self._live else "") + text, flush=True)


def expect(held: bool, otherwise: str) -> None:  # noqa: FBT001  # reads as a sentence: expect(it holds, "otherwise")
    """Raise StepFailed unless the condition holds."""
    if not held:
        raise StepFailed(otherwise)
