"""The policy line that keeps a retired data key retired, whatever the service says later."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from configsvc.model.errors import ConfigsvcError
from configsvc_client.cli import _output, _settings, _terminal

if TYPE_CHECKING:
    from configsvc.model.names import Namespace
    from configsvc_client.admin import Admin


def offered(kids: Sequence[str]) -> str:
    """What is wrong where the service lists retired data keys as live."""
    return f"the service lists retired data keys as live: {', '.join(kids)}. Someone may have changed its table"


def advise(admin: Admin, namespace: Namespace) -> list[str]:
    """The retired kids of a namespace. Those that the trusted policy lacks are shown as the line to paste."""
    with suppress(ConfigsvcError):  # earlier retired ones too, where the API key may read
        admin.data_keys.list(namespace)
    policy = _settings.policy()
    held = policy.retired_kids(namespace) if _settings.resolved().project_trusted else frozenset[str]()
    kids = sorted(admin.data_keys.get_retired(namespace) | held)
    if _output.kind() != "json" and not held.issuperset(kids):
        _terminal.say(
            "The service could be made to offer a retired data key again. So that nobody seals under it, set this in "
            f'.configsvc.toml under [policy."{policy.table(namespace) or namespace}"], run configsvc trust, and commit '
            "the file:",
            f"retired_kids = {json.dumps(kids)}",
        )
    return kids
