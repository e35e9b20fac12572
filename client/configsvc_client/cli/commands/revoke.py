"""Revoke grants of a principal.

Revoked grants stop working within 10 seconds. Anyone who opened a secret still knows it: replace those secrets. To
revoke `kms:Decrypt`, use IAM.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import click

from configsvc.model import grants
from configsvc.model.errors import NotFound
from configsvc.model.grants import ACTIONS, Action, Grant, covers
from configsvc_client.cli.commands.grants import list_held, parse_principal
from configsvc_client.cli.output import confirm, records, terminal
from configsvc_client.cli.settings import composition


@click.command(help=__doc__)
@click.argument("principal")
@click.option(
    "-a",
    "--action",
    "actions",
    multiple=True,
    type=click.Choice(ACTIONS),
    help="Action to revoke. Default: all three. Repeatable.",
)
@click.option(
    "-n", "--namespace", "patterns", multiple=True, metavar="PATTERN",
    help="Pattern as it was granted: payments.prod, 'payments.*' or '*'. Repeatable; never taken from the environment.",
)  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="Revoke all grants of the principal, after asking.")
def command(principal: str, actions: tuple[Action, ...], patterns: tuple[str, ...], *, everything: bool) -> None:
    if everything == bool(patterns):
        raise click.UsageError("Choose what to revoke: -n PATTERN, or --all.")
    if everything and actions:
        raise click.UsageError("--all revokes every action. To revoke some of them: -a ACTION -n PATTERN.")
    admin = composition.open_admin()
    who = parse_principal(principal)
    taken, named = actions or ACTIONS, tuple(grants.parse_pattern(each) for each in patterns)
    less = (lambda _: ()) if everything else partial(remove_grants, actions=taken, patterns=named)
    held = admin.grants.get(who)
    if tuple(less(held)) == held:
        raise NotFound(f"{who} has no such grant. `configsvc grants {who}` shows its grants.")
    if everything:
        confirm.confirm(f"Revoke all grants of {who}?")
    left = admin.grants.change(who, less)
    for pattern in find_remaining(left, taken, named):
        terminal.say(f"configsvc: {who} still has access through its grant on {pattern}.")
    records.report_done(f"{who}: revoked", {"principal": who, "grants": list_held(left)})


def remove_grants(held: Iterable[Grant], actions: Sequence[Action], patterns: Sequence[str]) -> tuple[Grant, ...]:
    """Returns the grants without these actions on exactly these patterns."""
    return tuple(part for grant in held for part in _split_grant(grant, actions, patterns))


def find_remaining(held: Iterable[Grant], actions: Sequence[Action], patterns: Sequence[str]) -> list[str]:
    """Finds granted patterns that still allow one of the actions in a namespace that a given pattern may match."""
    granted = [each for grant in held if set(grant.actions) & set(actions) for each in grant.namespaces]
    return sorted({each for each in granted for pattern in patterns if covers(each, pattern) or covers(pattern, each)})


def _split_grant(grant: Grant, actions: Sequence[Action], patterns: Sequence[str]) -> Iterable[Grant]:
    untouched = tuple(each for each in grant.namespaces if each not in patterns)
    touched = tuple(each for each in grant.namespaces if each in patterns)
    kept = tuple(each for each in grant.actions if each not in actions)
    if not touched or kept == grant.actions:
        yield grant
        return
    if untouched:
        yield Grant(grant.actions, untouched)
    if kept:
        yield Grant(kept, touched)
