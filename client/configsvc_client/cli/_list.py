"""`configsvc list`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from configsvc_client.cli import _layers, _options, _output, _settings

if TYPE_CHECKING:
    from configsvc_client.admin import KeyInfo

_COLUMNS = ("key", "form", "content type", "active", "latest", "revision")
_MORE = ("next version", "rotate by")


@click.command("list")
@_options.namespaces
@click.option("--long", "longer", is_flag=True, help="Also the next version, and when a value is to be replaced.")
@click.argument("prefix", default="")
def command(prefix: str, namespaces: tuple[str, ...], *, longer: bool) -> None:
    """List the keys that start with PREFIX, without values.

    Of several namespaces each key comes from the first that serves it, as for a consumer.

    In a pipe: key, form, content type, active version, latest version, revision, with --long next version and rotate
    by, and with several namespaces the namespace, separated by tabs.
    """
    wanted, admin = _options.distinct(_options.the_namespaces(namespaces)), _settings.admin()
    columns = (*_COLUMNS, *_MORE) if longer else _COLUMNS
    if len(wanted) == 1:
        _output.table(columns, (_row(each, longer=longer) for each in admin.keys(wanted[0], prefix)))
        return
    listed = {each: list(admin.keys(each, prefix)) for each in wanted}
    found = _layers.keys(listed)
    _output.table((*columns, "namespace"), ((*_row(each, longer=longer), name) for name, each in found))
    shown = Counter(name for name, _ in found)
    _layers.tell_hidden({name: len(keys) - shown[name] for name, keys in listed.items()})


def _row(key: KeyInfo, *, longer: bool) -> tuple[str | int | None, ...]:
    row = (key.key, key.form, key.content_type, key.active, key.latest, key.revision)
    return (*row, key.next_version, key.rotate_by) if longer else row
