"""What every command takes, before its name or after it: --output, --profile, --debug, --yes."""

from __future__ import annotations

from typing import Any

import click

from configsvc_client.cli import _typed

OUTPUTS = ("table", "plain", "json")

_KEPT = "configsvc.{}"


class CommonOption(click.Option):
    """An option of every command. The last one that is given counts."""


def options() -> list[CommonOption]:
    """Those options, for one command."""
    return [
        CommonOption(
            ["-o", "--output"], type=click.Choice(OUTPUTS), expose_value=False, callback=_keep,
            help="table, plain (tab-separated; control characters and \\ as in \\x1b, \\t, \\\\) or json; table on a "
            "terminal and plain in a pipe where left out.",
        ),
        CommonOption(
            ["--profile"], metavar="NAME", expose_value=False, callback=_keep,
            help="Settings under that name in .configsvc.toml or your own config.toml.",
        ),
        CommonOption(
            ["--debug"], is_flag=True, default=None, expose_value=False, callback=_keep,
            help="Log each request to stderr: method, route, status, time, correlation id. Never a value.",
        ),
        CommonOption(
            ["-y", "--yes"], is_flag=True, default=None, expose_value=False, callback=_keep,
            help="Skip confirmation prompts.",
        ),
    ]  # fmt: skip


def attached(command: click.Command) -> click.Command:
    """The command with those options, and all commands below it too.

    Its texts are UTF-8 then, or refused. So is an option's empty text, unless the option's default is one.
    """
    if not any(isinstance(each, CommonOption) for each in command.params):
        command.params.extend(options())
    for param in command.params:
        if param.type is click.STRING:  # UNPROCESSED is left alone: paths, and what is handed on
            filled = isinstance(param, click.Option) and param.default != ""
            param.type = _typed.FILLED if filled else _typed.TEXT
    if isinstance(command, click.Group):
        for each in command.commands.values():
            attached(each)
    return command


def asked(name: str) -> Any:  # noqa: ANN401  # a text or a flag, as the option is
    """What was given for one of them; None where it was not."""
    context = click.get_current_context(silent=True)
    return context.meta.get(_KEPT.format(name)) if context else None


def force(name: str, given: object) -> None:
    """Set one of them for the rest of the command: an option of its own said so."""
    click.get_current_context().meta[_KEPT.format(name)] = given


def _keep(context: click.Context, option: click.Parameter, given: object) -> None:
    if given == "":
        raise click.BadParameter("it is empty, as an unset variable is.", context, option)
    if given is not None:
        context.meta[_KEPT.format(option.name)] = given
