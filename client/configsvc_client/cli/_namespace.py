"""`configsvc namespace`."""

from __future__ import annotations

import click

from configsvc_client.cli import _options, _settings, _terminal


@click.group("namespace")
def command() -> None:
    """Create and list namespaces."""


@command.command("create")
@_options.one_namespace
@click.argument("name", required=False)
@click.option(
    "--kms-key", metavar="ARN", help="KMS key that wraps the first data key; CONFIGSVC_KMS_KEYS where left out."
)
@click.option("--no-data-key", is_flag=True, help="Add none: for plain and kms values only.")
@click.option("--description", help="What it is for.")
def create(
    name: str | None, namespace: str | None, kms_key: str | None, description: str | None, *, no_data_key: bool
) -> None:
    """Create a namespace with its first data key. Done again, it adds what is missing."""
    target = _options.the_namespace(name or namespace)
    wrapping = None if no_data_key else _settings.kms_key(kms_key)
    admin = _settings.admin()
    created = admin.create_namespace(target, description=description)
    click.echo(f"{target}: {'created' if created else 'was there already'}", err=True)
    if wrapping and not any(each.state == "live" for each in admin.data_keys(target)):
        click.echo(f"{target}: data key {admin.add_data_key(target, wrapping)} added under {wrapping}", err=True)


@command.command("list")
@click.argument("prefix", default="")
def list_(prefix: str) -> None:
    """List the namespaces that your API key may read."""
    found = _settings.admin().namespaces(prefix)
    _terminal.table(("namespace", "description"), ((each.namespace, each.description) for each in found))
