"""Delete a key. Its versions are kept.

`configsvc activate` brings one back. If the namespace has a limit (`configsvc namespace set --keep-deleted-days N`),
they are kept for N days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from configsvc.model import names
from configsvc_client.cli import options
from configsvc_client.cli.output import confirm, records
from configsvc_client.cli.settings import composition
from configsvc_client.cli.values import lost_answers

if TYPE_CHECKING:
    from configsvc.model.errors import PreconditionFailed
    from configsvc.model.names import Namespace
    from configsvc_client.admin import Admin


@click.command(help=__doc__)
@options.add_namespace_option
@click.argument("key")
@click.option("--if-match", type=click.IntRange(min=1), help="Only if the key was last changed at this revision.")
@options.add_message_option
def command(key: str, namespace: str | None, message: str, if_match: int | None) -> None:
    names.parse_key(key)
    target, admin = options.choose_target(namespace), composition.open_admin()
    confirm.confirm(f"Delete {key} in {target}?", lambda: admin.values.get_entry(target, key))
    done = lost_answers.accept_repeated(
        admin,
        lambda: admin.values.delete(target, key, message, if_match=if_match).revision,
        lambda error: _find_earlier_deletion(admin, target, key, error),
    )
    records.report_done(
        f"{target} {key}: deleted, revision {done}. To restore it: configsvc activate -n {target} {key} VERSION",
        {"namespace": target, "key": key, "active": None, "revision": done},
    )


def _find_earlier_deletion(admin: Admin, namespace: Namespace, key: str, error: PreconditionFailed) -> int | None:
    """Returns the revision that deleted the key; None for a key that was only ever staged."""
    info = lost_answers.find_key_at(admin, namespace, key, error)
    return info.revision if info and info.state == "deleted" else None
