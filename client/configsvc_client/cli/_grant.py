"""`configsvc grant`."""

from __future__ import annotations

import click

from configsvc.model import grants
from configsvc.model.grants import ACTIONS, Action, Grant
from configsvc_client.cli import _settings


@click.command("grant")
@click.argument("principal")
@click.option("-a", "--action", "actions", multiple=True, required=True, type=click.Choice(ACTIONS), help="Repeatable.")
@click.option(
    "-n", "--namespace", "patterns", multiple=True, required=True, metavar="PATTERN",
    help="payments.prod, a prefix like 'payments.*', or '*'. Repeatable; never taken from the environment.",
)  # fmt: skip
@click.option("--replace", is_flag=True, help="Take every other grant of the principal away.")
def command(principal: str, actions: tuple[Action, ...], patterns: tuple[str, ...], *, replace: bool) -> None:
    """Allow PRINCIPAL the actions in the namespaces, besides what it may already.

    PRINCIPAL is api-key:<id>, or the ARN of an IAM role or user; the ARN of a session stands for its role. No action
    implies another. A grant takes effect within 10 seconds.
    """
    admin = _settings.admin()
    who = grants.principal(grants.normalised(principal) or principal)
    given = Grant(tuple(dict.fromkeys(actions)), tuple(grants.pattern(each) for each in dict.fromkeys(patterns)))
    held = () if replace else admin.get_grants(who)
    if given in held:
        click.echo(f"{who}: was granted already", err=True)
        return
    admin.set_grants(who, (*held, given))
    click.echo(f"{who}: {', '.join(given.actions)} on {', '.join(given.namespaces)}", err=True)
