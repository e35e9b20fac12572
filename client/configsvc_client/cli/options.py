"""Options of several commands, and the namespaces they choose: `-n`, then CONFIGSVC_NAMESPACES."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import click

from configsvc.model import names
from configsvc.model.errors import InvalidName, Misconfigured
from configsvc.model.names import Namespace
from configsvc_client._setting_parsers import split_list
from configsvc_client.cli import option_advice
from configsvc_client.cli.output.words import join
from configsvc_client.cli.settings import composition

OptionDecorated = TypeVar("OptionDecorated", bound=Callable[..., object])

_HELP = "Namespace, like payments.prod. Default: CONFIGSVC_NAMESPACES."


def add_namespace_option(command: OptionDecorated) -> OptionDecorated:
    """Adds the option of a command that works on one namespace."""
    return click.option(
        "-n", "--namespace", metavar="NAMESPACE", multiple=True, callback=check_once, help=_HELP,
    )(command)  # fmt: skip


def check_once(context: click.Context, option: click.Parameter, given: Sequence[str]) -> str | None:
    """Returns the only namespace of an option. `-n` is repeatable for reads, so here the last one must not win.

    Raises:
        click.BadParameter: several namespaces were passed.
    """
    found = list(dict.fromkeys(given))
    if len(found) > 1:
        raise click.BadParameter(f"takes one namespace, not {join(found)}.", context, option)
    return found[0] if found else None


def add_namespaces_option(command: OptionDecorated) -> OptionDecorated:
    """Adds the option of a command that takes several namespaces; the first that holds a key wins."""
    text = f"{_HELP} Repeatable: the first that holds a key wins."
    return click.option("-n", "--namespace", "namespaces", multiple=True, metavar="NAMESPACE", help=text)(command)


def add_message_option(command: OptionDecorated) -> OptionDecorated:
    """Adds the option for the reason in the change log."""
    return click.option(
        "-m", "--message", default="", callback=_fold_message,
        help="Reason, for the change log. Line breaks become spaces. Never include a value.",
    )(command)  # fmt: skip


def add_long_option(command: OptionDecorated) -> OptionDecorated:
    """Adds the option for exact times and whole principals on a terminal."""
    return click.option(
        "--long", "longer", is_flag=True, help="Show exact times and whole principals on a terminal too, as in a pipe."
    )(command)


def _fold_message(_context: click.Context, _option: click.Parameter, given: str) -> str:
    """Folds a message into one line, for the change log."""
    return " ".join(part.strip() for part in given.splitlines() if part.strip())


def add_every_option(command: OptionDecorated) -> OptionDecorated:
    """Adds the option for the seconds between polls."""
    return click.option(
        "--every", type=click.FloatRange(0.05, 86400), default=60.0, envvar="CONFIGSVC_POLL_SECONDS",
        help="Seconds between polls. Default: CONFIGSVC_POLL_SECONDS, or 60.",
    )(command)  # fmt: skip


def choose_namespace(given: str | None) -> Namespace:
    """Returns the one namespace to work on; never guesses among several.

    Raises:
        click.UsageError: none, or several in CONFIGSVC_NAMESPACES.
        InvalidName, Misconfigured: see `choose_namespaces`.
    """
    found = drop_repeats(choose_namespaces([given] if given is not None else []))
    if len(found) > 1:
        raise click.UsageError(
            f"CONFIGSVC_NAMESPACES names {join(found)}, and this command works on one namespace. Choose one: "
            "-n NAMESPACE."
        )
    return found[0]


def drop_repeats(found: Sequence[Namespace]) -> list[Namespace]:
    """Returns the namespaces in order, each once."""
    return list(dict.fromkeys(found))


def choose_either(argument: str | None, option: str | None) -> str | None:
    """Returns the namespace from the argument or from -n. An empty argument is not skipped, so it is refused later."""
    return option if argument is None else argument


def choose_target(given: str | None) -> Namespace:
    """Returns the one namespace to write to. An untrusted project file does not choose it.

    Raises:
        click.UsageError, InvalidName: see `choose_namespace`.
    """
    check_trusted([given] if given is not None else [])
    return choose_namespace(given)


def check_trusted(given: Sequence[str]) -> None:
    """Refuses namespaces that only an untrusted project file names.

    Raises:
        click.UsageError: the project file is not trusted; says what to do.
    """
    found = composition.resolve()
    if not given and "CONFIGSVC_NAMESPACES" in found.untrusted:
        raise click.UsageError(
            f"{found.project} names the namespace, and you have not trusted it. Pass -n NAMESPACE, or review the file "
            "with: configsvc trust"
        )


def choose_namespaces(given: Sequence[str], *, none: bool = False) -> list[Namespace]:
    """Returns the namespaces to work on, in order; with `none`, there may be none.

    Raises:
        click.UsageError: no namespace was passed or set.
        InvalidName: a passed name is not a valid namespace.
        Misconfigured: a name in CONFIGSVC_NAMESPACES is not.
    """
    option_advice.remember(given, typed=bool(given))
    if given:
        return [parse_namespace("-n", each) for each in given]
    found = [parse_setting(each) for each in split_list(composition.resolve().get("CONFIGSVC_NAMESPACES"))]
    if not found and not none:
        raise click.UsageError("Which namespace? Pass -n NAMESPACE, or set CONFIGSVC_NAMESPACES.")
    option_advice.remember(found)
    return found


def parse_namespace(option: str, text: str) -> Namespace:
    """Parses the namespace of an option.

    Raises:
        InvalidName: it is not a valid namespace; names the option.
    """
    composition.note_typed(text)
    try:
        return names.parse_namespace(text)
    except InvalidName as error:
        raise InvalidName(f"{option}: {error.detail}", **error.members) from None


def parse_setting(text: str) -> Namespace:
    """Parses a namespace of CONFIGSVC_NAMESPACES.

    Raises:
        Misconfigured: it is not a valid namespace.
    """
    try:
        return names.parse_namespace(text)
    except InvalidName as error:
        raise Misconfigured(f"CONFIGSVC_NAMESPACES holds {text!r}. {error.detail}") from None
