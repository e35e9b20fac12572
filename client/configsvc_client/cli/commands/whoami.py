"""Show your two principals and their grants.

Both are shown as the service sees them: the API key reads, the IAM identity writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from configsvc.model.errors import Forbidden, Misconfigured
from configsvc_client._sentences import sentences
from configsvc_client.cli import _origins, _output, _settings, _terminal


@click.command(help=__doc__)
@click.option("--api-key-only", is_flag=True, help="Do not sign: show the API key's principal alone.")
def command(*, api_key_only: bool) -> None:
    admin = _settings.admin()
    try:
        found = admin.access.whoami(signed=not api_key_only)
    except Misconfigured as error:
        _terminal.say(
            sentences(f"configsvc: {error.detail}", "Writing takes them; reading does not."), *_origins.of(error.detail)
        )
        found = admin.access.whoami(signed=False)
    except Forbidden as error:
        if error.members.get("gateway") != "ACCESS_DENIED":
            raise
        _terminal.say(sentences(f"configsvc: {error.detail}", "Reading takes the API key alone:"))
        found = admin.access.whoami(signed=False)
    if _output.kind() == "json":
        _output.record({kind: found.get(kind) for kind in ("api_key", "iam")})
        return
    for kind, title in (("api_key", "API key"), ("iam", "IAM")):
        for line in _described(title, found.get(kind)):
            _terminal.show(line)


def _described(title: str, found: object) -> Iterable[str]:
    if not isinstance(found, Mapping):
        yield f"{title}: none"
        return
    yield f"{title}: {found.get('principal')}" + (" (administrator)" if found.get("administrator") else "")
    held: list[Mapping[str, Any]] = found.get("grants") or []
    for grant in held:
        yield f"  {', '.join(grant['actions'])} on {', '.join(grant['namespaces'])}"
    if not held:
        yield "  no grants"
