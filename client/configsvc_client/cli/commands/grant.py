"""Allow a principal actions in namespaces.

The principal keeps its other grants. PRINCIPAL is api-key:<id>, or the ARN of an IAM role or user; the ARN of a
session means its role. No action implies another. A grant takes effect within 10 seconds.
"""

from __future__ import annotations

from functools import partial

import click

from configsvc.model import grants
from configsvc.model.grants import ACTIONS, Action, Grant
from configsvc_client.cli.commands.grants import list_held
from configsvc_client.cli.output import confirm, records
from configsvc_client.cli.settings import composition


@click.command(help=__doc__)
@click.argument("principal")
@click.option(
    "-a",
    "--action",
    "actions",
    multiple=True,
    required=True,
    type=click.Choice(ACTIONS),
    help="Action to allow. Repeatable.",
)
@click.option(
    "-n", "--namespace", "patterns", multiple=True, required=True, metavar="PATTERN",
    help="payments.prod, a prefix like 'payments.*', or '*'. Repeatable; never taken from the environment.",
)  # fmt: skip
@click.option("--replace", is_flag=True, help="Remove all other grants of the principal, after asking.")
def command(principal: str, actions: tuple[Action, ...], patterns: tuple[str, ...], *, replace: bool) -> None:
    admin = composition.open_admin()
    who = grants.parse_principal(grants.normalize_arn(principal) or principal)
    given = Grant(tuple(dict.fromkeys(actions)), tuple(grants.parse_pattern(each) for each in dict.fromkeys(patterns)))
    held = admin.grants.get(who)
    if replace and any(each != given for each in held):
        confirm.confirm(f"Remove all other grants of {who}?")
    now = admin.grants.change(who, (lambda _: (given,)) if replace else partial(_add_grant, given))
    summary = f"{', '.join(given.actions)} on {', '.join(given.namespaces)}" if now != held else "already granted"
    records.report_done(f"{who}: {summary}", {"principal": who, "grants": list_held(now)})


def _add_grant(given: Grant, held: tuple[Grant, ...]) -> tuple[Grant, ...]:
    return held if given in held else (*held, given)
