"""`configsvc data-key`."""

from __future__ import annotations

import click

from configsvc_client.cli import _options, _output, _settings


@click.group("data-key")
def command() -> None:
    """Data keys of a namespace: what values are sealed under."""


@command.command("add")
@_options.one_namespace
@click.option("--kms-key", metavar="ARN", help="KMS key that wraps it; CONFIGSVC_KMS_KEYS where left out.")
def add(namespace: str | None, kms_key: str | None) -> None:
    """Make a data key with kms:GenerateDataKey. New values are sealed under it from now on."""
    target = _options.the_namespace(namespace)
    wrapping = _settings.kms_key(kms_key)
    click.echo(
        f"{target}: data key {_settings.admin().add_data_key(target, wrapping)} added under {wrapping}", err=True
    )


@command.command("list")
@_options.one_namespace
def list_(namespace: str | None) -> None:
    """List the data keys, newest first. In a pipe: kid, state, seals, served, KMS key, separated by tabs."""
    found = _settings.admin().data_keys(_options.the_namespace(namespace))
    _output.table(
        ("kid", "state", "seals", "served", "KMS key"),
        ((each.data_key.kid, each.state, each.seals, each.served, each.data_key.kms_key) for each in found),
    )
