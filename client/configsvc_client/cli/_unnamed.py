"""Keys that are served in the clear, and that neither an option nor the policy names: a person decides.

Whoever can write the table can mark a key plain. If a write followed that mark, the next secret would be stored in the
clear; if it sealed silently, whoever reads the key without KMS would be cut off.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from configsvc.model.entry import Form
from configsvc.model.errors import ConfigsvcError, Misconfigured
from configsvc_client.cli import _settings, _terminal

if TYPE_CHECKING:
    from configsvc_client.admin import Draft

_CHOICES: dict[str, Form | None] = {"seal": "envelope", "plain": "plain", "quit": None}
_OPTIONS = "Pass --seal if it is a secret, or --plain if it is none and stays in the clear."
_SAYS = "It is served in the clear, and neither an option nor your policy says how to store it."


def chosen(namespace: str, key: str) -> Form | None:
    """What a person chooses for a key on a terminal; None to store it not at all."""
    if not _terminal.can_ask():
        return None
    _terminal.say(f"{namespace} {key} is served in the clear. Your policy does not say how to store that.")
    return _CHOICES[_terminal.choose("Seal it, or is it no secret and stays plain?", list(_CHOICES))]


def form(namespace: str, key: str) -> Form:
    """The form for one such key.

    Raises:
        Misconfigured: nobody can be asked, or the answer was to quit; says what to do.
    """
    found = chosen(namespace, key)
    if found is None:
        raise Misconfigured(f"Nothing was stored: {key}. {_SAYS}", key=key, problems=advice(namespace, [key]))
    return found


def settled(
    namespace: str, drafts: Sequence[Draft], *, ask: bool
) -> tuple[dict[str, Draft], dict[str, ConfigsvcError]]:
    """The drafts with the form that a person chooses for each; without a person, why all are refused.

    One answer does not hold for several keys: among settings that are no secrets, the table's thief hides one that is.
    """
    if not drafts:
        return {}, {}
    keys = [each.key for each in drafts]
    found = _each_chosen(namespace, drafts) if ask else {}
    if found:
        return found, {}
    _terminal.say(f"Served in the clear, and not named by an option or your policy: {', '.join(keys)}")
    _terminal.say(*advice(namespace, keys))
    return {}, {key: Misconfigured(_SAYS, key=key) for key in keys}


def tell_kms(keys: Sequence[str]) -> None:
    """Say which keys, in kms form until now, become envelopes: who reads them with the AWS CLI alone will miss it."""
    if keys:
        _terminal.say(f"Served in kms form, and stored as an envelope now: {', '.join(keys)}. --kms keeps the form.")


def _each_chosen(namespace: str, drafts: Sequence[Draft]) -> dict[str, Draft]:
    """The drafts with their chosen forms; empty if the person quits at any of them."""
    found: dict[str, Draft] = {}
    for each in drafts:
        form = chosen(namespace, each.key)
        if form is None:
            return {}
        found[each.key] = each._replace(form=form)
    return found


def advice(namespace: str, keys: Sequence[str]) -> list[str]:
    """What to do about it: the options, and the lines of the policy to paste."""
    policy, resolved = _settings.policy(), _settings.resolved()
    if why := untrusted():
        return [why, _OPTIONS]
    table = policy.table(namespace)
    plain = list(dict.fromkeys([*policy.of(namespace).plain, *sorted(keys)]))
    return [
        _OPTIONS,
        f"Or say it for good in {resolved.project or '.configsvc.toml'}, then: configsvc trust",
        f'  [policy."{table or namespace}"]',
        f"  plain = {json.dumps(plain)}",
    ]


def untrusted() -> str:
    """That the project file is not trusted, and what to do; empty where it is, or where there is none."""
    found = _settings.resolved()
    if not found.project or found.project_trusted:
        return ""
    return f"{found.project} is not trusted, so its policy allows nothing: configsvc trust"
