"""Bring back earlier values of a key or a namespace.

With KEY alone, a version below the active one is served again: of those, the one served most recently. With
--to-revision or --to-time, KEY, or every key of the namespace, goes back to what was served then; the revision itself
still goes up. The keys of a namespace are changed in sets of up to 40, each all or nothing, and none if someone else
has written since.

A version is served as it was sealed. If its data key was retired (`configsvc data-key rotate`), KEY alone is refused;
with a revision or time, the value is opened here and sealed again as a new version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from configsvc.model.names import Namespace
from configsvc_client.cli import options
from configsvc_client.cli.output import confirm, records, terminal
from configsvc_client.cli.output.words import count, get_now, parse_past_time
from configsvc_client.cli.settings import composition

if TYPE_CHECKING:
    from configsvc_client.admin import Admin, RollbackPlan


@click.command(help=__doc__)
@options.add_namespace_option
@click.argument("key", required=False)
@click.option(
    "--to-version",
    type=click.IntRange(min=1),
    help="Version of KEY to serve. Default: the last one served below the active one.",
)
@click.option("--to-revision", type=click.IntRange(min=1), help="Go back to what was served at this revision.")
@click.option(
    "--to-time",
    metavar="TIME",
    help="Go back to what was served then: 2h (ago), 2027-01-15T08:00:00Z, a date. Without a zone: UTC.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be served and change nothing.")
@click.option("--declassify", is_flag=True, help="Let plain versions replace sealed ones without asking.")
@options.add_message_option
def command(
    key: str | None, namespace: str | None, message: str, *,
    to_version: int | None, to_revision: int | None, to_time: str | None, dry_run: bool, declassify: bool,
) -> None:  # fmt: skip
    if sum(each is not None for each in (to_version, to_revision, to_time)) > 1:
        raise click.UsageError("Pass only one of --to-version, --to-revision and --to-time.")
    target, admin = options.choose_target(namespace), composition.open_admin()
    if to_revision is None and to_time is None:
        if dry_run:
            raise click.UsageError(
                "--dry-run needs --to-revision or --to-time. To see the versions of a key: configsvc history KEY"
            )
        _roll_back_key(admin, target, key, to_version, message, declassify=declassify)
        return
    revision = to_revision or admin.rollback.find_revision(
        target, parse_past_time(to_time or "", get_now(), "--to-time")
    )
    _roll_back_to(
        admin, admin.rollback.plan(target, revision, key), revision, message, dry_run=dry_run, declassify=declassify
    )


def _roll_back_key(
    admin: Admin, namespace: Namespace, key: str | None, version: int | None, message: str, *, declassify: bool
) -> None:
    if key is None:
        raise click.UsageError("How far back? Pass --to-revision or --to-time, or name a KEY.")
    done = confirm.act_and_declassify(
        lambda agreed: admin.rollback.roll_back(namespace, key, message, version=version, declassify=agreed),
        given=declassify,
    )
    now = done.versions.get(key)
    records.report_done(
        f"{namespace} {key}: version {now} served again, revision {done.revision}",
        {"namespace": namespace, "key": key, "active": now, "revision": done.revision},
    )


def _roll_back_to(
    admin: Admin, way: RollbackPlan, revision: int, message: str, *, dry_run: bool, declassify: bool
) -> None:
    if not way.steps:
        summary = f"{way.namespace}: already serves what it served at revision {revision}"
        records.report_done(summary, _describe_plan(way, revision, way.revision))
        return
    if records.get_kind() != "json":
        records.print_table(("key", "served", "back to"), ((each.key, each.now, each.then) for each in way.steps))
    sealed_again = [each.key for each in way.steps if each.reseal]
    if sealed_again:
        terminal.say(f"Sealed again, because their data key was retired: {', '.join(sealed_again)}")
    if dry_run:
        records.report_done("Nothing was changed (--dry-run).", _describe_plan(way, revision, way.revision))
        return
    plain = [each.key for each in way.steps if each.declassifies]
    if plain and not declassify:
        confirm.confirm_declassify(plain)
    confirm.confirm(f"Change {count(len(way.steps), 'key')} of {way.namespace} back to revision {revision}?")
    last = way.revision
    for done in admin.rollback.apply(
        way, message or f"rollback to revision {revision}", declassify=declassify or bool(plain)
    ):
        last = done.revision
    summary = f"{way.namespace}: {count(len(way.steps), 'key')} as at revision {revision}, revision {last}"
    records.report_done(summary, _describe_plan(way, revision, last))


def _describe_plan(way: RollbackPlan, revision: int, last: int) -> dict[str, records.OutputField]:
    """Renders the plan for JSON: the target revision, the current one, and each key as in the table."""
    keys = [
        {"key": each.key, "served": each.now, "back_to": each.then, "sealed_again": each.reseal is not None}
        for each in way.steps
    ]
    return {"namespace": way.namespace, "back_to": revision, "revision": last, "keys": keys}
