"""Simulated consumers, for locust and against any deployment: each holds a snapshot and polls as the client does.

    CONFIGSVC_API_KEY=… CONFIGSVC_NAMESPACES=payments.prod,shared.prod \
    locust -f bench/load/locustfile.py --host https://….execute-api.eu-west-1.amazonaws.com/api \
        --headless --users 2000 --spawn-rate 33.4 --run-time 120s --stop-timeout 10

A consumer reads one of the namespaces, which are dealt out in turn: first without an ETag, then every
CONFIGSVC_POLL_SECONDS (60, give or take 10 %) with `If-None-Match` and the ETag that it holds, on one kept connection.
It opens nothing and calls no KMS. An answer fails if it is neither 200 nor 304, if a 304 is not about what is held, and
when a 200 is of another namespace, of a revision that is not above the one held, or under an ETag that is not its own.
Needs nothing but locust. `--observed FILE` keeps what each consumer saw, in JSON (not with `--processes`).
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from locust import FastHttpUser, __version__, events, task

_OK, _NOT_MODIFIED = 200, 304
_ETAG = re.compile(r'"(\d+)-[0-9a-f]+"')
_JITTER = 0.1
_SECONDS = 30.0

_numbers = count()
_consumers: list[Consumer] = []


class Odd(Exception):
    """An answer that a consumer must not get."""


class Held(NamedTuple):
    """A consumer's copy of a namespace."""

    etag: str
    revision: int


class Wanted(NamedTuple):
    """The environment's variables."""

    api_key: str
    namespaces: tuple[str, ...]
    poll_seconds: float


def read_wanted(environ: Mapping[str, str]) -> Wanted:
    """Raises SystemExit, which names what is missing."""
    needed = ("CONFIGSVC_API_KEY", "CONFIGSVC_NAMESPACES")
    if missing := [name for name in needed if not environ.get(name, "").strip()]:
        raise SystemExit(f"Not set: {', '.join(missing)}. CONFIGSVC_NAMESPACES is a list with commas.")
    namespaces = [each.strip() for each in environ["CONFIGSVC_NAMESPACES"].split(",")]
    seconds = float(environ.get("CONFIGSVC_POLL_SECONDS") or 60)
    return Wanted(environ["CONFIGSVC_API_KEY"].strip(), tuple(filter(None, namespaces)), seconds)


def check_unchanged(held: Held | None, etag: str | None) -> None:
    """Check that a 304 is about the held snapshot. Raises Odd."""
    if held is None:
        raise Odd("304 to a consumer without a snapshot")
    if etag is not None and _strong(etag) != held.etag:
        raise Odd("304 with another ETag than the held one")


def read_changed(held: Held | None, namespace: str, etag: str | None, snapshot: Mapping[str, Any]) -> Held:
    """Return the snapshot of a 200, which must be newer. Raises Odd."""
    found = _ETAG.fullmatch(_strong(etag or ""))
    if snapshot.get("namespace") != namespace or not isinstance(snapshot.get("entries"), list):
        raise Odd("200 without a snapshot of the namespace")
    if found is None or int(found[1]) != snapshot.get("revision"):
        raise Odd("200 with an ETag that is not of its revision")
    now = Held(found[0], int(found[1]))
    if held and now.revision <= held.revision:
        raise Odd(
            "200 with the revision already held" if now.revision == held.revision else "the revision went backwards"
        )
    return now


def _strong(etag: str) -> str:
    """A proxy that compresses may have made it weak; the client ignores that too."""
    return etag.removeprefix("W/")


_WANTED = read_wanted(os.environ)


class Consumer(FastHttpUser):  # type: ignore[misc]  # locust has a separate environment
    """One function that stays warm."""

    host = os.environ.get("CONFIGSVC_URL")
    insecure = False
    concurrency = 1
    network_timeout = connection_timeout = _SECONDS

    def __init__(self, environment: Any) -> None:  # noqa: ANN401  # locust's
        super().__init__(environment)
        self.namespace = _WANTED.namespaces[next(_numbers) % len(_WANTED.namespaces)]
        self.held: Held | None = None
        self.revisions: list[int] = []
        self.unchanged = 0
        self._target = f"{str(self.client.base_url).rstrip('/')}/v1/namespaces/{self.namespace}/snapshot"
        _consumers.append(self)

    def wait_time(self) -> float:
        """Seconds from an answer to the next poll."""
        return _WANTED.poll_seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  # no secret

    @task  # type: ignore[untyped-decorator]  # as above
    def poll(self) -> None:
        """One conditional GET."""
        headers = {"x-api-key": _WANTED.api_key, "accept-encoding": "gzip"}
        if self.held:
            headers["if-none-match"] = self.held.etag
        coming = self.held is None or self.environment.runner.state == "spawning"
        with self.client.get(self._target, headers=headers, catch_response=True) as response:
            kind = self._take(response)
            response.request_meta["name"] = f"{'arriving' if coming else 'polling'}, {kind}"

    def _take(self, response: Any) -> str:  # noqa: ANN401  # locust's
        """The kind of answer; a failure if it is unexpected."""
        etag = (response.headers or {}).get("etag")
        try:
            if response.status_code == _NOT_MODIFIED:
                check_unchanged(self.held, etag)
                self.unchanged += 1
                response.success()
                return "unchanged"
            if response.status_code == _OK:
                kind = "changed" if self.held else "first"
                self.held = read_changed(self.held, self.namespace, etag, json.loads(response.text))
                self.revisions.append(self.held.revision)
                response.success()
                return kind
            response.failure(f"status {response.status_code}: {response.error or (response.text or '')[:200]}")
        except (Odd, ValueError) as odd:
            response.failure(str(odd))
        return "failed"


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]  # as above
def options(parser: Any) -> None:  # noqa: ANN401  # locust's
    """Adds `--observed`."""
    parser.add_argument("--observed", default="", help="file for what each consumer saw, in JSON")


@events.quitting.add_listener  # type: ignore[untyped-decorator]  # as above
def keep(environment: Any, **_: object) -> None:  # noqa: ANN401  # locust's
    """Writes what each consumer saw, in the order in which they came, and what failed how often."""
    if path := environment.parsed_options.observed:
        consumers = [
            {"namespace": each.namespace, "revisions": each.revisions, "unchanged": each.unchanged}
            for each in _consumers
        ]
        failures = {f"{each.name}: {each.error}": each.occurrences for each in environment.stats.errors.values()}
        failures |= {each["msg"]: each["count"] for each in environment.runner.exceptions.values()}
        Path(path).write_text(json.dumps({"consumers": consumers, "failures": failures, "locust": __version__}))
