"""Save, show and verify fallback files.

Consumers start with such a file (CONFIGSVC_FALLBACK) while the service is down.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from configsvc_client.cli import _group, _options, _output, _settings, _terminal, _typed

_FILE = click.argument("file", type=_typed.FilledPath(dir_okay=False, path_type=Path))


@click.group(cls=_group.Group, help=__doc__)
def command() -> None:
    pass


@command.command("save")
@_options.namespaces
@_FILE
def save(namespaces: tuple[str, ...], file: Path) -> None:
    """Save the served values to a fallback file.

    Sealed values stay sealed, and none is opened, so the file may be shipped with the code. Plain values are in the
    clear.
    """
    found = _settings.admin().fallback_file.save(file, *_options.the_namespaces(namespaces))
    told = ", ".join(f"{namespace} at revision {revision}" for namespace, revision in found.revisions.items())
    _output.done(
        f"{file}: {found.entries} entries; {told}",
        {"file": str(file), "url": found.url, "entries": found.entries, "revisions": dict(found.revisions)},
    )


@command.command("show")
@_FILE
def show(file: Path) -> None:
    """List the keys in a fallback file, without values.

    Nothing is sent.

    In a pipe: namespace, revision, key, version, form, content type, separated by tabs.
    """
    from configsvc_client import _fallback

    with _naming(file):
        found = _fallback.decode(_fallback.read(str(file)))
    _output.table(
        ("namespace", "revision", "key", "version", "form", "content type"),
        (
            (each.namespace, each.revision, entry.key, entry.version, entry.form, entry.content_type)
            for each in found.snapshots
            for entry in each.entries
        ),
    )
    _terminal.say(f"{file}: saved from {found.url} at {_time(found.saved_at)}")


@command.command("verify")
@_FILE
def verify(file: Path) -> None:
    """Open every value in a fallback file as a consumer would.

    No value is shown. The file has to be from the service that CONFIGSVC_URL names. Each value that does
    not open is named with the reason.
    """
    with _naming(file):
        found = _settings.admin().fallback_file.verify(file)
    _output.done(
        f"{file}: all {found.entries} entries open; saved at {_time(found.saved_at)}",
        {"file": str(file), "entries": found.entries, "saved_at": _time(found.saved_at)},
    )


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    """Puts the file's name before what is wrong with it."""
    from configsvc_client._fallback import BadFallback

    try:
        yield
    except BadFallback as error:
        raise BadFallback(f"{file}: {error.detail}", **error.members) from None


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
