"""Common to all commands: the options --output, --profile, --debug and --yes, groups of commands, and typed text."""

from __future__ import annotations

import os
from typing import Any

import click

OUTPUTS = ("table", "plain", "json")

_KEPT = "configsvc.{}"


class CommonOption(click.Option):
    """An option of every command. The last one that is given counts."""


def make_options() -> list[CommonOption]:
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


def attach_options(command: click.Command) -> click.Command:
    """The command with those options, and all commands below it too.

    Its texts are UTF-8 then, or refused. So is an option's empty text, unless the option's default is one.
    """
    if not any(isinstance(each, CommonOption) for each in command.params):
        command.params.extend(make_options())
    for param in command.params:
        if param.type is click.STRING:  # UNPROCESSED is left alone: paths, and what is handed on
            filled = isinstance(param, click.Option) and param.default != ""
            param.type = FILLED if filled else TEXT
    if isinstance(command, click.Group):
        for each in command.commands.values():
            attach_options(each)
    return command


def get_given(name: str) -> Any:  # noqa: ANN401  # a text or a flag, as the option is
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


_OTHER_WORDS = {
    "add": "put", "cat": "get", "cp": "copy", "login": "init", "ls": "list", "new": "namespace create",
    "permissions": "whoami", "read": "get", "remove": "delete", "rm": "delete", "run": "exec", "set": "put",
    "setup": "init", "show": "get", "status": "doctor", "store": "put", "undo": "rollback", "unset": "delete",
    "update": "put", "versions": "history", "write": "put",
}  # fmt: skip
"""What other tools call it."""


class Group(click.Group):
    """A group whose error for a command that does not exist names those that are spelt like it."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's.

        Raises:
            click.UsageError: there is no such command; names the ones that may have been meant.
        """
        name = args[0]
        if name[:1] != "-" and self.get_command(ctx, name) is None and not ctx.resilient_parsing:
            from configsvc_client import _wording

            raise click.UsageError(f"No such command '{name}'. {_wording.suggest(self.like(ctx, name))}".strip(), ctx)
        found = super().resolve_command(ctx, args)
        if found[1] is not None:
            from configsvc_client.cli import option_advice

            option_advice.note_command(ctx, found[1])
        return found

    def like(self, ctx: click.Context, name: str) -> list[str]:
        """Commands that may have been meant, with that of a group below written as `namespace create`."""
        from configsvc_client import _wording

        known = self.list_commands(ctx)
        other = _OTHER_WORDS.get(name.lower(), "")
        if other.split(" ")[0] in known:
            return [other]
        found = _wording.find_similar(name, known)
        return found or [
            f"{group} {each}" for group in known for each in _list_below(ctx, self, group) if each == name.lower()
        ][:_wording.MAX_SUGGESTIONS]  # fmt: skip


def _list_below(context: click.Context, group: click.Group, name: str) -> list[str]:
    found = group.get_command(context, name)
    return found.list_commands(context) if isinstance(found, click.Group) else []


class Utf8Text(click.types.StringParamType):
    """A text of the command line: UTF-8 whatever the locale, or refused."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text; click names the option or argument that holds none."""
        found = decode_typed(str(value))
        if found is None:
            self.fail("this is not UTF-8 text.", param, ctx)
        return found


class FilledText(Utf8Text):
    """A text that is not empty: `--to "$UNSET"` must not count as left out."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text; click names the option that holds none."""
        found = super().convert(value, param, ctx)
        if not found:
            self.fail("it is empty, as an unset variable is.", param, ctx)
        return found


class FilledPath(click.Path):
    """A path that is not empty: of `--errors "$UNSET"` click makes the working folder, or nothing."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        """The path; click names the option or argument that holds none."""
        if value == "":
            self.fail("it is empty, as an unset variable is.", param, ctx)
        return super().convert(value, param, ctx)


TEXT, FILLED = Utf8Text(), FilledText()


def encode_typed(text: str) -> bytes:
    """The bytes of a value: UTF-8, and what is no text in the locale exactly as it was typed."""
    found = decode_typed(text)
    return os.fsencode(text) if found is None else found.encode()


def decode_typed(text: str) -> str | None:
    """The text without surrogates; None where its bytes are not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raw = os.fsencode(text)  # raised outside: as a context, the error would hold the text
    else:
        return text
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None
