"""Show your two principals and their grants.

Both are shown as the service sees them: reads use the API key, writes the IAM identity.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from configsvc.model.errors import Forbidden, Misconfigured
from configsvc_client._wording import join_sentences
from configsvc_client.cli.output import records, terminal
from configsvc_client.cli.settings import composition, sources


@click.command(help=__doc__)
@click.option("--api-key-only", is_flag=True, help="Show only the API key's principal, without signing.")
def command(*, api_key_only: bool) -> None:
    admin = composition.open_admin()
    try:
        found = admin.access.whoami(signed=not api_key_only)
    except Misconfigured as error:
        terminal.say(
            join_sentences(f"configsvc: {error.detail}", "They are needed to write, not to read."),
            *sources.list_origins(error.detail),
        )
        found = admin.access.whoami(signed=False)
    except Forbidden as error:
        if error.members.get("gateway") != "ACCESS_DENIED":
            raise
        terminal.say(join_sentences(f"configsvc: {error.detail}", "To read, the API key is enough:"))
        found = admin.access.whoami(signed=False)
    if records.get_kind() == "json":
        records.print_record({kind: found.get(kind) for kind in ("api_key", "iam")})
        return
    for kind, title in (("api_key", "API key"), ("iam", "IAM")):
        for line in _describe(title, found.get(kind)):
            terminal.show(line)


def _describe(title: str, found: object) -> Iterable[str]:
    if not isinstance(found, Mapping):
        yield f"{title}: none"
        return
    yield f"{title}: {found.get('principal')}" + (" (administrator)" if found.get("administrator") else "")
    held: list[Mapping[str, Any]] = found.get("grants") or []
    for grant in held:
        yield f"  {', '.join(grant['actions'])} on {', '.join(grant['namespaces'])}"
    if not held:
        yield "  no grants"
