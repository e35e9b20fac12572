"""Lines on stdout for people. A reader that stopped reading, like `head`, ends no deployment."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def say(text: str = "") -> None:
    """Print a line at once. When nobody reads it any more, it and what follows are dropped."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        _drop()


def ask(question: str) -> str | None:
    """Ask on the terminal, and return the answer; None if nobody can read the question.

    Raises:
        EOFError: the terminal was closed.
    """
    if _is_dropped():
        return None
    try:
        return input(question)
    except BrokenPipeError:
        _drop()
        return None


def _drop() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _is_dropped() -> bool:
    return os.path.samestat(os.fstat(sys.stdout.fileno()), Path(os.devnull).stat())
