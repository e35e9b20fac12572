"""Show the change log, newest last.

Shows what changed, who did it, when and why, never a value. On a terminal, times are relative, and principals are
shortened to role and session, or to the user.

In a pipe: revision, time, principal, what, message, separated by tabs. JSON has the whole record: source address, API
key, and each key with the version served before and after.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from configsvc.model import grants as grants_
from configsvc.model import names
from configsvc_client.cli import options
from configsvc_client.cli.output import records, terminal, words
from configsvc_client.cli.output.words import get_now, parse_past_time, parse_time
from configsvc_client.cli.settings import composition

if TYPE_CHECKING:
    from configsvc_client.admin import KeyChange, LogEntry

_LAST = 50
_GRANTS = ("set_grants", "delete_grants")


@click.command(help=__doc__)
@options.add_namespace_option
@click.argument("key", required=False)
@click.option(
    "--by", metavar="PRINCIPAL", help="Show only changes by this principal: api-key:<id>, an ARN or system:upkeep."
)
@click.option(
    "--since",
    metavar="TIME",
    help="Show changes since then: 2h (ago), 7d, a date, 2027-01-15T08:00:00Z. Without a zone: UTC.",
)
@click.option("--until", metavar="TIME", help="Show changes before then.")
@click.option("--after", "revision", type=click.IntRange(min=0), help="Show only revisions above this one.")
@click.option("--last", type=click.IntRange(min=1), help=f"Show at most this many changes. Default: {_LAST}.")
@click.option("--all", "everything", is_flag=True, help="Show all changes.")
@click.option("--grants", is_flag=True, help="Show the log of grants instead (requires the admin action on '*').")
@options.add_long_option
def command(
    key: str | None, namespace: str | None, *, by: str | None, since: str | None, until: str | None,
    revision: int | None, last: int | None, everything: bool, grants: bool, longer: bool,
) -> None:  # fmt: skip
    from configsvc_client.admin import LogFilter

    if grants and (namespace or key):
        raise click.UsageError("--grants takes no namespace and no KEY: the log of grants has neither.")
    if key is not None:
        names.parse_key(key)
    moment = get_now()
    begin = None if since is None else parse_past_time(since, moment, "--since")
    who = by and (grants_.normalize_arn(by) or by)
    wanted = LogFilter(revision, key, who, begin, None if until is None else parse_time(until, moment))
    wanted = wanted if everything else wanted._replace(order="newest")
    admin = composition.open_admin()
    found = (
        admin.history.list_grant_changes(wanted)
        if grants
        else admin.history.list_changes(options.choose_namespace(namespace), wanted)
    )
    shown = found if everything else reversed(list(islice(found, last or _LAST)))
    if records.get_kind() == "json":
        records.print_table(_FIELDS, (_list_fields(each) for each in shown))
    else:
        _show(shown, {} if longer else {"at": words.shorten_times(moment), "by": words.shorten_principals})


_FIELDS = (
    "revision", "served_revision", "verb", "subject", "details", "keys", "message", "at", "principal", "arn",
    "api_key", "source_ip", "user_agent", "correlation_id",
)  # fmt: skip


def _list_fields(entry: LogEntry) -> list[records.OutputField]:
    members: dict[str, records.OutputField] = entry._asdict()
    return [[each._asdict() for each in entry.keys] if name == "keys" else members[name] for name in _FIELDS]


def _show(entries: Iterator[LogEntry], brief: Mapping[str, words.Brief]) -> None:
    records.print_table(
        ("revision", "at", "by", "what", "message"),
        (
            (each.revision, each.at, _describe_principal(each, short=bool(brief)), _describe_change(each), each.message)
            for each in entries
        ),
        brief,
    )


def _describe_principal(entry: LogEntry, *, short: bool) -> str:
    """Returns the principal; on a terminal, the session of a role, which often names a person."""
    return entry.arn or entry.principal if short and terminal.is_terminal() else entry.principal


def _describe_change(entry: LogEntry) -> str:
    """Describes a change in one line: each key with its version, or the subject of the record."""
    if entry.keys:
        return ", ".join(map(_describe_moved, entry.keys))
    granted = f": {_describe_granted(entry.details['now'])}" if "now" in entry.details and entry.verb in _GRANTS else ""
    return f"{entry.verb} {entry.subject}".rstrip() + granted


def _describe_granted(held: Any) -> str:  # noqa: ANN401  # as the log has it
    """Describes the new grants of a principal."""
    said = (f"{', '.join(each['actions'])} on {', '.join(each['namespaces'])}" for each in held or [])
    return "; ".join(said) or "nothing"


def _describe_moved(change: KeyChange) -> str:
    version = f" {change.version}" if change.version is not None else ""
    return f"{change.op} {change.key}{version}"
