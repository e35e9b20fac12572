"""What several commands take: `-n/--namespace`, then CONFIGSVC_NAMESPACES. The argument is the key or file."""

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

_HELP = "Namespace, like payments.prod; CONFIGSVC_NAMESPACES where left out."


def one_namespace(command: OptionDecorated) -> OptionDecorated:
    """The option for a command that works on one namespace."""
    return click.option(
        "-n", "--namespace", metavar="NAMESPACE", multiple=True, callback=check_once, help=_HELP,
    )(command)  # fmt: skip


def check_once(context: click.Context, option: click.Parameter, given: Sequence[str]) -> str | None:
    """The one namespace of an option. `-n` is repeatable for commands that read, so the last one must not win here.

    Raises:
        click.BadParameter: several were passed.
    """
    found = list(dict.fromkeys(given))
    if len(found) > 1:
        raise click.BadParameter(f"it takes one namespace, not {join(found)}.", context, option)
    return found[0] if found else None


def namespaces(command: OptionDecorated) -> OptionDecorated:
    """The option for a command that takes several; the first one that holds a key wins."""
    text = f"{_HELP} Repeatable: the first that holds a key wins."
    return click.option("-n", "--namespace", "namespaces", multiple=True, metavar="NAMESPACE", help=text)(command)


def message(command: OptionDecorated) -> OptionDecorated:
    """The option for the change log's why."""
    return click.option(
        "-m", "--message", default="", callback=_fold_message,
        help="Why, for the change log; line breaks become spaces. Never a value.",
    )(command)  # fmt: skip


def long(command: OptionDecorated) -> OptionDecorated:
    """The option for exact times and whole principals on a terminal."""
    return click.option(
        "--long", "longer", is_flag=True, help="Exact times and whole principals, as in a pipe, on a terminal too."
    )(command)


def _fold_message(_context: click.Context, _option: click.Parameter, given: str) -> str:
    """The message in one line, as `git log --oneline` and the change log have it."""
    return " ".join(part.strip() for part in given.splitlines() if part.strip())


def every(command: OptionDecorated) -> OptionDecorated:
    """The option for how often to look."""
    return click.option(
        "--every", type=click.FloatRange(0.05, 86400), default=60.0, envvar="CONFIGSVC_POLL_SECONDS",
        help="Seconds between looks (60); CONFIGSVC_POLL_SECONDS where left out.",
    )(command)  # fmt: skip


def choose_namespace(given: str | None) -> Namespace:
    """The one namespace that was meant; it is never guessed among several.

    Raises:
        click.UsageError: none, or several in CONFIGSVC_NAMESPACES.
        InvalidName, Misconfigured: as `the_namespaces`.
    """
    found = drop_repeats(choose_namespaces([given] if given is not None else []))
    if len(found) > 1:
        raise click.UsageError(
            f"CONFIGSVC_NAMESPACES names {join(found)}, and this command works on one namespace. Choose it: "
            "-n NAMESPACE."
        )
    return found[0]


def drop_repeats(found: Sequence[Namespace]) -> list[Namespace]:
    """The namespaces in their order, each once."""
    return list(dict.fromkeys(found))


def choose_either(argument: str | None, option: str | None) -> str | None:
    """The namespace as an argument or as -n. An empty one, as an unset variable is, is not left out: it is refused."""
    return option if argument is None else argument


def choose_target(given: str | None) -> Namespace:
    """The one namespace to write to. A project file that is not trusted does not choose it.

    Raises:
        click.UsageError, InvalidName: as `the_namespace`.
    """
    check_trusted([given] if given is not None else [])
    return choose_namespace(given)


def check_trusted(given: Sequence[str]) -> None:
    """Refuse namespaces that were not given and that a project file names without being trusted.

    Raises:
        click.UsageError: says what to do.
    """
    found = composition.resolve()
    if not given and "CONFIGSVC_NAMESPACES" in found.untrusted:
        raise click.UsageError(
            f"{found.project} names the namespace, and you have not trusted it. Pass -n NAMESPACE, or look at the file "
            "with: configsvc trust"
        )


def choose_namespaces(given: Sequence[str], *, none: bool = False) -> list[Namespace]:
    """The namespaces that were meant, in order; `none` says that there may be none.

    Raises:
        click.UsageError: none.
        InvalidName: one that was given is not spelt as namespaces are.
        Misconfigured: one of CONFIGSVC_NAMESPACES is not.
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
    """The namespace that an option names.

    Raises:
        InvalidName: it is not spelt as namespaces are; names the option.
    """
    composition.note_typed(text)
    try:
        return names.parse_namespace(text)
    except InvalidName as error:
        raise InvalidName(f"{option}: {error.detail}", **error.members) from None


def parse_setting(text: str) -> Namespace:
    """A namespace in CONFIGSVC_NAMESPACES.

    Raises:
        Misconfigured: it is not spelt as namespaces are.
    """
    try:
        return names.parse_namespace(text)
    except InvalidName as error:
        raise Misconfigured(f"CONFIGSVC_NAMESPACES holds {text!r}. {error.detail}") from None
