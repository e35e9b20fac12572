"""How a value is protected: by --seal, --plain or --kms, else by the policy, else as the user chooses."""

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
    """Patterns of keys for each form. If several match a key, --seal wins over --kms, and --kms over --plain."""

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
    """Refuses a pattern that matches no key, before anything is stored.

    A mistyped --seal would leave a secret to the policy. A mistyped --plain or --json would give readers a form or
    type that they do not expect.

    Args:
        keys: the keys to store.
        wanted: the patterns of --seal, --plain and --kms.
        json: the patterns of --json.
        served: returns further keys that a pattern may match, because a script passes the same patterns whichever keys
            its file has today. Called only if a pattern matches none of `keys`.

    Raises:
        Problems: names each such pattern with its option, and keys with similar names.
    """
    given = (*zip(_OPTIONS, (wanted.seal, wanted.plain, wanted.kms), strict=True), ("--json", json))
    pairs = [(option, pattern) for option, patterns in given for pattern in dict.fromkeys(patterns)]
    unnamed = [pair for pair in pairs if not _matches_any(pair[1], keys)]
    also = served() if unnamed else ()
    problems = [
        ". ".join(
            filter(
                None, (f"{option} {pattern}", _wording.suggest(_wording.find_similar(pattern.removesuffix("*"), keys)))
            )
        )
        for option, pattern in unnamed
        if not _matches_any(pattern, also)
    ]
    if problems:
        raise exit_codes.Problems("Nothing was stored. These patterns match no key to store:", problems)


def _matches_any(pattern: str, keys: Collection[str]) -> bool:
    return any(names.matches(key, pattern) for key in keys)


def add_flags(command: FormDecorated) -> FormDecorated:
    """Adds the options as flags."""
    for name, text in zip(
        _OPTIONS,
        (
            "Seal the value, whatever the policy says.",
            "Store the value in the clear: it is not a secret.",
            "Seal the value with kms:Encrypt directly (at most 4,096 bytes; one KMS call per reader).",
        ),
        strict=True,
    ):
        command = click.option(name, is_flag=True, help=text)(command)
    return command


def add_patterns(command: FormDecorated) -> FormDecorated:
    """Adds the options with patterns of keys."""
    for name, text in zip(
        _OPTIONS,
        (
            "Seal matching keys, such as 'db.*', whatever the policy says. Repeatable.",
            "Store matching keys, such as 'feature.*', in the clear: they are not secrets. Repeatable.",
            "Seal matching keys with kms:Encrypt directly. Repeatable.",
        ),
        strict=True,
    ):
        command = click.option(name, multiple=True, metavar="PATTERN", help=text)(command)
    return command


def get_form(*flags: bool) -> Form | None:
    """The form that --seal, --plain and --kms select, in this order; None without any.

    Raises:
        click.UsageError: more than one is set.
    """
    chosen = [form for form, flag in zip(_FORMS, flags, strict=True) if flag]
    if len(chosen) > 1:
        raise click.UsageError("Pass only one of --seal, --plain and --kms.")
    return chosen[0] if chosen else None


_CHOICES: dict[str, Form | None] = {"seal": "envelope", "plain": "plain", "quit": None}
_FORM_OPTIONS = "Pass --seal if it is a secret, or --plain if it is not and should stay in the clear."
_UNNAMED = "It is served in the clear, and neither an option nor your policy says how to store it."


def choose_form(namespace: str, key: str) -> Form | None:
    """The form that the user chooses for a key on a terminal; None to quit without storing it."""
    if not terminal.can_ask():
        return None
    terminal.say(f"{namespace} {key} is served in the clear, and your policy does not say how to store it.")
    return _CHOICES[terminal.choose("Seal it (a secret) or keep it plain?", list(_CHOICES))]


def decide_form(namespace: str, key: str) -> Form:
    """The form that the user chooses for one key.

    Raises:
        Misconfigured: nobody can be asked, or the user quit. Says what to do.
    """
    found = choose_form(namespace, key)
    if found is None:
        raise Misconfigured(f"{key} was not stored. {_UNNAMED}", key=key, problems=advise_options(namespace, [key]))
    return found


def settle_forms(
    namespace: str, drafts: Sequence[Draft], *, ask: bool
) -> tuple[dict[str, Draft], dict[str, ConfigsvcError]]:
    """The drafts with the form that the user chooses for each; if nobody can be asked, why all are refused.

    One answer never covers several keys: whoever stole the table could hide a secret among harmless settings.
    """
    if not drafts:
        return {}, {}
    keys = [each.key for each in drafts]
    found = _choose_each(namespace, drafts) if ask else {}
    if found:
        return found, {}
    terminal.say(f"Served in the clear, but not named by an option or your policy: {', '.join(keys)}")
    terminal.say(*advise_options(namespace, keys))
    return {}, {key: Misconfigured(_UNNAMED, key=key) for key in keys}


def warn_form_changes(keys: Sequence[str]) -> None:
    """Warns which kms values become envelopes: readers with only the AWS CLI can no longer open them."""
    if keys:
        terminal.say(f"Changes from kms form to an envelope: {', '.join(keys)}. To keep the form: --kms.")


def _choose_each(namespace: str, drafts: Sequence[Draft]) -> dict[str, Draft]:
    """The drafts with their chosen forms; empty if the user quits at any of them."""
    found: dict[str, Draft] = {}
    for each in drafts:
        form = choose_form(namespace, each.key)
        if form is None:
            return {}
        found[each.key] = each._replace(form=form)
    return found


def advise_options(namespace: str, keys: Sequence[str]) -> list[str]:
    """Advice for such keys: the options, and the policy lines to paste."""
    policy, resolved = composition.get_policy(), composition.resolve()
    if why := describe_untrusted():
        return [why, _FORM_OPTIONS]
    table = policy.table(namespace)
    plain = list(dict.fromkeys([*policy.of(namespace).plain, *sorted(keys)]))
    return [
        _FORM_OPTIONS,
        f"Or set it permanently in {resolved.project or '.configsvc.toml'}, then run: configsvc trust",
        f'  [policy."{table or namespace}"]',
        f"  plain = {json.dumps(plain)}",
    ]


def describe_untrusted() -> str:
    """A warning that the project file is not trusted; empty if it is trusted or does not exist."""
    found = composition.resolve()
    if not found.project or found.project_trusted:
        return ""
    return f"{found.project} is not trusted, so its policy allows nothing. Run: configsvc trust"
