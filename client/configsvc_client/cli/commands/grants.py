"""List the grants of a principal or of everyone.

This takes the admin action on '*'.

In a pipe: principal, actions, namespaces, separated by tabs; a line a grant.
"""

from __future__ import annotations

from collections.abc import Iterable

import click

from configsvc.model import grants
from configsvc_client.cli import _brief, _options, _output, _settings


@click.command(help=__doc__)
@_options.long
@click.argument("principal", required=False)
def command(principal: str | None, *, longer: bool) -> None:
    admin = _settings.admin()
    who = grants.principal(grants.normalised(principal) or principal) if principal else None
    found = [(who, admin.grants.get(who))] if who else admin.grants.list()
    _output.table(
        ("principal", "actions", "namespaces"),
        ((name, grant.actions, grant.namespaces) for name, held in found for grant in held),
        {} if longer else {"principal": _brief.principals},
    )


def listed(held: Iterable[grants.Grant]) -> list[_output.Field]:
    """What a principal has, for JSON."""
    return [{"actions": list(each.actions), "namespaces": list(each.namespaces)} for each in held]
