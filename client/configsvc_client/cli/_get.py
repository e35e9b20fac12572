"""`configsvc get`."""

from __future__ import annotations

import click

from configsvc_client.cli import _options, _settings, _terminal


@click.command("get")
@_options.one_namespace
@click.argument("key")
@click.option("--reveal", is_flag=True, help="Show a sealed value on a terminal.")
def command(key: str, namespace: str | None, *, reveal: bool) -> None:
    """Print the value of KEY that is served.

    In a pipe: the value and nothing else, no newline added. On a terminal a sealed value is masked.
    """
    target, admin = _options.the_namespace(namespace), _settings.admin()
    found = admin.entry(target, key)
    if not _terminal.is_terminal():
        click.echo(admin.opened(target, found).data, nl=False)
    elif found.sealed and not reveal:
        click.echo(_terminal.MASK)
        click.echo(f"{found.key} is sealed ({found.form}, version {found.version}). Show it: --reveal", err=True)
    else:
        click.echo(_terminal.printable(admin.opened(target, found).data.decode(errors="replace")))
