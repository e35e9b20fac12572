"""Shared by all commands: the options --output, --profile, --debug and --yes, command groups, and typed text."""

from __future__ import annotations

import os
from typing import Any

import click

OUTPUTS = ("table", "plain", "json")

_KEPT = "configsvc.{}"


class CommonOption(click.Option):
    """An option of every command. If it is passed twice, the last one wins."""


def make_options() -> list[CommonOption]:
    """Makes these options for one command."""
    return [
        CommonOption(
            ["-o", "--output"], type=click.Choice(OUTPUTS), expose_value=False, callback=_keep,
            help="Format: table (default on a terminal), plain (default in a pipe; tab-separated, with escapes such as "
            "\\x1b, \\t and \\\\) or json.",
        ),
        CommonOption(
            ["--profile"], metavar="NAME", expose_value=False, callback=_keep,
            help="Use the settings under this name in .configsvc.toml or your own config.toml.",
        ),
        CommonOption(
            ["--debug"], is_flag=True, default=None, expose_value=False, callback=_keep,
            help="Log each request to stderr: method, route, status, time, correlation id. Never logs values.",
        ),
        CommonOption(
            ["-y", "--yes"], is_flag=True, default=None, expose_value=False, callback=_keep,
            help="Skip confirmation prompts.",
        ),
    ]  # fmt: skip


def attach_options(command: click.Command) -> click.Command:
    """Adds these options to a command and to all commands below it.

    Its text arguments must then be UTF-8, and its options must not be empty, unless their default is empty.
    """
    if not any(isinstance(each, CommonOption) for each in command.params):
        command.params.extend(make_options())
    for param in command.params:
        if param.type is click.STRING:  # not UNPROCESSED: paths, and what is passed on to a command
            filled = isinstance(param, click.Option) and param.default != ""
            param.type = FILLED if filled else TEXT
    if isinstance(command, click.Group):
        for each in command.commands.values():
            attach_options(each)
    return command


def get_given(name: str) -> Any:  # noqa: ANN401  # a text or a flag, as the option is
    """Returns the value of one of these options; None if it was not passed."""
    context = click.get_current_context(silent=True)
    return context.meta.get(_KEPT.format(name)) if context else None


def force(name: str, given: object) -> None:
    """Sets one of these options for the rest of the command, because another option implies it."""
    click.get_current_context().meta[_KEPT.format(name)] = given


def _keep(context: click.Context, option: click.Parameter, given: object) -> None:
    if given == "":
        raise click.BadParameter("it is empty, like an unset variable.", context, option)
    if given is not None:
        context.meta[_KEPT.format(option.name)] = given


_OTHER_WORDS = {
    "add": "put", "cat": "get", "cp": "copy", "login": "init", "ls": "list", "new": "namespace create",
    "permissions": "whoami", "read": "get", "remove": "delete", "rm": "delete", "run": "exec", "set": "put",
    "setup": "init", "show": "get", "status": "doctor", "store": "put", "undo": "rollback", "unset": "delete",
    "update": "put", "versions": "history", "write": "put",
}  # fmt: skip
"""The commands by the words of other tools."""


class Group(click.Group):
    """A group that suggests similar names for an unknown command."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolves a command, as click does.

        Raises:
            click.UsageError: the command does not exist; suggests similar ones.
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
        """Suggests commands for an unknown name; one in a group is written like `namespace create`."""
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
    """A text argument: UTF-8 whatever the locale, or refused."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Returns the text. On failure, click names the option or argument."""
        found = decode_typed(str(value))
        if found is None:
            self.fail("not UTF-8 text.", param, ctx)
        return found


class FilledText(Utf8Text):
    """A text that is not empty: `--to "$UNSET"` must not be taken for a missing option."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Returns the text. On failure, click names the option."""
        found = super().convert(value, param, ctx)
        if not found:
            self.fail("it is empty, like an unset variable.", param, ctx)
        return found


class FilledPath(click.Path):
    """A path that is not empty: click takes `--errors "$UNSET"` for the working folder, or for nothing."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        """Returns the path. On failure, click names the option or argument."""
        if value == "":
            self.fail("it is empty, like an unset variable.", param, ctx)
        return super().convert(value, param, ctx)


TEXT, FILLED = Utf8Text(), FilledText()


def encode_typed(text: str) -> bytes:
    """Encodes a typed value as UTF-8; bytes that are not text in the locale stay exactly as typed."""
    found = decode_typed(text)
    return os.fsencode(text) if found is None else found.encode()


def decode_typed(text: str) -> str | None:
    """Decodes a typed text without surrogates; None if its bytes are not UTF-8."""
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
