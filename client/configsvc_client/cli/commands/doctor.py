"""Check your setup and suggest fixes.

Settings, the service, the clock, both principals and their grants; for each namespace whether a grant and IAM allow
writing, its data keys, whether their KMS keys are pinned, and whether KMS opens them. Nothing is written: IAM is
asked with signed requests without content, which the service refuses. Of two API keys each is checked; it is a
warning if one is refused. Ends with 1 if something fails.

In a pipe: name, state (ok, warning, failed, skipped), what was found, what to do, separated by tabs.
"""

from __future__ import annotations

import click

from configsvc.model.errors import Misconfigured
from configsvc_client.cli import _exit, _options, _output


@click.command(help=__doc__)
@_options.namespaces
def command(namespaces: tuple[str, ...]) -> int:
    try:
        wanted = _options.the_namespaces(namespaces, none=True)
    except Misconfigured:  # the first check says why
        wanted = []
    return report([str(each) for each in wanted])


def report(namespaces: list[str]) -> int:
    """Prints the checks; the exit code."""
    from configsvc_client.cli._examined import examined

    found = list(examined(namespaces))
    _output.table(("check", "state", "found", "what to do"), found)
    return _exit.FAILED if any(each.state == "failed" for each in found) else 0
