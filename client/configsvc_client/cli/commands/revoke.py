"""Take grants from a principal.

Within 10 seconds it can no longer use them. What was opened before is known to whoever opened it: have those
secrets replaced. `kms:Decrypt` is IAM's to take.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import click

from configsvc.model import grants
from configsvc.model.errors import NotFound
from configsvc.model.grants import ACTIONS, Action, Grant, covers
from configsvc_client.cli.commands.grants import list_held
from configsvc_client.cli.output import confirm, records, terminal
from configsvc_client.cli.settings import composition


@click.command(help=__doc__)
@click.argument("principal")
@click.option(
    "-a", "--action", "actions", multiple=True, type=click.Choice(ACTIONS), help="All three where left out. Repeatable."
)
@click.option(
    "-n", "--namespace", "patterns", multiple=True, metavar="PATTERN",
    help="As it was granted: payments.prod, 'payments.*' or '*'. Repeatable; never taken from the environment.",
)  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="Take every grant away, after asking.")
def command(principal: str, actions: tuple[Action, ...], patterns: tuple[str, ...], *, everything: bool) -> None:
    if everything == bool(patterns):
        raise click.UsageError("Say what to take away: -n PATTERN, or --all.")
    if everything and actions:
        raise click.UsageError("--all takes every action away. For some of them: -a ACTION -n PATTERN.")
    admin = composition.open_admin()
    who = grants.parse_principal(grants.normalize_arn(principal) or principal)
    taken, named = actions or ACTIONS, tuple(grants.parse_pattern(each) for each in patterns)
    less = (lambda _: ()) if everything else partial(remove_grants, actions=taken, patterns=named)
    held = admin.grants.get(who)
    if tuple(less(held)) == held:
        raise NotFound(f"{who} has no such grant. `configsvc grants {who}` shows what it has.")
    if everything:
        confirm.confirm(f"Take every grant of {who} away?")
    left = admin.grants.change(who, less)
    for pattern in find_remaining(left, taken, named):
        terminal.say(f"configsvc: {who} may still do it where {pattern} grants it.")
    records.report_done(f"{who}: revoked", {"principal": who, "grants": list_held(left)})


def remove_grants(held: Iterable[Grant], actions: Sequence[Action], patterns: Sequence[str]) -> tuple[Grant, ...]:
    """The grants without those actions on exactly those patterns."""
    return tuple(part for grant in held for part in _split_grant(grant, actions, patterns))


def find_remaining(held: Iterable[Grant], actions: Sequence[Action], patterns: Sequence[str]) -> list[str]:
    """Patterns that allow one of the actions in a namespace which one of the patterns names, or may name."""
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
