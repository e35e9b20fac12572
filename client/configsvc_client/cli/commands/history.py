"""List the versions of a key, newest first.

Values are not shown. To print one: configsvc get KEY --version N.

In a pipe: version, state (active, destroyed, or nothing), form, content type, revision, written at, written by,
separated by tabs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from configsvc_client.cli import _brief, _options, _output, _settings
from configsvc_client.cli._when import now

if TYPE_CHECKING:
    from configsvc_client.admin import VersionInfo


@click.command(help=__doc__)
@_options.one_namespace
@_options.long
@click.argument("key")
def command(key: str, namespace: str | None, *, longer: bool) -> None:
    found = _settings.admin().history.list_versions(_options.the_namespace(namespace), key)
    _output.table(
        ("version", "state", "form", "content type", "revision", "written at", "written by"),
        (
            (each.version, _state(each), each.form, each.content_type, each.revision, each.written_at, each.written_by)
            for each in found
        ),
        {} if longer else {"written at": _brief.times(now()), "written by": _brief.principals},
    )


def _state(version: VersionInfo) -> str | None:
    return "active" if version.active else "destroyed" if version.destroyed else None
