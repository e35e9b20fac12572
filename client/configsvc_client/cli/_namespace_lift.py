"""`configsvc namespace lift`."""

from __future__ import annotations

import click

from configsvc.model import limits
from configsvc_client.cli import _options, _output, _settings


@click.command("lift")
@_options.one_namespace
@click.argument("name", required=False)
@click.option(
    "--revision", required=True, type=click.IntRange(1, limits.REVISION_LIFT),
    help="The highest revision that a reader took, from config.revisions or the log of the service.",
)  # fmt: skip
def lift(name: str | None, namespace: str | None, *, revision: int) -> None:
    """Raise a namespace above the revision its readers hold.

    Run it after its table was restored or written to. This takes the admin action.

    What it counts of itself is checked against its keys and its log, and mended: a revision that somebody raised comes
    down. Revision and versions go on above REVISION.
    """
    target = _options.target(_options.either(name, namespace))
    lifted = _settings.admin().namespaces.lift(target, revision)
    wrong = [f"; {each['what']} was {each['head']}, not {each['found']}" for each in lifted.differences]
    _output.done(
        f"{target}: at revision {lifted.revision}; versions begin above {lifted.floor}{''.join(wrong)}",
        {
            "namespace": target, "revision": lifted.revision, "floor": lifted.floor,
            "differences": [dict(each) for each in lifted.differences],
        },
    )  # fmt: skip
