"""Run a command with the values in its environment.

db.url becomes the variable DB_URL. Whoever can write to a namespace chooses these variables, so list those it may set
in your policy: exec = ["DB_*", "SMTP_*"] under [policy."payments.*"] in .configsvc.toml. All others are left out and
named on stderr. PATH, LD_PRELOAD, GIT_SSH_COMMAND, HTTPS_PROXY and many more that run code or change whom a program
trusts are refused unless that list names them in full; a pattern is not enough. This is a second line of defence: no
list of dangerous variables is complete.

A variable that is already set is kept and named on stderr; --override NAME replaces it.

Without --mount and --watch, COMMAND replaces this process; with them, signals are passed on to it. The exit code is
that of COMMAND. --drop-credentials removes CONFIGSVC_API_KEY and every AWS variable that gives credentials, and
disables the files and metadata that AWS SDKs look at; files in your home folder stay readable.

With --watch, a change that cannot be opened or written is reported and tried again at each poll, and COMMAND keeps
running.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import click

from configsvc_client.cli import common, options
from configsvc_client.cli.output import terminal
from configsvc_client.cli.settings import composition

# Python ignores these signals, and the command would inherit that: `yes | head` would not end quietly.
_IGNORED = (signal.SIGPIPE, signal.SIGXFSZ)
_NOT_FOUND = 127
_NOT_STARTED = 126
_SIGNALS = ("HUP", "USR1", "USR2", "TERM")


@click.command(context_settings={"allow_interspersed_args": False}, help=__doc__)
@options.add_namespaces_option
@click.option("--only", multiple=True, metavar="PATTERN", help="Use only these keys, like 'db.*'. Repeatable.")
@click.option("--prefix", help="Use only keys with this prefix. Variables are named after the whole key.")
@click.option(
    "--mount", metavar="FILE", type=common.FilledPath(path_type=Path),
    help="Write the values to a new FILE (mode 0600), not to variables, and remove it at the end. The format follows "
    "the ending: .json, .yaml, .toml, .csv, .sh (named as variables), else dotenv.",
)  # fmt: skip
@click.option(
    "--override",
    multiple=True,
    metavar="NAME",
    help="Let a namespace replace this variable if it is already set. Repeatable.",
)
@click.option("--drop-credentials", is_flag=True, help="Give COMMAND neither the API key nor AWS credentials.")
@click.option("--watch", is_flag=True, help="Restart COMMAND when a value changes.")
@click.option(
    "--signal", "instead", type=click.Choice(_SIGNALS),
    help="With --watch and --mount: send this signal instead of restarting.",
)  # fmt: skip
@click.option(
    "--grace", type=click.FloatRange(0), default=10.0, help="Seconds COMMAND has to end before it is killed (10)."
)
@options.add_every_option
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND [ARGUMENT]...")
def command(
    namespaces: tuple[str, ...], arguments: tuple[str, ...], *, only: tuple[str, ...], prefix: str | None,
    mount: Path | None, override: tuple[str, ...], drop_credentials: bool,
    watch: bool, instead: str | None, grace: float, every: float,
) -> int:  # fmt: skip
    from configsvc_client.cli.run import runner
    from configsvc_client.cli.run.child import (
        ADVICE,
        ADVICE_FOR_FILE,
        Admission,
        Child,
        get_inherited,
        remove_credentials,
    )
    from configsvc_client.cli.run.mount import is_environment
    from configsvc_client.cli.run.supervise import NotStarted

    _check_usage(arguments, instead, may_signal=watch and mount is not None)
    base = get_inherited(os.environ)
    base = remove_credentials(base) if drop_credentials else base
    child = Child(base, arguments, override)
    named = options.choose_namespaces(namespaces)
    # Now, because the polling thread has no settings.
    listed = {each: composition.get_exec_list(each) for each in named}
    becomes_environment = mount is None or is_environment(mount)
    admission = Admission(listed.__getitem__, ADVICE_FOR_FILE if mount else ADVICE)
    admitted = admission.admit if becomes_environment else _list_every_key
    source = runner.ValueSource(composition.open_admin(), named, only, prefix or "", admitted)
    if not watch and mount is None:
        _become_command(arguments, child.build_environment(source.fetch()))
    after = signal.Signals[f"SIG{instead}"] if instead else None
    try:
        return runner.run(source, child, arguments, runner.RunOptions(mount, every if watch else None, grace, after))
    except NotStarted as error:
        return _report_not_started(arguments[0], error.reason)


def _check_usage(arguments: Sequence[str], instead: str | None, *, may_signal: bool) -> None:
    """Checks what click cannot.

    Raises:
        click.UsageError: the command is empty, or a signal is asked for where no file changes.
    """
    if not arguments[0]:
        raise click.UsageError("COMMAND is empty, like an unset variable.")
    if instead and not may_signal:
        raise click.UsageError(
            "--signal needs --watch and --mount: the environment of a running command cannot change."
        )


def _list_every_key(_namespace: str, keys: Sequence[str]) -> Sequence[str]:
    return keys


def _become_command(arguments: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Replaces this process by the command; exits with a shell's codes if that fails."""
    terminal.flush()
    for ignored in _IGNORED:
        signal.signal(ignored, signal.SIG_DFL)
    try:
        os.execvpe(arguments[0], list(arguments), dict(environment))  # noqa: S606  # running it is what exec is for
    except OSError as error:
        sys.exit(_report_not_started(arguments[0], error))


def _report_not_started(command: str, error: OSError) -> int:
    """Reports why, and returns the exit code of a shell."""
    missing = isinstance(error, FileNotFoundError)
    terminal.say(f"configsvc: {command}: {'command not found' if missing else error.strerror}.")
    return _NOT_FOUND if missing else _NOT_STARTED
