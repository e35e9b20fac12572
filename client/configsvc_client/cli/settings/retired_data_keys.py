"""Retired data keys: those of every policy trusted so far, and the warning about one that is offered again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from configsvc.model.errors import Misconfigured

if TYPE_CHECKING:
    from configsvc_client.admin import Policy


def make_policy(policies: Iterable[object]) -> Policy:
    """A policy that holds only the retired kids that any of the parsed `policy` members names.

    Malformed parts are skipped, not refused: an old file must not stop a command.
    """
    from configsvc_client.admin import Policy, Protection

    kids: dict[str, frozenset[str]] = {}
    for name, kid in (pair for each in policies for pair in _iter_retired(each)):
        with suppress(Misconfigured):
            Policy({name: Protection(retired_kids=frozenset([kid]))})
            kids[name] = kids.get(name, frozenset()) | {kid}
    return Policy({name: Protection(retired_kids=found) for name, found in kids.items()})


def read_trusted_before() -> list[object]:
    """The `policy` members of all project files that the user trusts, wherever they were."""
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
    """The warning that the service lists retired data keys as live."""
    return f"the service lists retired data keys as live: {', '.join(kids)}. Someone may have tampered with its table"
