"""Destroy the value of a version for good.

This requires the admin action. The record of the version remains, and its number is never reused. A served version
cannot be destroyed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from configsvc.model import names
from configsvc.model.errors import Conflict
from configsvc_client.cli import options
from configsvc_client.cli.output import confirm, records
from configsvc_client.cli.settings import composition

if TYPE_CHECKING:
    from configsvc.model.names import Namespace
    from configsvc_client.admin import Admin


@click.command(help=__doc__)
@options.add_namespace_option
@click.argument("key")
@click.argument("version", type=click.IntRange(min=1))
def command(key: str, version: int, namespace: str | None) -> None:
    names.parse_key(key)
    target, admin = options.choose_target(namespace), composition.open_admin()
    question = f"Destroy the value of version {version} of {key} in {target}? This cannot be undone."
    confirm.confirm(question, lambda: _check_not_served(admin, target, key, version))
    revision = admin.values.destroy(target, key, version)
    records.report_done(
        f"{target} {key}: version {version} destroyed, revision {revision}",
        {"namespace": target, "key": key, "version": version, "revision": revision},
    )


def _check_not_served(admin: Admin, namespace: Namespace, key: str, version: int) -> None:
    """Checks that the version has a value and is not served.

    Raises:
        NotFound, Gone: it has no value.
        Conflict: it is served.
    """
    admin.values.get_entry(namespace, key, version)
    info = next(iter(admin.values.find_keys(namespace, [key]).values()), None)
    if info and info.active == version:
        raise Conflict(f"Version {version} of {key} is served. Serve another version or delete the key first.", key=key)
