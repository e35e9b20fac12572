"""For code that reads its settings from the environment: fill it from a Config.

    from configsvc_client import Config, environment

    environment.fill(Config())          # db.url is DB_URL from here on, where it was not set already

A secret in the environment is inherited by every process that is started, and shown by the operating system to whoever
may look: prefer `config.secret` where the code is yours. Nothing is refreshed: what was filled in stays.

A key that would set PATH, LD_PRELOAD, PYTHONPATH or another variable that chooses what code is run is refused, as by
`configsvc exec`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, MutableMapping

from configsvc_client._value import Value
from configsvc_client._variables import variables

_LEAVE_OUT = "Leave it out with prefix=, or read it from the Config."


def fill(
    config: Mapping[str, Value],
    environ: MutableMapping[str, str] | None = None,
    *,
    prefix: str = "",
    overwrite: bool = False,
) -> list[str]:
    """Set the variable of each key, by the names that `configsvc exec` gives them; all or none.

    Args:
        config: a Config, which is loaded if nothing is held, or one of its snapshots.
        environ: what is filled; `os.environ` where left out.
        prefix: only keys that begin so. Their variables have the whole key's name.
        overwrite: whether variables that are set already are set anew; else they stay.

    Returns:
        The names that were set, in their order; never a value.

    Raises:
        Unprocessable: a key would choose what code is run, two have the same variable, or a value cannot stand in one.
        CannotOpen: a key does not open.
        ConfigUnavailable, Misconfigured: as reading does.
    """
    target = os.environ if environ is None else environ
    snapshot = getattr(config, "snapshot", lambda: config)()
    found = variables({key: _stored(snapshot[key]) for key in snapshot if key.startswith(prefix)}, _LEAVE_OUT)
    chosen = {name: text for name, text in found.items() if overwrite or name not in target}
    target.update(chosen)
    return sorted(chosen)


def _stored(value: Value) -> bytes:
    """Text and bytes as they are, everything else as JSON."""
    if isinstance(value, bytes):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="surrogatepass")
