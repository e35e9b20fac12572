"""docs/CLI.md, written out of the commands and of nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

from configsvc_client.cli import exit_codes
from configsvc_client.cli.command_line import _commands
from configsvc_client.cli.common import CommonOption
from local.paths import ROOT

PAGE = ROOT / "docs" / "CLI.md"

_SHORT = 200
_INDENTED = re.compile(r"^ {2,}", re.MULTILINE)


class Found(NamedTuple):
    """A command by its whole name, with the context that it is described in."""

    name: str
    command: click.Command
    context: click.Context


def files() -> dict[Path, str]:
    """The text of each file that is made of the commands."""
    return {PAGE: page()}


def commands() -> list[Found]:
    """Every command, in the order of `--help`; those below a group follow it."""
    root = click.Context(_commands, info_name="configsvc", terminal_width=10_000, max_content_width=10_000)
    return list(_below(_commands, root, ""))


def page() -> str:
    """The page in Markdown."""
    found = commands()
    root = click.Context(_commands, info_name="configsvc")
    lines = ["# Command line", "", "Generated from the commands by `make cli-docs`. Do not edit.", ""]
    lines += [_prose(_commands.help or ""), "", _prose(_commands.epilog or ""), "", "## Exit codes", ""]
    lines += [*_codes(), "", "## Options of every command", ""]
    lines += _options(root, _commands, common=True)
    lines += ["", "## Commands", "", "| | |", "|---|---|"]
    lines += [f"| [`{each.name}`](#{_anchor(each.name)}) | {_cell(_short(each.command))} |" for each in found]
    for each in found:
        lines += _section(each)
    return "\n".join(lines) + "\n"


def _codes() -> Iterator[str]:
    """A line a code, as the module that gives them out says."""
    yield from ("| code | |", "|---|---|")
    for each in " ".join((exit_codes.__doc__ or "").partition("\n\n")[2].split()).split(" · "):
        said, _, more = each.partition("; ")
        code, _, meaning = said.partition(" ")
        yield f"| {code} | {_cell(meaning)} |"
        if more:
            yield f"| | {_cell(more)} |"


def _short(command: click.Command) -> str:
    return command.get_short_help_str(_SHORT)


def _below(group: click.Group, context: click.Context, prefix: str) -> Iterator[Found]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        whole = f"{prefix}{name}"
        below = click.Context(command, info_name=name, parent=context)
        yield Found(whole, command, below)
        if isinstance(command, click.Group):
            yield from _below(command, below, f"{whole} ")


def _section(found: Found) -> Iterator[str]:
    yield from ("", f"### {found.name}", "", "```", _usage(found), "```", "", _prose(found.command.help or ""))
    rows = _options(found.context, found.command, common=False)
    if rows:
        yield from ("", *rows)


def _usage(found: Found) -> str:
    pieces = " ".join(found.command.collect_usage_pieces(found.context))
    return f"configsvc {found.name} {pieces}".rstrip()


def _options(context: click.Context, command: click.Command, *, common: bool) -> list[str]:
    records = [
        record
        for parameter in command.params
        if isinstance(parameter, CommonOption) == common and isinstance(parameter, click.Option)
        for record in [parameter.get_help_record(context)]
        if record
    ]
    if not records:
        return []
    return ["| option | |", "|---|---|", *(f"| `{_cell(names)}` | {_cell(text)} |" for names, text in records)]


def _prose(text: str) -> str:
    """Return the help for reading: paragraphs joined, and preformatted text in separate blocks."""
    return "\n\n".join(_paragraph(each) for each in text.strip().split("\n\n"))


def _paragraph(text: str) -> str:
    if "\b" in text:
        kept = _INDENTED.sub("", text.replace("\b\n", "").replace("\b", "").strip("\n"))
        return f"```\n{kept}\n```"
    return _escape(" ".join(text.split()))


def _cell(text: str) -> str:
    return _escape(" ".join(text.split())).replace("|", "\\|")


def _escape(text: str) -> str:
    """Words that Markdown would take for something else: HTML's angle brackets and emphasis, outside of code."""
    parts = text.split("`")
    for number in range(0, len(parts), 2):
        parts[number] = parts[number].replace("<", "&lt;").replace("*", "\\*")
    return "`".join(parts)


def _anchor(name: str) -> str:
    return name.replace(" ", "-")
