"""List the keys of a namespace, without values.

With PREFIX, only keys that start with it. The state of a key is served, staged (a version waits to be served) or
deleted (its versions are kept). A served value is overdue once the date set with `configsvc put --rotate-by` has
passed; days are in UTC. With --due, the longest overdue come first. The service's upkeep reports the same values: those
of --due 14, unless the stage sets other days.

With several namespaces, each key comes from the first that serves it, as for a consumer.

In a pipe, separated by tabs: key, form, content type, active version, latest version, revision, next version (only with
--long), rotate by (only with --long or --due), state, overdue (yes or no), namespace (only if there are several). JSON
has all of it, and the namespace if there are several.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date
from typing import TYPE_CHECKING

import click

from configsvc.model import due as due_rule
from configsvc_client.cli import options
from configsvc_client.cli.output import records, terminal
from configsvc_client.cli.output.words import get_now, get_today, parse_day
from configsvc_client.cli.settings import composition
from configsvc_client.cli.values import reading

if TYPE_CHECKING:
    from configsvc.model.names import Namespace
    from configsvc_client.admin import Admin, KeyInfo

    Found = list[tuple[Namespace, KeyInfo]]


@click.command(help=__doc__)
@options.add_namespaces_option
@click.option(
    "--due", is_flag=False, flag_value="overdue", metavar="[DAYS|DATE]",
    help="Show only served values that are overdue, or due within DAYS (30, 4w) or by a DATE (2027-01-31).",
)  # fmt: skip
@click.option(
    "--long", "longer", is_flag=True, help="Also show the next version and the date by which to replace a value."
)
@click.argument("prefix", default="")
def command(prefix: str, namespaces: tuple[str, ...], *, due: str | None, longer: bool) -> None:
    now = get_now().astimezone(UTC)
    limit = None if due is None or due == "overdue" else parse_day(due, now)
    wanted, admin = options.drop_repeats(options.choose_namespaces(namespaces)), composition.open_admin()
    found, hidden = _find_keys(admin, wanted, prefix)
    day = get_today(now)
    if due is not None:
        found = _select_due(found, day, limit)
    several = len(wanted) > 1
    rows = [{**_list_members(info, day), "namespace": name} for name, info in found]
    _show(rows, longer=longer, dated=due is not None, several=several)
    if due is not None and not found and records.get_kind() == "table":
        terminal.say("No value is due.")
    reading.report_hidden(hidden)


def _find_keys(admin: Admin, namespaces: list[Namespace], prefix: str) -> tuple[Found, dict[Namespace, int]]:
    """Finds the keys, each with its namespace, and counts the hidden keys of each namespace."""
    if len(namespaces) == 1:
        return [(namespaces[0], each) for each in admin.values.list_keys(namespaces[0], prefix)], {}
    listed = {each: list(admin.values.list_keys(each, prefix)) for each in namespaces}
    found = reading.list_keys(listed)
    shown = Counter(name for name, _ in found)
    return found, {name: len(keys) - shown[name] for name, keys in listed.items()}


def is_overdue(key: KeyInfo, day: date) -> bool:
    """Whether a served value should have been replaced before this day."""
    return due_rule.is_overdue(key.state, key.rotate_by, day.isoformat())


def _select_due(found: Found, day: date, limit: date | None) -> Found:
    """Selects the keys that are overdue, or due by a day; the longest overdue first."""
    today = day.isoformat()
    last = limit.isoformat() if limit else ""
    due = [each for each in found if due_rule.is_due(each[1].state, each[1].rotate_by, today, last)]
    return sorted(due, key=lambda each: each[1].rotate_by or "")


def _list_members(key: KeyInfo, day: date) -> dict[str, records.OutputField]:
    return {
        "key": key.key, "form": key.form, "content type": key.content_type, "active": key.active,
        "latest": key.latest, "revision": key.revision, "next version": key.next_version,
        "rotate by": key.rotate_by, "state": key.state, "overdue": is_overdue(key, day),
    }  # fmt: skip


def _show(rows: list[dict[str, records.OutputField]], *, longer: bool, dated: bool, several: bool) -> None:
    left_out = set() if several else {"namespace"}
    if records.get_kind() != "json":
        left_out |= set() if longer else {"next version"}
        left_out |= set() if longer or dated else {"rotate by"}
    if records.get_kind() == "table":
        left_out |= {"overdue"}
        rows = [{**each, "state": _mark_overdue(each)} for each in rows]
    columns = [each for each in _COLUMNS if each not in left_out]
    records.print_table(columns, ([each[column] for column in columns] for each in rows))


_COLUMNS = (
    "key", "form", "content type", "active", "latest", "revision", "next version", "rotate by", "state", "overdue",
    "namespace",
)  # fmt: skip


def _mark_overdue(row: dict[str, records.OutputField]) -> records.OutputField:
    return f"{row['state']}, overdue" if row["overdue"] else row["state"]
