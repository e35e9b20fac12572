"""Save, show and verify fallback files.

Consumers start with such a file (CONFIGSVC_FALLBACK) while the service is down.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from configsvc_client.cli import common, options
from configsvc_client.cli.output import records, terminal
from configsvc_client.cli.settings import composition

_FILE = click.argument("file", type=common.FilledPath(dir_okay=False, path_type=Path))


@click.group(cls=common.Group, help=__doc__)
def command() -> None:
    pass


@command.command("save")
@options.add_namespaces_option
@_FILE
def save(namespaces: tuple[str, ...], file: Path) -> None:
    """Save the served values to a fallback file.

    Sealed values stay sealed and are not opened, so you can ship the file with your code. Plain values are in the
    clear.
    """
    found = composition.open_admin().fallback_file.save(file, *options.choose_namespaces(namespaces))
    revisions = ", ".join(f"{namespace} at revision {revision}" for namespace, revision in found.revisions.items())
    records.report_done(
        f"{file}: {found.entries} entries; {revisions}",
        {"file": str(file), "url": found.url, "entries": found.entries, "revisions": dict(found.revisions)},
    )


@command.command("show")
@_FILE
def show(file: Path) -> None:
    """List the keys in a fallback file, without values.

    Nothing is sent.

    In a pipe: namespace, revision, key, version, form, content type, separated by tabs.
    """
    from configsvc_client._opening import fallback_file

    with _name_file(file):
        found = fallback_file.decode(fallback_file.read(str(file)))
    records.print_table(
        ("namespace", "revision", "key", "version", "form", "content type"),
        (
            (each.namespace, each.revision, entry.key, entry.version, entry.form, entry.content_type)
            for each in found.snapshots
            for entry in each.entries
        ),
    )
    terminal.say(f"{file}: saved from {found.url} at {_format_time(found.saved_at)}")


@command.command("verify")
@_FILE
def verify(file: Path) -> None:
    """Open every value in a fallback file as a consumer would.

    No value is shown. The file must come from the service that CONFIGSVC_URL names. Each value that does not open is
    named with the reason.
    """
    with _name_file(file):
        found = composition.open_admin().fallback_file.verify(file)
    records.report_done(
        f"{file}: all {found.entries} entries open; saved at {_format_time(found.saved_at)}",
        {"file": str(file), "entries": found.entries, "saved_at": _format_time(found.saved_at)},
    )


@contextmanager
def _name_file(file: Path) -> Iterator[None]:
    """Puts the name of the file before an error about it."""
    from configsvc_client._opening.fallback_file import BadFallback

    try:
        yield
    except BadFallback as error:
        raise BadFallback(f"{file}: {error.detail}", **error.members) from None


def _format_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
