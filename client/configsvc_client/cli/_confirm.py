"""Asks before something is lost."""

from __future__ import annotations

import sys

import click

from configsvc_client.cli import _common, _exit, _terminal


def confirm(question: str) -> None:
    """Go on only if the person says yes, or has said so by `--yes`.

    Raises:
        click.UsageError: nobody can be asked.
        click.exceptions.Exit: the answer was no; nothing was done.
    """
    if _common.asked("yes"):
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} There is nobody to ask: add --yes.")
    if not _terminal.agree(question):
        _terminal.say("Nothing was done.")
        raise click.exceptions.Exit(_exit.FAILED)
