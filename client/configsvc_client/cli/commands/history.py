"""List the versions of a key, newest first.

Values are not shown. To print one: configsvc get KEY --version N.

In a pipe: version, state (active, destroyed, or nothing), form, content type, revision, written at, written by,
separated by tabs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from configsvc_client.cli import options
from configsvc_client.cli.output import records, words
from configsvc_client.cli.output.words import get_now
from configsvc_client.cli.settings import composition

if TYPE_CHECKING:
    from configsvc_client.admin import VersionInfo


@click.command(help=__doc__)
@options.add_namespace_option
@options.add_long_option
@click.argument("key")
def command(key: str, namespace: str | None, *, longer: bool) -> None:
    found = composition.open_admin().history.list_versions(options.choose_namespace(namespace), key)
    records.print_table(
        ("version", "state", "form", "content type", "revision", "written at", "written by"),
        (
            (
                each.version,
                _describe_state(each),
                each.form,
                each.content_type,
                each.revision,
                each.written_at,
                each.written_by,
            )
            for each in found
        ),
        {} if longer else {"written at": words.shorten_times(get_now()), "written by": words.shorten_principals},
    )


def _describe_state(version: VersionInfo) -> str | None:
    return "active" if version.active else "destroyed" if version.destroyed else None
