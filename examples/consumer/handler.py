"""A function that reads its config from configsvc, and reports what it read without telling a value.

Its own part is three lines: import Config, make one, wrap the handler. The rest is the report. An event
`{"key": "db.url"}` asks about one key; any other reports all.
"""

# ruff: noqa: INP001  # the folder of a function is no package

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from configsvc_client import CannotOpen, Config

config = Config()  # everything from CONFIGSVC_* variables


@config.handler  # loads while the function starts; afterwards refreshes when the poll interval has passed
def handler(event: Mapping[str, str], context: object) -> dict[str, object]:  # noqa: ARG001  # Lambda passes both
    if key := event.get("key"):
        return {**_state(), "key": key, **_described(key)}
    return {**_state(), "entries": {name: _described(name) for name in config}}


def _state() -> dict[str, object]:
    return {"revisions": dict(config.revisions), "age": round(config.age, 3)}


def _described(key: str) -> dict[str, object]:
    value = config[key]
    data = _as_bytes(value)
    told: dict[str, object] = {"type": type(value).__name__, "bytes": len(data)}
    # Enough of a digest to see that a value changed, too little to say what it is.
    told["digest"] = hashlib.sha256(data).hexdigest()[:8]
    try:
        return {**told, "secret": True, "shown": str(config.secret(key))}
    except CannotOpen:  # it was not sealed
        return {**told, "secret": False}


def _as_bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else json.dumps(value, sort_keys=True).encode()
