"""Asks before something is lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import click

from configsvc.model.errors import ConfigsvcError, Conflict, Gone, NotFound, Unprocessable
from configsvc_client.cli import common
from configsvc_client.cli.output import terminal

ActResult = TypeVar("ActResult")

_DECLINED = 1
"""The exit code of a command that was not confirmed, as of any that failed."""


def confirm(question: str, exists: Callable[[], object] = lambda: None, *, alone: str = "") -> None:
    """Go on only if the person says yes, or has said so by `--yes`.

    Args:
        question: what is asked.
        exists: reads what the question is about, so that nobody is asked about what does not exist. Who may not read it
            is asked all the same: the service decides.
        alone: what to say instead where nobody can be asked.

    Raises:
        NotFound, Gone: it does not exist.
        click.UsageError: nobody can be asked.
        click.exceptions.Exit: the answer was no; nothing was done.
    """
    if common.get_given("yes"):
        return
    try:
        exists()
    except (NotFound, Gone, Conflict) as error:
        if error.members.keys() & {"key", "kid"}:
            raise
    except ConfigsvcError:
        pass
    if not terminal.can_ask():
        raise click.UsageError(alone or f"{question} There is nobody to ask: add --yes.")
    _check_agreed(question)


def act_and_declassify(act: Callable[[bool], ActResult], *, given: bool) -> ActResult:
    """What `act` gives. Whether plain values may replace sealed ones, --declassify says, or a person; --yes does not.

    Raises:
        click.UsageError: nobody can be asked.
        click.exceptions.Exit: the answer was no; nothing was done.
    """
    try:
        return act(given)
    except Unprocessable as error:
        keys = error.members.get("declassifies")
        if not isinstance(keys, list):
            raise
    confirm_declassify(list(map(str, keys)))
    return act(True)  # noqa: FBT003  # the one argument that it takes


def confirm_declassify(keys: Sequence[str]) -> None:
    """Ask whether plain values may replace the sealed ones of these keys.

    Raises:
        click.UsageError, click.exceptions.Exit: as `declassified`.
    """
    question = f"Plain values would replace sealed ones: {', '.join(keys)}."
    if not terminal.can_ask():
        raise click.UsageError(f"{question} There is nobody to ask: add --declassify if you want that.")
    _check_agreed(f"{question} Serve them in the clear?")


def _check_agreed(question: str) -> None:
    if not terminal.agree(question):
        terminal.say("Nothing was done.")
        raise click.exceptions.Exit(_DECLINED)
