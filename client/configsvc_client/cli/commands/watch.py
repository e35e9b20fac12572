"""Print each change of the served values, until Ctrl-C.

With PREFIX, only changes of keys that start with it. Values are not shown. While nothing changes, each poll costs one
small request and no KMS call.

In a pipe: time, namespace, revision, key, version before, version now, by whom, message, separated by tabs; in JSON,
one object per line.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from configsvc.model.errors import ConfigsvcError, Gone, NotTaken, Throttled, Unavailable
from configsvc.model.snapshot import SealedSnapshot
from configsvc_client._wording import join_sentences
from configsvc_client.cli import options
from configsvc_client.cli.output import records, terminal, words
from configsvc_client.cli.settings import composition

if TYPE_CHECKING:
    from configsvc_client.admin import Admin, LogEntry

_COLUMNS = ("at", "namespace", "revision", "key", "was", "now", "by", "message")


@click.command(help=__doc__)
@options.add_namespaces_option
@options.add_every_option
@click.argument("prefix", default="")
def command(namespaces: tuple[str, ...], prefix: str, every: float) -> None:
    admin = composition.open_admin()
    following = admin.follow(*options.choose_namespaces(namespaces))
    following.look()
    terminal.say(f"Watching {', '.join(following.held)}, every {every:g} s.")
    while True:
        time.sleep(every)
        before, refused = following.held, set(following.refused)
        try:
            for namespace, now in following.look().items():
                for row in list_changes(admin, before[namespace], now):
                    if row[3].startswith(prefix):
                        records.print_line(_COLUMNS, row, {"by": words.shorten_principals})
            for namespace in following.refused.keys() - refused:
                terminal.say(
                    join_sentences(f"configsvc: {following.refused[namespace].detail}", "Continuing without it.")
                )
        except (NotTaken, Throttled, Unavailable) as error:
            terminal.say(join_sentences(f"configsvc: {error.detail}", "Continuing."))


_Row = tuple[str | None, str, int, str, int | None, int | None, str | None, str | None]


def list_changes(admin: Admin, before: SealedSnapshot, now: SealedSnapshot) -> Iterable[_Row]:
    """Yields a row for each key whose served version changed, with who and why if the change log knows."""
    versions = (
        {entry.key: entry.version for entry in before.entries},
        {entry.key: entry.version for entry in now.entries},
    )
    moved = [key for key in versions[0].keys() | versions[1].keys() if versions[0].get(key) != versions[1].get(key)]
    known = _read_log(admin, before, now) if moved else {}
    for key in sorted(moved):
        was, becomes = versions[0].get(key), versions[1].get(key)
        record = known.get((key, becomes))
        at, by, message = (record.at, record.principal, record.message) if record else (None, None, None)
        yield at, now.namespace, record.revision if record else now.revision, key, was, becomes, by, message


def _read_log(admin: Admin, before: SealedSnapshot, now: SealedSnapshot) -> dict[tuple[str, int | None], LogEntry]:
    """Finds the last change-log record for each served version, between two snapshots."""
    from configsvc_client.admin import LogFilter

    found: dict[tuple[str, int | None], LogEntry] = {}
    try:
        for record in admin.history.list_changes(before.namespace, LogFilter(since=before.revision)):
            if record.revision > now.revision:
                break  # left to the next poll
            found |= {(change.key, change.now): record for change in record.keys if change.was != change.now}
    except Gone:
        return {}  # upkeep has removed the records
    except ConfigsvcError as error:
        terminal.say(f"configsvc: the change log: {error.detail}")
    return found
