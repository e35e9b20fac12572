"""`configsvc destroy`."""

from __future__ import annotations

import click

from configsvc_client.cli import _confirm, _options, _output, _settings


@click.command("destroy")
@_options.one_namespace
@click.argument("key")
@click.argument("version", type=click.IntRange(min=1))
def command(key: str, version: int, namespace: str | None) -> None:
    """Destroy the value of VERSION of KEY for good (takes the admin action).

    The record that it was there stays, and its number is never given out again. What is served cannot be destroyed.
    """
    target, admin = _options.target(namespace), _settings.admin()
    _confirm.confirm(f"Destroy the value of version {version} of {key} in {target}? Nothing brings it back.")
    revision = admin.destroy(target, key, version)
    _output.done(
        f"{target} {key}: version {version} destroyed, revision {revision}",
        {"namespace": target, "key": key, "version": version, "revision": revision},
    )
