"""The command group, and the one place where errors become words and exit codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from configsvc.model.errors import ConfigsvcError
from configsvc_client.cli import _common, _exit, _group, _registry, _streams, _terminal

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Commands(_group.Group):
    """A group that imports a command once it is used, so that `--help` and completion start at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # the signature is click's
        """The names."""
        return sorted(_registry.find_commands())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's
        """The command of a name."""
        found = _registry.find_commands().get(cmd_name)
        return None if found is None else _common.attached(_registry.load_command(found))

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
            from configsvc_client.cli import _near, _origins

            if isinstance(error, ConfigsvcError):
                _near.note(error, ctx.invoked_subcommand)
            _origins.note(error, _exit.said(error).lines)
            raise _exit.said(error) from None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The names that begin so, without importing a command; or options, where those are asked for."""
        from click.shell_completion import CompletionItem

        if incomplete[:1] == "-":
            return click.Command.shell_complete(self, ctx, incomplete)
        return [
            CompletionItem(name, help=_registry.read_summary(found))
            for name, found in sorted(_registry.find_commands().items())
            if name.startswith(incomplete)
        ]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's
        """The list in `--help`, without importing a command."""
        found = sorted(_registry.find_commands().items())
        with formatter.section("Commands"):
            formatter.write_dl([(name, _registry.read_summary(each)) for name, each in found])


@click.group(
    cls=Commands,
    params=list[click.Parameter](_common.options()),
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
        _streams.settle()
        result = _commands.main(list(arguments), prog_name="configsvc", standalone_mode=False)
        _terminal.flush()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # a traceback could show a value
        return _ended(error)
    return result if isinstance(result, int) else 0


def _ended(error: BaseException) -> int:
    """Says what went wrong, and answers the exit code."""
    match error:
        case _exit.Said():
            return _told(error.lines, error.code)
        case click.exceptions.NoArgsIsHelpError():
            error.show()
            return error.exit_code
        case ConfigsvcError() | click.ClickException():
            said = _exit.said(error)
            return _told(said.lines, said.code)
        case click.Abort() | KeyboardInterrupt():
            return _told(["configsvc: interrupted."], _exit.INTERRUPTED)
        case _:
            return _told(_surprised(error), _exit.FAILED)


def _surprised(error: BaseException) -> list[str]:
    """What the system, the installation or a fault of ours ended it with."""
    match error:
        case _streams.Unwritten():
            _streams.give_up_stdout()
            return _exit.unwritten(error.reason)
        case BrokenPipeError():  # the reader of a pipe that is written to as FILE
            return []
        case OSError() if _streams.is_stuck():
            _streams.give_up_stdout()
            return _exit.unwritten(error.strerror or type(error).__name__)
        case OSError():
            return [_exit.of_the_system(error)]
        case ImportError() if missing := _exit.missing(error):
            return [missing]
    return [_exit.unexpected(error)]


def _told(lines: Sequence[str], code: int) -> int:
    _terminal.say(*lines)
    return code
