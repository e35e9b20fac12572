"""Retired data keys: those of every policy trusted so far, and the policy line that keeps one retired."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from configsvc.model.errors import ConfigsvcError, Misconfigured
from configsvc_client.cli.output import records, terminal
from configsvc_client.cli.settings import composition

if TYPE_CHECKING:
    from configsvc.model.names import Namespace
    from configsvc_client.admin import Admin, Policy


def make_policy(policies: Iterable[object]) -> Policy:
    """A policy of nothing but the retired kids that any of the parsed `policy` members names.

    What is malformed is left out instead of refused: an old file must not stop a command.
    """
    from configsvc_client.admin import Policy, Protection

    kids: dict[str, frozenset[str]] = {}
    for name, kid in (pair for each in policies for pair in _iter_retired(each)):
        with suppress(Misconfigured):
            Policy({name: Protection(retired_kids=frozenset([kid]))})
            kids[name] = kids.get(name, frozenset()) | {kid}
    return Policy({name: Protection(retired_kids=found) for name, found in kids.items()})


def read_trusted_before() -> list[object]:
    """The `policy` members of all project files that this person trusts, wherever they were."""
    from configsvc_client.cli.settings.files import open_trust_store
    from configsvc_client.cli.settings.trust import parse_canonical

    return [parse_canonical(each.content).get("policy") for each in open_trust_store().all()]


def _iter_retired(policy: object) -> Iterator[tuple[str, str]]:
    for name, table in policy.items() if isinstance(policy, dict) else ():
        kids = table.get("retired_kids") if isinstance(table, dict) else None
        for kid in kids if isinstance(kids, list) else ():
            if isinstance(kid, str):
                yield name, kid


def describe_offered(kids: Sequence[str]) -> str:
    """What is wrong where the service lists retired data keys as live."""
    return f"the service lists retired data keys as live: {', '.join(kids)}. Someone may have changed its table"


def advise(admin: Admin, namespace: Namespace) -> list[str]:
    """The retired kids of a namespace. Those that the trusted policy lacks are shown as the line to paste."""
    with suppress(ConfigsvcError):  # earlier retired ones too, where the API key may read
        admin.data_keys.list(namespace)
    policy = composition.get_policy()
    held = policy.retired_kids(namespace) if composition.resolve().project_trusted else frozenset[str]()
    kids = sorted(admin.data_keys.get_retired(namespace) | held)
    if records.get_kind() != "json" and not held.issuperset(kids):
        terminal.say(
            "The service could be made to offer a retired data key again. So that nobody seals under it, set this in "
            f'.configsvc.toml under [policy."{policy.table(namespace) or namespace}"], run configsvc trust, and commit '
            "the file:",
            f"retired_kids = {json.dumps(kids)}",
        )
    return kids
