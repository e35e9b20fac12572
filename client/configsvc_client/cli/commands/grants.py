"""List the grants of a principal or of everyone.

This requires the admin action on '*'.

In a pipe: principal, actions, namespaces, separated by tabs; one line per grant.
"""

from __future__ import annotations

from collections.abc import Iterable

import click

from configsvc.model import grants
from configsvc_client.cli import options
from configsvc_client.cli.output import records, words
from configsvc_client.cli.settings import composition


@click.command(help=__doc__)
@options.add_long_option
@click.argument("principal", required=False)
def command(principal: str | None, *, longer: bool) -> None:
    admin = composition.open_admin()
    who = parse_principal(principal) if principal else None
    found = [(who, admin.grants.get(who))] if who else admin.grants.list()
    records.print_table(
        ("principal", "actions", "namespaces"),
        ((name, grant.actions, grant.namespaces) for name, held in found for grant in held),
        {} if longer else {"principal": words.shorten_principals},
    )


def parse_principal(text: str) -> grants.Principal:
    """Parses a principal as a person names it: the ARN of a session means its role.

    Raises:
        InvalidName: it is neither an API key, nor a role or user.
    """
    return grants.parse_principal(grants.normalize_arn(text) or text)


def list_held(held: Iterable[grants.Grant]) -> list[records.OutputField]:
    """Renders the grants of a principal for JSON."""
    return [{"actions": list(each.actions), "namespaces": list(each.namespaces)} for each in held]
