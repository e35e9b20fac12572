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
        """The names."""
        return sorted(find_commands())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's
        """The command of a name."""
        found = find_commands().get(cmd_name)
        return None if found is None else common.attach_options(load_command(found))

    def invoke(self, ctx: click.Context) -> object:
        """Run the command. An error leaves in its words: what may have been meant, and where its settings come from.

        Raises:
            Said: a wrong setting, argument or answer, as a person is to read it.
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
        """The names that begin so, without importing a command; or options, where those are asked for."""
        from click.shell_completion import CompletionItem

        if incomplete[:1] == "-":
            return click.Command.shell_complete(self, ctx, incomplete)
        return [
            CompletionItem(name, help=read_summary(found))
            for name, found in sorted(find_commands().items())
            if name.startswith(incomplete)
        ]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's
        """The list in `--help`, without importing a command."""
        found = sorted(find_commands().items())
        with formatter.section("Commands"):
            formatter.write_dl([(name, read_summary(each)) for name, each in found])


@click.group(
    cls=Commands,
    params=list[click.Parameter](common.make_options()),
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=(
        "Settings, the first that says something counts: options, variables (CONFIGSVC_URL, CONFIGSVC_API_KEY, "
        "CONFIGSVC_NAMESPACES where -n is left out, CONFIGSVC_KMS_KEYS, AWS_REGION, AWS_PROFILE), .configsvc.toml here "
        "or above, your own config.toml. NO_COLOR is honoured. "
        "Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 forbidden, 5 precondition or conflict, "
        "6 throttled or unavailable, 7 a difference was found (--exit-code), 130 interrupted; exec ends as its command "
        "does."
    ),
)
@click.version_option(package_name="configsvc")
def _commands() -> None:
    """Config and secrets for AWS Lambda: sealed on your computer, served to your functions."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line; answers the exit code. Nothing escapes as a traceback."""
    try:
        stdio.settle()
        result = _commands.main(list(arguments), prog_name="configsvc", standalone_mode=False)
        terminal.flush()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # a traceback could show a value
        return _report_error(error)
    return result if isinstance(result, int) else 0


def _report_error(error: BaseException) -> int:
    """Says what went wrong, and answers the exit code."""
    match error:
        case exit_codes.ExitMessage():
            return _say(error.lines, error.code)
        case click.exceptions.NoArgsIsHelpError():
            error.show()
            return error.exit_code
        case ConfigsvcError() | click.ClickException():
            said = exit_codes.describe_error(error)
            return _say(said.lines, said.code)
        case click.Abort() | KeyboardInterrupt():
            return _say(["configsvc: interrupted."], exit_codes.INTERRUPTED)
        case _:
            return _say(_describe_surprise(error), exit_codes.FAILED)


def _describe_surprise(error: BaseException) -> list[str]:
    """What the system, the installation or a fault of ours ended it with."""
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
    """A file that holds a command."""

    name: str
    package: str
    module: str


@cache
def find_commands(package: ModuleType = commands) -> dict[str, CommandFile]:
    """The command files of a package by their commands' names."""
    modules = [each.name for each in pkgutil.iter_modules(package.__path__)]
    names = {module: module.rstrip("_").replace("_", "-") for module in modules}
    return {names[module]: CommandFile(names[module], package.__name__, module) for module in modules}


def read_summary(found: CommandFile) -> str:
    """The first line of a file's docstring. Reading the text is faster than importing it, and works in a zip too."""
    text = pkgutil.get_data(found.package, f"{found.module}.py") or b""
    return text.decode().partition(_QUOTES)[2].partition("\n")[0].removesuffix(_QUOTES)


def load_command(found: CommandFile) -> click.Command:
    """Import a file's command, and name it as the file is named."""
    command: click.Command = importlib.import_module(f"{found.package}.{found.module}").command
    command.name = found.name
    return command
