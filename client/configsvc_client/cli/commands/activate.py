"""Serve a version of a key.

VERSION may be staged, an earlier one, or one of a deleted KEY.
"""

from __future__ import annotations

import click

from configsvc_client.cli import _confirm, _lost, _options, _output, _settings


@click.command(help=__doc__)
@_options.one_namespace
@click.argument("key")
@click.argument("version", type=click.IntRange(min=1))
@click.option("--if-match", type=click.IntRange(min=1), help="Only if the key was last changed at this revision.")
@click.option("--declassify", is_flag=True, help="Let a plain version replace a sealed one; do not ask.")
@_options.message
def command(
    key: str, version: int, namespace: str | None, message: str, if_match: int | None, *, declassify: bool
) -> None:
    target, admin = _options.target(namespace), _settings.admin()
    done = _confirm.declassified(
        lambda agreed: _lost.or_before(
            admin,
            lambda: admin.values.activate(target, key, version, message, if_match=if_match, declassify=agreed).revision,
            lambda error: _lost.revision(error) if error.members.get("active") == version else None,
        ),
        given=declassify,
    )
    _output.done(
        f"{target} {key}: version {version} served, revision {done}",
        {"namespace": target, "key": key, "active": version, "revision": done},
    )
