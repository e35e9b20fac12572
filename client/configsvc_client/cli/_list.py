"""`configsvc list`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from configsvc_client.cli import _options, _output, _settings

if TYPE_CHECKING:
    from configsvc_client.admin import KeyInfo

_COLUMNS = ("key", "form", "content type", "active", "latest", "revision")
_MORE = ("next version", "rotate by")


@click.command("list")
@_options.one_namespace
@click.option("--long", "longer", is_flag=True, help="Also the next version, and when a value is to be replaced.")
@click.argument("prefix", default="")
def command(prefix: str, namespace: str | None, *, longer: bool) -> None:
    """List the keys that start with PREFIX, without values.

    In a pipe: key, form, content type, active version, latest version, revision, and with --long next version and
    rotate by, separated by tabs.
    """
    found = _settings.admin().keys(_options.the_namespace(namespace), prefix)
    _output.table((*_COLUMNS, *_MORE) if longer else _COLUMNS, (_row(each, longer=longer) for each in found))


def _row(key: KeyInfo, *, longer: bool) -> tuple[str | int | None, ...]:
    row = (key.key, key.form, key.content_type, key.active, key.latest, key.revision)
    return (*row, key.next_version, key.rotate_by) if longer else row
