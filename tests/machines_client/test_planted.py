"""Each promise's test is proved: a copy of the client with one bug planted fails it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.machines_client.test_client_machine import SEARCH

ROOT = Path(__file__).parents[2]
MACHINE = "tests/machines_client/test_client_machine.py::test_a_client_is_whole_monotonic_and_in_time_whatever_happens"
REFUSALS = "tests/client/test_refusals.py"
OVERDUE = "tests/client/test_overdue.py"
FLIGHTS = "tests/client/test_flights.py"
SLOW = "tests/machines_client/test_slow_machine.py::test_a_client_is_never_stale_without_saying_so"


class Bug(NamedTuple):
    """A change of one file of the client, and the tests that must not pass with it."""

    file: str
    right: str
    wrong: str
    caught_by: str


BUGS = {
    "swapped before everything is verified": Bug(
        "_opening.py", "if self._may_break is not None and", "if self._may_break == () and", MACHINE
    ),
    "an older revision is taken": Bug("_follows.py", "if revision < held.revision:", "if revision < 0:", MACHINE),
    "part of an answer is taken": Bug(
        "_refreshing.py",
        "return Refreshed(Held(layers, Snapshot(layers), source), refused)",
        "layers = (layers[0], *held.layers[1:])\n    return Refreshed(Held(layers, Snapshot(layers), source), refused)",
        MACHINE,
    ),
    "a revision that jumps is taken": Bug(
        "_follows.py", "if revision > held.revision + limits.REVISION_JUMP:", "if revision < 0:", MACHINE
    ),
    "other entries under an equal revision are taken": Bug(
        "_follows.py", "if revision == held.revision and", "if revision == -1 and", MACHINE
    ),
    "one namespace that is refused stops the others": Bug(
        "_refreshing.py",
        "        return Refused(_of(namespace, error), mark)",
        "        raise _of(namespace, error) from None",
        MACHINE,
    ),
    "what is refused counts as fresh": Bug(
        "_refusals.py", "each: at if each in refused else now for each, at", "each: now for each, at", MACHINE
    ),
    "a difference of clocks is not clamped": Bug(
        "_freshness.py",
        "max(0.0, now.wall - since.wall, now.monotonic - since.monotonic)",
        "now.wall - since.wall",
        MACHINE,
    ),
    "only the monotonic clock counts, which stands still in a freeze": Bug(
        "_freshness.py",
        "max(0.0, now.wall - since.wall, now.monotonic - since.monotonic)",
        "max(0.0, now.monotonic - since.monotonic)",
        MACHINE,
    ),
    "what failed is asked for again at once": Bug(
        "_freshness.py",
        "return self._replace(since=now, quiet=max(quiet, _quiet_if_told(pace, chance, retry_after)))",
        "return self",
        "tests/faults_client/test_service_down.py",
    ),
    "max_stale is forgotten": Bug(
        "_keeper.py",
        "if state.held is None or state.freshness.expired(self._world.clock.now(), self._pace):",
        "if state.held is None:",
        "tests/client/test_expiry.py",
    ),
    "several refreshes at a time": Bug(
        "_keeper.py",
        "if not last.over(now):",
        "if left < 0:",
        "tests/faults_client/test_time_and_copies.py::test_20_a_hundred_threads_at_expiry_are_one_refresh_and_the_others_get_the_old_value_at_once",
    ),
    "with little time left nothing is refreshed, however old it is": Bug(
        "_keeper.py", "(left < _ENOUGH * self._usual and not overdue)", "left < _ENOUGH * self._usual", OVERDUE
    ),
    "while another thread refreshes what is overdue is given out": Bug(
        "_keeper.py", "return overdue and self._waited(last, now, left)", "return False", OVERDUE
    ),
    "after failures the pace slows down": Bug("_freshness.py", "quiet=max(quiet, ", "quiet=max(4 * quiet, ", OVERDUE),
    "a refresh that was frozen is waited for by the monotonic clock": Bug(
        "_refresh.py",
        "age(self.began, now) >= self.seconds",
        "now.monotonic - self.began.monotonic >= self.seconds",
        FLIGHTS,
    ),
    "what comes of a refresh that was given up is taken": Bug(
        "_keeper.py",
        "flight.kept = flight.end(state)\n        if flight.kept:",
        "flight.kept = flight.end(state) or self._flights.follow(self._last(), _ended(state))\n        if flight.kept:",
        SLOW,
    ),
    "a refresh that was frozen counts as new": Bug(
        "_refreshing.py", "freshness=confirmed(began,", "freshness=confirmed(self.world.clock.now(),", FLIGHTS
    ),
    "after a timeout the next refresh has no more time": Bug(
        "_refreshing.py",
        "return min(self.longest, max(flight.before.allowed, 2 * flight.seconds))",
        "return flight.before.allowed",
        "tests/client/test_slow_links.py",
    ),
    "the header is believed": Bug(
        "_cipher.py",
        "        if parts.protected != protected or expected.kid != self.kid:",
        "        protected = parts.protected\n        if expected.kid != self.kid:",
        REFUSALS,
    ),
    "KMS is not told which key to use": Bug(
        "_keyring.py", "context, asked, deadline)", "context, None, deadline)", REFUSALS
    ),
    "what KMS says it opened with is not compared": Bug(
        "_keyring.py", "if not same_key(self._pin.checked(opened.key_arn), asked):", "if not opened.key_arn:", REFUSALS
    ),
    "the kid is not computed from the data key": Bug(
        "_cipher.py", "return hmac.compare_digest(self.kid, kid)", "return bool(kid)", REFUSALS
    ),
    "a file is taken from anywhere": Bug(
        "_fallback.py", "if fallback.url != base_of(url):", "if not fallback.url:", "tests/client/test_fallback.py"
    ),
}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("bug", BUGS.values(), ids=BUGS)
def test_a_planted_bug_is_caught(bug: Bug, tmp_path: Path) -> None:
    done = run_copy(bug, bug.wrong, tmp_path, examples=3000)
    assert done.returncode == 1, done.stdout
    assert not [each for each in ("ImportError", "SyntaxError", "AttributeError", "NameError") if each in done.stdout]


@pytest.mark.slow
def test_without_a_bug_a_copy_passes(tmp_path: Path) -> None:
    bug = BUGS["swapped before everything is verified"]
    done = run_copy(bug, bug.right, tmp_path, examples=60)
    assert done.returncode == 0, done.stdout


def run_copy(bug: Bug, instead: str, folder: Path, examples: int) -> subprocess.CompletedProcess[str]:
    copy = folder / "configsvc_client"
    shutil.copytree(ROOT / "client" / "configsvc_client", copy, ignore=shutil.ignore_patterns("__pycache__"))
    source = (copy / bug.file).read_text()
    assert source.count(bug.right) >= 1, "what the bug changes is no longer there"
    (copy / bug.file).write_text(source.replace(bug.right, instead))
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--timeout=270", bug.caught_by]
    # Where CI is set hypothesis tries the same examples each time; a bug is to be found by searching.
    searching = {name: value for name, value in os.environ.items() if name != "CI"}
    environ = {**searching, "PYTHONPATH": str(folder), SEARCH: str(examples), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=280)
