"""Allow a principal actions in namespaces.

The principal keeps its other grants. PRINCIPAL is api-key:<id>, or the ARN of an IAM role or user; the ARN of a
session means its role. No action implies another. A grant takes effect within 10 seconds.

With --like, PRINCIPAL gets what OTHER has and PRINCIPAL lacks, for example a new API key what the old one has. Both
must be API keys, or both roles or users. OTHER keeps its grants; if they change later, run the command again.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from configsvc.model import grants
from configsvc.model.grants import ACTIONS, Action, Grant, Principal
from configsvc_client.cli.commands.grants import list_held, parse_principal
from configsvc_client.cli.output import confirm, records
from configsvc_client.cli.settings import composition

if TYPE_CHECKING:
    from configsvc_client.admin import Admin


@click.command(help=__doc__)
@click.argument("principal")
@click.option(
    "-a", "--action", "actions", multiple=True, type=click.Choice(ACTIONS), help="Action to allow. Repeatable."
)
@click.option(
    "-n", "--namespace", "patterns", multiple=True, metavar="PATTERN",
    help="payments.prod, a prefix like 'payments.*', or '*'. Repeatable; never taken from the environment.",
)  # fmt: skip
@click.option("--like", "other", metavar="OTHER", help="Copy the grants of OTHER, instead of -a and -n.")
@click.option("--replace", is_flag=True, help="Remove all other grants of the principal, after asking.")
def command(
    principal: str, actions: tuple[Action, ...], patterns: tuple[str, ...], *, other: str | None, replace: bool
) -> None:
    _check_usage(actions, patterns, other)
    admin = composition.open_admin()
    who = parse_principal(principal)
    if other is not None:
        _copy_grants(admin, who, parse_principal(other), replace=replace)
        return
    given = Grant(tuple(dict.fromkeys(actions)), tuple(grants.parse_pattern(each) for each in dict.fromkeys(patterns)))
    held = admin.grants.get(who)
    if replace and any(each != given for each in held):
        confirm.confirm(f"Remove all other grants of {who}?")
    now = admin.grants.change(who, (lambda _: (given,)) if replace else partial(_add_grant, given))
    _report(who, grants.describe([given]) if now != held else "already granted", now)


def _check_usage(actions: tuple[Action, ...], patterns: tuple[str, ...], other: str | None) -> None:
    """Checks that grants are named in one of the two ways.

    Raises:
        click.UsageError: in both ways, or not completely.
    """
    if other is not None and (actions or patterns):
        raise click.UsageError("--like copies all grants of OTHER. Leave out -a and -n, or leave out --like.")
    if other is None and not (actions or patterns):
        raise click.UsageError("Choose what to grant: -a ACTION -n PATTERN, or --like OTHER.")
    if other is None and not (actions and patterns):
        context = click.get_current_context()
        missing = "patterns" if actions else "actions"
        raise click.MissingParameter(
            ctx=context, param=next(each for each in context.command.params if each.name == missing)
        )


def _copy_grants(admin: Admin, who: Principal, other: Principal, *, replace: bool) -> None:
    def ask(lost: tuple[Grant, ...]) -> None:
        confirm.confirm(f"{other} does not have {grants.describe(lost)}. Remove this from {who}?")

    held = admin.grants.get(who)
    now = admin.grants.copy(other, who, replace=replace, on_loss=ask)
    added, removed = grants.find_lacking(held, now), grants.find_lacking(now, held)
    changes = [f"{grants.describe(added)}, like {other}"] if added else []
    changes += [f"removed {grants.describe(removed)}"] if removed else []
    _report(who, "; ".join(changes) or f"already has the grants of {other}", now)


def _report(who: Principal, summary: str, now: tuple[Grant, ...]) -> None:
    records.report_done(f"{who}: {summary}", {"principal": who, "grants": list_held(now)})


def _add_grant(given: Grant, held: tuple[Grant, ...]) -> tuple[Grant, ...]:
    return held if given in held else (*held, given)
