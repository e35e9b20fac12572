"""The command line. It has no business rules: it parses the arguments, calls `configsvc_client.admin` and prints."""

from __future__ import annotations

import sys

INSTALL = "Install everything it needs: pip install 'configsvc[cli]'"


def main() -> None:
    """Runs the entry point `configsvc`."""
    try:
        from configsvc_client.cli.command_line import run

        code: int | str = run(sys.argv[1:])
    except ImportError as error:  # the base install, for consumers, has no click
        if (error.name or "").startswith("configsvc"):
            raise
        code = f"configsvc: the command line needs {error.name}, which is not installed. {INSTALL}"
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
