"""How a value is protected: by the options --seal, --plain and --kms, else the policy, else a person's choice."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import click

from configsvc.model import names
from configsvc.model.errors import ConfigsvcError, Misconfigured
from configsvc.model.snapshot import Form
from configsvc_client import _wording
from configsvc_client.cli import exit_codes
from configsvc_client.cli.output import terminal
from configsvc_client.cli.settings import composition

if TYPE_CHECKING:
    from configsvc_client.admin import Draft


FormDecorated = TypeVar("FormDecorated", bound=Callable[..., object])

_OPTIONS = ("--seal", "--plain", "--kms")
_FORMS: tuple[Form, ...] = ("envelope", "plain", "kms")


class FormPatterns(NamedTuple):
    """Patterns of keys for each form. Where several name a key, --seal counts before --kms, and that before --plain."""

    seal: Sequence[str] = ()
    plain: Sequence[str] = ()
    kms: Sequence[str] = ()

    def form(self, key: str) -> Form | None:
        """The form that an option names for a key."""
        for form, patterns in (("envelope", self.seal), ("kms", self.kms), ("plain", self.plain)):
            if any(names.matches(key, pattern) for pattern in patterns):
                return form  # type: ignore[return-value]  # the three are forms
        return None


def check_named(
    keys: Collection[str],
    wanted: FormPatterns,
    json: Sequence[str] = (),
    *,
    served: Callable[[], Collection[str]] = tuple,
) -> None:
    """Refuse a pattern that names no key, before anything is stored.

    A mistyped --seal would leave a secret to whatever the policy says, and a mistyped --plain or --json a setting to
    readers who do not expect it.

    Args:
        keys: that would be stored.
        wanted: the patterns of --seal, --plain and --kms.
        json: the patterns of --json.
        served: gives more keys that a pattern may name, asked for only if one names none of `keys`: a script passes
            the same patterns whichever keys its file has today.

    Raises:
        Problems: names each such pattern with its option, and keys that are spelt like it.
    """
    given = (*zip(_OPTIONS, (wanted.seal, wanted.plain, wanted.kms), strict=True), ("--json", json))
    pairs = [(option, pattern) for option, patterns in given for pattern in dict.fromkeys(patterns)]
    unnamed = [pair for pair in pairs if not _names_one(pair[1], keys)]
    also = served() if unnamed else ()
    problems = [
        ". ".join(
            filter(
                None, (f"{option} {pattern}", _wording.suggest(_wording.find_similar(pattern.removesuffix("*"), keys)))
            )
        )
        for option, pattern in unnamed
        if not _names_one(pattern, also)
    ]
    if problems:
        raise exit_codes.Problems("Nothing was stored. These patterns name no key that would be stored:", problems)


def _names_one(pattern: str, keys: Collection[str]) -> bool:
    return any(names.matches(key, pattern) for key in keys)


def add_flags(command: FormDecorated) -> FormDecorated:
    """The options as flags."""
    for name, text in zip(
        _OPTIONS,
        (
            "Seal it, whatever the policy says.",
            "It is no secret: store it in the clear.",
            "Seal it with kms:Encrypt itself (at most 4,096 bytes; one KMS call per reader).",
        ),
        strict=True,
    ):
        command = click.option(name, is_flag=True, help=text)(command)
    return command


def add_patterns(command: FormDecorated) -> FormDecorated:
    """The options with patterns of keys."""
    for name, text in zip(
        _OPTIONS,
        (
            "Seal these keys, whatever the policy says, like 'db.*'. Repeatable.",
            "Store these keys in the clear: they are no secrets, like 'feature.*'. Repeatable.",
            "Seal these keys with kms:Encrypt itself. Repeatable.",
        ),
        strict=True,
    ):
        command = click.option(name, multiple=True, metavar="PATTERN", help=text)(command)
    return command


def get_form(*flags: bool) -> Form | None:
    """The form that --seal, --plain and --kms ask for, in this order; None without any.

    Raises:
        click.UsageError: more than one.
    """
    chosen = [form for form, flag in zip(_FORMS, flags, strict=True) if flag]
    if len(chosen) > 1:
        raise click.UsageError("--seal, --plain and --kms exclude each other.")
    return chosen[0] if chosen else None


_CHOICES: dict[str, Form | None] = {"seal": "envelope", "plain": "plain", "quit": None}
_FORM_OPTIONS = "Pass --seal if it is a secret, or --plain if it is none and stays in the clear."
_SAYS = "It is served in the clear, and neither an option nor your policy says how to store it."


def choose_form(namespace: str, key: str) -> Form | None:
    """What a person chooses for a key on a terminal; None to store it not at all."""
    if not terminal.can_ask():
        return None
    terminal.say(f"{namespace} {key} is served in the clear. Your policy does not say how to store that.")
    return _CHOICES[terminal.choose("Seal it, or is it no secret and stays plain?", list(_CHOICES))]


def decide_form(namespace: str, key: str) -> Form:
    """The form for one such key.

    Raises:
        Misconfigured: nobody can be asked, or the answer was to quit; says what to do.
    """
    found = choose_form(namespace, key)
    if found is None:
        raise Misconfigured(f"Nothing was stored: {key}. {_SAYS}", key=key, problems=advise_options(namespace, [key]))
    return found


def settle_forms(
    namespace: str, drafts: Sequence[Draft], *, ask: bool
) -> tuple[dict[str, Draft], dict[str, ConfigsvcError]]:
    """The drafts with the form that a person chooses for each; without a person, why all are refused.

    One answer does not hold for several keys: among settings that are no secrets, the table's thief hides one that is.
    """
    if not drafts:
        return {}, {}
    keys = [each.key for each in drafts]
    found = _choose_each(namespace, drafts) if ask else {}
    if found:
        return found, {}
    terminal.say(f"Served in the clear, and not named by an option or your policy: {', '.join(keys)}")
    terminal.say(*advise_options(namespace, keys))
    return {}, {key: Misconfigured(_SAYS, key=key) for key in keys}


def tell_kms(keys: Sequence[str]) -> None:
    """Say which keys, in kms form until now, become envelopes: who reads them with the AWS CLI alone will miss it."""
    if keys:
        terminal.say(f"Served in kms form, and stored as an envelope now: {', '.join(keys)}. --kms keeps the form.")


def _choose_each(namespace: str, drafts: Sequence[Draft]) -> dict[str, Draft]:
    """The drafts with their chosen forms; empty if the person quits at any of them."""
    found: dict[str, Draft] = {}
    for each in drafts:
        form = choose_form(namespace, each.key)
        if form is None:
            return {}
        found[each.key] = each._replace(form=form)
    return found


def advise_options(namespace: str, keys: Sequence[str]) -> list[str]:
    """What to do about it: the options, and the lines of the policy to paste."""
    policy, resolved = composition.get_policy(), composition.resolve()
    if why := describe_untrusted():
        return [why, _FORM_OPTIONS]
    table = policy.table(namespace)
    plain = list(dict.fromkeys([*policy.of(namespace).plain, *sorted(keys)]))
    return [
        _FORM_OPTIONS,
        f"Or say it for good in {resolved.project or '.configsvc.toml'}, then: configsvc trust",
        f'  [policy."{table or namespace}"]',
        f"  plain = {json.dumps(plain)}",
    ]


def describe_untrusted() -> str:
    """That the project file is not trusted, and what to do; empty where it is, or where there is none."""
    found = composition.resolve()
    if not found.project or found.project_trusted:
        return ""
    return f"{found.project} is not trusted, so its policy allows nothing: configsvc trust"
