"""`configsvc list`."""

from __future__ import annotations

import click

from configsvc_client.cli import _options, _output, _settings


@click.command("list")
@_options.one_namespace
@click.argument("prefix", default="")
def command(prefix: str, namespace: str | None) -> None:
    """List the keys that start with PREFIX, without values.

    In a pipe: key, form, content type, active version, latest version, revision, separated by tabs.
    """
    found = _settings.admin().keys(_options.the_namespace(namespace), prefix)
    _output.table(
        ("key", "form", "content type", "active", "latest", "revision"),
        ((each.key, each.form, each.content_type, each.active, each.latest, each.revision) for each in found),
    )
