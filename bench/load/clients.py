"""The simulated consumers: locust in its own environment and process, and its report of them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bench.load.plan import Plan
from local.paths import ROOT

LOCUST = ROOT / ".venvs/load/bin/locust"
_FILE = Path(__file__).with_name("locustfile.py")
_TEXTS_KEPT = 2000
_GRACE = 60


class Consumer(NamedTuple):
    """The observations of one consumer: the revisions it received, in order, and how often nothing had changed."""

    namespace: str
    revisions: list[int]
    unchanged: int

    @property
    def polls(self) -> int:
        """Requests that were answered as they should be."""
        return len(self.revisions) + self.unchanged


class Row(NamedTuple):
    """Requests of one kind, such as `polling, unchanged`: how many took so many milliseconds, how many in a second."""

    name: str
    milliseconds: Mapping[int, int]
    by_second: Mapping[int, int]

    @property
    def requests(self) -> int:
        """How many."""
        return sum(self.milliseconds.values())

    def within(self, share: float) -> int:
        """Milliseconds in which that share of them was answered (locust keeps two digits from 100 on)."""
        left = share * self.requests
        for each, many in sorted(self.milliseconds.items()):
            left -= many
            if left <= 0:
                return each
        return max(self.milliseconds)


class Seen(NamedTuple):
    """A run as the consumers saw it; `failures` are texts with how often, `locust` is its version."""

    consumers: list[Consumer]
    rows: list[Row]
    failures: dict[str, int]
    locust: str


def consume(url: str, api_key: str, namespaces: list[str], plan: Plan, scratch: Path) -> Seen:
    """Run them all, to the end.

    Raises:
        RuntimeError: locust itself failed; holds what it wrote.
    """
    stats, observed = scratch / "stats.json", scratch / "observed.json"
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(scratch),
        "CONFIGSVC_API_KEY": api_key,
        "CONFIGSVC_NAMESPACES": ",".join(namespaces),
        "CONFIGSVC_POLL_SECONDS": str(plan.poll),
    }
    command: list[str | Path] = [
        LOCUST, "-f", _FILE, "--host", url, "--headless", "--only-summary", "--exit-code-on-error", "0",
        "--users", str(plan.clients), "--spawn-rate", str(plan.clients / plan.arriving),
        "--run-time", f"{plan.seconds}s", "--stop-timeout", "20", "--loglevel", "WARNING",
        "--json-file", stats.with_suffix(""), "--observed", observed,
    ]  # fmt: skip
    ran = subprocess.run(
        command, cwd=scratch, env=variables, capture_output=True, text=True, check=False, timeout=plan.seconds + _GRACE
    )
    if ran.returncode or not observed.exists():
        raise RuntimeError(f"locust ended with {ran.returncode}:\n{(ran.stdout + ran.stderr)[-_TEXTS_KEPT:]}")
    found = json.loads(observed.read_text())
    consumers = [Consumer(**each) for each in found["consumers"]]
    return Seen(consumers, [_row(each) for each in json.loads(stats.read_text())], found["failures"], found["locust"])


def _row(entry: dict[str, Any]) -> Row:
    times, seconds = (entry[name] for name in ("response_times", "num_reqs_per_sec"))
    numbers = ({int(each): many for each, many in counts.items()} for counts in (times, seconds))
    return Row(entry["name"], *numbers)
