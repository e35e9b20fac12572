"""A probe of a server on loopback, and the response that it wants."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from configsvc.scheduled.probe import Probe, ProbeSettings, Report, observe
from configsvc.scheduled.probe_checks import Answer
from configsvc.scheduled.probe_fetch import parse_url
from configsvc.scheduled.probe_key import HeldApiKey

KEY = "canary-k3y-hunter2"
KEY_ID = "probe1"
NOW = 1_800_000_000.0
TAG = "0a1b2c3d4e5f6071"


def heartbeat(at: float = NOW) -> str:
    return json.dumps({"at": datetime.fromtimestamp(at, UTC).isoformat()})


def make_snapshot(revision: int = 41, value: str | None = None, **changed: object) -> dict[str, object]:
    entry = {
        "key": "heartbeat", "version": 3, "form": "plain", "content_type": "application/json",
        "value": heartbeat() if value is None else value,
    }  # fmt: skip
    members = {"namespace": "configsvc.probe", "revision": revision, "data_keys": [], "entries": [entry]}
    return {**members, **changed}


def make_headers(revision: int = 41, tag: str = TAG) -> dict[str, str]:
    return {"content-type": "application/json", "etag": f'"{revision}-{tag}"'}


def make_answer(revision: int = 41, *, tag: str = TAG, status: int = 200, **changed: object) -> Answer:
    return Answer(status, make_headers(revision, tag), json.dumps(make_snapshot(revision, **changed)).encode())  # type: ignore[arg-type]  # the tests' own


def make_http(body: bytes, headers: Mapping[str, str] | None = None, status: str = "200 OK") -> bytes:
    """The bytes of a whole response."""
    sent = {**make_headers(), "content-length": str(len(body)), **(headers or {})}
    return "\r\n".join([f"HTTP/1.1 {status}", *(f"{k}: {v}" for k, v in sent.items()), "", ""]).encode() + body


def make_probe(url: str, *, now: float = NOW, max_age: float = 900.0) -> Probe:
    """A probe of this server with a key in memory and a clock that stands still."""
    key = HeldApiKey(lambda: {"id": KEY_ID, "value": KEY, "enabled": True})
    return Probe(ProbeSettings(parse_url(url), KEY_ID, max_age), key, now=lambda: now)


def probe(url: str, *, seconds: float = 5.0, now: float = NOW) -> Report:
    """One run against this server."""
    return observe(lambda: make_probe(url, now=now), seconds)
