"""`configsvc activate`."""

from __future__ import annotations

import click

from configsvc_client.cli import _options, _output, _settings


@click.command("activate")
@_options.one_namespace
@click.argument("key")
@click.argument("version", type=click.IntRange(min=1))
@click.option("--if-match", type=click.IntRange(min=1), help="Only if the key was last changed at this revision.")
@_options.message
def command(key: str, version: int, namespace: str | None, message: str, if_match: int | None) -> None:
    """Serve VERSION of KEY: one that was staged, an earlier one, or one of a deleted key."""
    target = _options.target(namespace)
    done = _settings.admin().activate(target, key, version, message, if_match=if_match)
    _output.done(
        f"{target} {key}: version {version} served, revision {done.revision}",
        {"namespace": target, "key": key, "active": version, "revision": done.revision},
    )
