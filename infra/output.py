"""Lines on stdout for people. A reader that stopped reading, like `head`, ends no deployment."""

from __future__ import annotations

import os
import sys


def say(text: str = "") -> None:
    """Print a line at once. When nobody reads it any more, it and what follows are dropped."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
