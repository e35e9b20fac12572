"""`configsvc exec`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

import click

from configsvc_client.cli import _options, _settings

# Python ignores these, and what is ignored stays so in the command: `yes | head` would not end quietly.
_IGNORED = (signal.SIGPIPE, signal.SIGXFSZ)
_NOT_FOUND = 127
_NOT_STARTED = 126


@click.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@_options.namespaces
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND [ARGUMENT]...")
def command(namespaces: tuple[str, ...], arguments: tuple[str, ...]) -> None:
    """Run COMMAND with the values of the namespaces in its environment: db.url is DB_URL.

    The command takes this process's place, so signals reach it and its exit code is what the shell sees.
    """
    from configsvc_client._variables import variables
    from configsvc_client.admin import Opened

    admin = _settings.admin()
    found: dict[str, Opened] = {}
    for namespace in _options.the_namespaces(namespaces):
        found = {**admin.values(namespace), **found}
    _replaced(arguments, {**os.environ, **variables({key: each.data for key, each in found.items()})})


def _replaced(arguments: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Becomes the command; with a shell's exit codes when it cannot."""
    sys.stdout.flush()
    for ignored in _IGNORED:
        signal.signal(ignored, signal.SIG_DFL)
    try:
        os.execvpe(arguments[0], list(arguments), dict(environment))  # noqa: S606  # running it is what exec is for
    except FileNotFoundError:
        click.echo(f"configsvc: {arguments[0]}: no such command.", err=True)
        sys.exit(_NOT_FOUND)
    except OSError as error:
        click.echo(f"configsvc: {arguments[0]}: {error.strerror}.", err=True)
        sys.exit(_NOT_STARTED)
