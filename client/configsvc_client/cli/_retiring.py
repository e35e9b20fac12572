"""What counts of the policies that this person trusted before: which data keys they retire. That only ever refuses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from configsvc.model.errors import Misconfigured

if TYPE_CHECKING:
    from configsvc_client.admin import Policy


def policy(policies: Iterable[object]) -> Policy:
    """A policy of nothing but the retired kids that any of the parsed `policy` members names.

    What is malformed is left out instead of refused: an old file must not stop a command.
    """
    from configsvc_client.admin import Policy, Protection

    kids: dict[str, frozenset[str]] = {}
    for name, kid in (pair for each in policies for pair in _retired(each)):
        with suppress(Misconfigured):
            Policy({name: Protection(retired_kids=frozenset([kid]))})
            kids[name] = kids.get(name, frozenset()) | {kid}
    return Policy({name: Protection(retired_kids=found) for name, found in kids.items()})


def trusted_before() -> list[object]:
    """The `policy` members of all project files that this person trusts, wherever they were."""
    from configsvc_client.cli._canonical import parsed
    from configsvc_client.cli._files import trust_store

    return [parsed(each.content).get("policy") for each in trust_store().all()]


def _retired(policy: object) -> Iterator[tuple[str, str]]:
    for name, table in policy.items() if isinstance(policy, dict) else ():
        kids = table.get("retired_kids") if isinstance(table, dict) else None
        for kid in kids if isinstance(kids, list) else ():
            if isinstance(kid, str):
                yield name, kid
