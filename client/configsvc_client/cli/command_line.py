"""The command group, and the one place where errors become words and exit codes."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

import click

from configsvc.model.errors import ConfigsvcError
from configsvc_client.cli import commands, common, exit_codes
from configsvc_client.cli.output import stdio, terminal

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Commands(common.Group):
    """A group that imports a command once it is used, so that `--help` and completion start at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # the signature is click's
        """Lists the names."""
        return sorted(find_commands())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's
        """Returns the command of a name."""
        found = find_commands().get(cmd_name)
        return None if found is None else common.attach_options(load_command(found))

    def invoke(self, ctx: click.Context) -> object:
        """Runs the command. Adds to an error which name may have been meant, and where its settings come from.

        Raises:
            ExitMessage: a wrong setting, argument or response, in the words for a person.
        """
        try:
            return super().invoke(ctx)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except (ConfigsvcError, click.UsageError) as error:
            from configsvc_client.cli import usage_errors
            from configsvc_client.cli.settings import sources

            if isinstance(error, ConfigsvcError):
                usage_errors.note_near_names(error, ctx.invoked_subcommand)
            sources.note_origins(error, exit_codes.describe_error(error).lines)
            raise exit_codes.describe_error(error) from None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Completes command names without importing a command, and options."""
        from click.shell_completion import CompletionItem

        if incomplete[:1] == "-":
            return click.Command.shell_complete(self, ctx, incomplete)
        return [
            CompletionItem(name, help=read_summary(found))
            for name, found in sorted(find_commands().items())
            if name.startswith(incomplete)
        ]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's
        """Writes the list of commands in `--help`, without importing a command."""
        found = sorted(find_commands().items())
        with formatter.section("Commands"):
            formatter.write_dl([(name, read_summary(each)) for name, each in found])


@click.group(
    cls=Commands,
    params=list[click.Parameter](common.make_options()),
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=(
        "Settings come from, in this order: options, environment variables (CONFIGSVC_URL, CONFIGSVC_API_KEY, "
        "CONFIGSVC_NAMESPACES, CONFIGSVC_KMS_KEYS, AWS_REGION, AWS_PROFILE), .configsvc.toml in this folder or a "
        "parent, your own config.toml. NO_COLOR is honoured. "
        "Exit codes: 0 success, 1 failure, 2 wrong usage or settings, 3 not found, 4 forbidden, 5 precondition or "
        "conflict, 6 throttled or unavailable, 7 a difference was found (--exit-code), 130 interrupted; exec "
        "exits with the code of its command."
    ),
)
@click.version_option(package_name="configsvc")
def _commands() -> None:
    """Config and secrets for AWS Lambda: sealed on your computer, served to your functions."""


def run(arguments: Sequence[str]) -> int:
    """Runs one command line and returns the exit code. Nothing escapes as a traceback."""
    try:
        stdio.settle()
        result = _commands.main(list(arguments), prog_name="configsvc", standalone_mode=False)
        terminal.flush()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # a traceback could show a value
        return _report_error(error)
    return result if isinstance(result, int) else 0


def _report_error(error: BaseException) -> int:
    """Prints what went wrong and returns the exit code."""
    match error:
        case exit_codes.ExitMessage():
            return _say(error.lines, error.code)
        case click.exceptions.NoArgsIsHelpError():
            error.show()
            return error.exit_code
        case ConfigsvcError() | click.ClickException():
            said = exit_codes.describe_error(error)
            return _say(said.lines, said.code)
        case click.Abort() | KeyboardInterrupt() | OSError(__context__=KeyboardInterrupt()):  # by click: stderr is full
            return _say(["configsvc: interrupted."], exit_codes.INTERRUPTED)
        case _:
            return _say(_describe_surprise(error), exit_codes.FAILED)


def _describe_surprise(error: BaseException) -> list[str]:
    """Describes an error of the system or the installation, or a bug of ours."""
    match error:
        case stdio.Unwritten():
            stdio.give_up_stdout()
            return exit_codes.describe_unwritten(error.reason)
        case BrokenPipeError():  # the reader of a pipe that is written to as FILE
            return []
        case OSError() if stdio.is_stuck():
            stdio.give_up_stdout()
            return exit_codes.describe_unwritten(error.strerror or type(error).__name__)
        case OSError():
            return [exit_codes.describe_os_error(error)]
        case ImportError() if missing := exit_codes.describe_missing_package(error):
            return [missing]
    return [exit_codes.describe_unexpected(error)]


def _say(lines: Sequence[str], code: int) -> int:
    terminal.say(*lines)
    return code


_QUOTES = '"""'


class CommandFile(NamedTuple):
    """A file that defines a command."""

    name: str
    package: str
    module: str


@cache
def find_commands(package: ModuleType = commands) -> dict[str, CommandFile]:
    """Finds the command files of a package, by command name."""
    modules = [each.name for each in pkgutil.iter_modules(package.__path__)]
    names = {module: module.rstrip("_").replace("_", "-") for module in modules}
    return {names[module]: CommandFile(names[module], package.__name__, module) for module in modules}


def read_summary(found: CommandFile) -> str:
    """Reads the first line of a file's docstring. Reading is faster than importing, and works in a zip too."""
    text = pkgutil.get_data(found.package, f"{found.module}.py") or b""
    return text.decode().partition(_QUOTES)[2].partition("\n")[0].removesuffix(_QUOTES)


def load_command(found: CommandFile) -> click.Command:
    """Imports a file's command and names it after the file."""
    command: click.Command = importlib.import_module(f"{found.package}.{found.module}").command
    command.name = found.name
    return command
