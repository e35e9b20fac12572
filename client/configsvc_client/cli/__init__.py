"""The command line. It holds no rule of its own: it reads what was typed, calls `configsvc_client.admin` and prints."""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point `configsvc`."""
    from configsvc_client.cli._main import run

    sys.exit(run(sys.argv[1:]))
