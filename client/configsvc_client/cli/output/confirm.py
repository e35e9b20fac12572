"""Asks for confirmation before something is lost."""

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
    """Continues only if the person agrees, or has passed `--yes`.

    Args:
        question: the question to ask.
        exists: reads the subject of the question, so that nobody is asked about something that does not exist. A
            person who may not read it is still asked, and the service decides.
        alone: the error to raise instead if there is nobody to ask.

    Raises:
        NotFound, Gone: the subject does not exist.
        click.UsageError: there is nobody to ask.
        click.exceptions.Exit: the answer was no, and nothing was changed.
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
        raise click.UsageError(alone or f"{question} Cannot ask without a terminal: pass --yes.")
    _check_agreed(question)


def act_and_declassify(act: Callable[[bool], ActResult], *, given: bool) -> ActResult:
    """Runs `act`. Only --declassify or a person can allow plain values to replace sealed ones; --yes cannot.

    Raises:
        click.UsageError: there is nobody to ask.
        click.exceptions.Exit: the answer was no, and nothing was changed.
    """
    try:
        return act(given)
    except Unprocessable as error:
        keys = error.members.get("declassifies")
        if not isinstance(keys, list):
            raise
    confirm_declassify(list(map(str, keys)))
    return act(True)  # noqa: FBT003  # its only argument


def confirm_declassify(keys: Sequence[str]) -> None:
    """Asks whether plain values may replace the sealed ones of these keys.

    Raises:
        click.UsageError, click.exceptions.Exit: see `act_and_declassify`.
    """
    question = f"Plain values would replace sealed ones: {', '.join(keys)}."
    if not terminal.can_ask():
        raise click.UsageError(f"{question} Cannot ask without a terminal: pass --declassify to allow it.")
    _check_agreed(f"{question} Serve them in the clear?")


def _check_agreed(question: str) -> None:
    if not terminal.agree(question):
        terminal.say("Nothing was changed.")
        raise click.exceptions.Exit(_DECLINED)
