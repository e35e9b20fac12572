"""Serve a version of a key.

VERSION may be a staged version, an earlier one, or one of a deleted KEY.
"""

from __future__ import annotations

import click

from configsvc_client.cli import options
from configsvc_client.cli.output import confirm, records
from configsvc_client.cli.settings import composition
from configsvc_client.cli.values import lost_answers


@click.command(help=__doc__)
@options.add_namespace_option
@click.argument("key")
@click.argument("version", type=click.IntRange(min=1))
@click.option("--if-match", type=click.IntRange(min=1), help="Only if the key was last changed at this revision.")
@click.option("--declassify", is_flag=True, help="Let a plain version replace a sealed one without asking.")
@options.add_message_option
def command(
    key: str, version: int, namespace: str | None, message: str, if_match: int | None, *, declassify: bool
) -> None:
    target, admin = options.choose_target(namespace), composition.open_admin()
    done = confirm.act_and_declassify(
        lambda agreed: lost_answers.accept_repeated(
            admin,
            lambda: admin.values.activate(target, key, version, message, if_match=if_match, declassify=agreed).revision,
            lambda error: lost_answers.get_refused_revision(error) if error.members.get("active") == version else None,
        ),
        given=declassify,
    )
    records.report_done(
        f"{target} {key}: version {version} served, revision {done}",
        {"namespace": target, "key": key, "active": version, "revision": done},
    )
