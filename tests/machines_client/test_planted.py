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
REFUSALS = "tests/client/refresh/test_refusals.py"
OVERDUE = "tests/client/refresh/test_overdue.py"
FLIGHTS = "tests/client/refresh/test_flights.py"
MOVED = "tests/machines_client/test_moved_machine.py::test_a_client_follows_a_name_that_moved"
SLOW = "tests/machines_client/test_slow_machine.py::test_a_client_is_never_stale_without_saying_so"


class Bug(NamedTuple):
    """A change of one file of the client, and the tests that must not pass with it."""

    file: str
    right: str
    wrong: str
    caught_by: str


BUGS = {
    "swapped before everything is verified": Bug(
        "_opening/opening.py", "if self._may_break is not None and", "if self._may_break == () and", MACHINE
    ),
    "an older revision is taken": Bug(
        "_opening/opening.py", "if revision < held.revision:", "if revision < 0:", MACHINE
    ),
    "part of an answer is taken": Bug(
        "_refresh/refresh.py",
        "return RefreshedLayers(Held(layers, Snapshot(layers), source), refused)",
        "layers = (layers[0], *held.layers[1:])\n"
        "    return RefreshedLayers(Held(layers, Snapshot(layers), source), refused)",
        MACHINE,
    ),
    "a revision that jumps is taken": Bug(
        "_opening/opening.py", "if revision > held.revision + limits.REVISION_JUMP:", "if revision < 0:", MACHINE
    ),
    "other entries under an equal revision are taken": Bug(
        "_opening/opening.py", "if revision == held.revision and", "if revision == -1 and", MACHINE
    ),
    "one namespace that is refused stops the others": Bug(
        "_refresh/refresh.py",
        "        return RefusedNamespace(_name_namespace(namespace, error), mark)",
        "        raise _name_namespace(namespace, error) from None",
        MACHINE,
    ),
    "what is refused counts as fresh": Bug(
        "_refresh/troubles.py", "each: at if each in refused else now for each, at", "each: now for each, at", MACHINE
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
        "return self._replace(since=now, quiet=max(quiet, _draw_retry_after(pace, chance, retry_after)))",
        "return self",
        "tests/faults_client/test_service_down.py",
    ),
    "max_stale_seconds is forgotten": Bug(
        "_refresh/keeper.py",
        "if state.held is None or state.freshness.expired(now, self._pace):",
        "if state.held is None:",
        "tests/client/refresh/test_expiry.py",
    ),
    "several refreshes at a time": Bug(
        "_refresh/keeper.py",
        "if not last.is_over(now):",
        "if left < 0:",
        "tests/faults_client/test_time_and_copies.py::test_20_a_hundred_threads_at_expiry_cause_one_refresh",
    ),
    "with little time left nothing is refreshed, however old it is": Bug(
        "_refresh/keeper.py", "(left < _ENOUGH * self._usual and not overdue)", "left < _ENOUGH * self._usual", OVERDUE
    ),
    "while another thread refreshes what is overdue is given out": Bug(
        "_refresh/keeper.py",
        "return self._wait_for(last, now, left) if overdue else (now, False)",
        "return now, False",
        OVERDUE,
    ),
    "after failures the pace slows down": Bug("_freshness.py", "quiet=max(quiet, ", "quiet=max(4 * quiet, ", OVERDUE),
    "a refresh that was frozen is waited for by the monotonic clock": Bug(
        "_refresh/flight.py",
        "age(self.began, now) >= self._lifetime",
        "now.monotonic - self.began.monotonic >= self._lifetime",
        FLIGHTS,
    ),
    "what comes of a refresh that was given up is taken": Bug(
        "_refresh/keeper.py",
        "flight.kept = flight.end(state)\n        if flight.kept:",
        "flight.kept = flight.end(state) or self._flights.follow(self._last(), _make_ended_flight(state))\n"
        "        if flight.kept:",
        SLOW,
    ),
    "a refresh that was frozen counts as new": Bug(
        "_refresh/refresh.py",
        "make_confirmed(began,",
        "make_confirmed(self.world.clock.now(),",
        FLIGHTS,
    ),
    "after a timeout the next refresh has no more time": Bug(
        "_refresh/refresh.py",
        "return min(self.longest, max(flight.before.allowed, 2 * flight.seconds))",
        "return flight.before.allowed",
        "tests/client/transport/test_slow_links.py",
    ),
    "a reader closes only once the refresh has ended": Bug(
        "_refresh/keeper.py",
        "        self._world.close()\n\n    def after_fork",
        "        self._last().wait(99.0)\n        self._world.close()\n\n    def after_fork",
        SLOW,
    ),
    "a handler that interrupts a first load waits for it": Bug(
        "_refresh/keeper.py", "elif last.is_mine():\n", "elif last.is_mine() and deadline < 0:\n", OVERDUE
    ),
    "whoever refreshes holds up all others": Bug(
        "_refresh/flight.py", "self.patience = min(seconds, patience)", "self.patience = 99.0", SLOW
    ),
    "a slow refresh is never finished aside": Bug(
        "_refresh/keeper.py", "aside = allowed > self._usual and not self._freezes", "aside = False", SLOW
    ),
    "a thread that has yet to run is taken for none": Bug(
        "_refresh/keeper.py", "flight.add_thread(thread)", "flight.add_thread()", FLIGHTS
    ),
    "a refresh takes all the time that is left": Bug(
        "_refresh/keeper.py", "self._try_refresh(last, now, left / 2)", "self._try_refresh(last, now, left)", SLOW
    ),
    "who does not know what is left waits as long as a start may take": Bug(
        "_refresh/keeper.py", "return _UNKNOWN_TIMES * usual if", "return self._settings.start_seconds if", SLOW
    ),
    "a black hole keeps the longest deadline": Bug(
        "_refresh/refresh.py",
        "if flight.seconds >= self.longest:",
        "if flight.seconds > self.longest:",
        "tests/client/transport/test_slow_links.py",
    ),
    "a kept connection is not dropped after errors": Bug(
        "_transport/keep_alive.py", "return self._errors < _ERRORS", "return True", MOVED
    ),
    "a kept connection is kept for ever": Bug(
        "_transport/keep_alive.py", "< self._seconds", "< 1e9 * self._seconds", MOVED
    ),
    "being asked to wait counts as an error": Bug(
        "_transport/keep_alive.py", "if status != _LATER:", "if status:", MOVED
    ),
    "a refusal is no error of old servers": Bug("_transport/keep_alive.py", "_ERROR = 400", "_ERROR = 500", MOVED),
    "a kept connection ages by the monotonic clock alone": Bug(
        "_transport/keep_alive.py",
        "max(now[0] - self._opened[0], now[1] - self._opened[1])",
        "now[0] - self._opened[0]",
        "tests/client/refresh/test_moved.py",
    ),
    "what a signal handler raises passes for a failure": Bug(
        "_interrupts.py",
        "if not isinstance(met, Exception) or _find_handler_part(met) is not None:",
        "if not isinstance(met, Exception):",
        "tests/client/process/test_interrupts.py",
    ),
    "readers refresh beside the background thread": Bug(
        "_refresh/keeper.py",
        "if self.attended() and not freshness.expired(now, self._pace):",
        "if left < 0:",
        "tests/client/refresh/test_background_reads.py",
    ),
    "that the background thread is behind is not said": Bug(
        "_refresh/keeper.py", "if state.error is None and self.attended() and", "if state.error is not None and", SLOW
    ),
    "a walk reads each value as it comes": Bug(
        "_refresh/reads.py",
        "lambda: iter(self._read_snapshot().items())",
        "lambda: ((key, self[key]) for key in self._read_snapshot())",
        "tests/client/reading/test_walks.py",
    ),
    "a first load waits as long as the service says, and no longer": Bug(
        "_refresh/load.py",
        "pause = said + _draw_pause(longest, room, world.chance, told=bool(said))",
        "pause = said or _draw_pause(longest, room, world.chance, told=bool(said))",
        "tests/faults_client/test_service_down.py",
    ),
    "a first load gives up after three tries": Bug(
        "_refresh/load.py", "(tried < _FEW or ", "(tried < _FEW and ", "tests/faults_client/test_service_down.py"
    ),
    "a refresh put off for lack of time is not reported": Bug(
        "_refresh/keeper.py",
        'self._note(Unavailable(f"Not refreshed',
        '(lambda _: None)(Unavailable(f"Not refreshed',
        SLOW,
    ),
    "a reader who waited in vain gets no error": Bug(
        "_refresh/keeper.py",
        'self._note(Unavailable("A refresh is under way',
        '(lambda _: None)(Unavailable("A refresh is under way',
        FLIGHTS,
    ),
    "a window is by the wall's clock alone": Bug(
        "_freshness.py",
        "Window(now, ClockReading(now.wall + open_for, now.monotonic + open_for))",
        "Window(now, ClockReading(now.wall + open_for, math.inf))",
        "tests/client/refresh/test_windows.py",
    ),
    "a window is by the monotonic clock alone": Bug(
        "_freshness.py",
        "Window(now, ClockReading(now.wall + open_for, now.monotonic + open_for))",
        "Window(now, ClockReading(math.inf, now.monotonic + open_for))",
        "tests/client/refresh/test_windows.py",
    ),
    "a read compares one clock with its window": Bug(
        "_refresh/reads.py",
        "if self._wall() < published.until and self._monotonic() < published.ends:",
        "if self._wall() < published.until:",
        OVERDUE,
    ),
    "after a restore nothing is due": Bug(
        "_freshness.py", "return self._replace(since=now, quiet=0.0)", "return self", SLOW
    ),
    "the header is believed": Bug(
        "_opening/cipher.py",
        "        if parts.protected != protected or expected.kid != self.kid:",
        "        protected = parts.protected\n        if expected.kid != self.kid:",
        REFUSALS,
    ),
    "KMS is not told which key to use": Bug(
        "_opening/keyring.py", "context, asked, deadline)", "context, None, deadline)", REFUSALS
    ),
    "what KMS says it opened with is not compared": Bug(
        "_opening/keyring.py",
        "if not is_same_key(self._pin.require_trusted(opened.key_arn), asked):",
        "if not opened.key_arn:",
        REFUSALS,
    ),
    "the kid is not computed from the data key": Bug(
        "_opening/cipher.py", "return hmac.compare_digest(self.kid, kid)", "return bool(kid)", REFUSALS
    ),
    "a file is taken from anywhere": Bug(
        "_opening/fallback_file.py",
        "if fallback.url != format_base(url):",
        "if not fallback.url:",
        "tests/client/opening/test_fallback_file.py",
    ),
}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "bug",
    # What the slow machine finds, it finds by searching for up to a minute: every night.
    [pytest.param(bug, id=name, marks=[pytest.mark.long] * (bug.caught_by == SLOW)) for name, bug in BUGS.items()],
)
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
    # In the order of the file: with some bugs, tests further down wait for a minute or more before they fail.
    options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly", "--timeout=270"]
    command = [sys.executable, "-m", "pytest", *options, bug.caught_by]
    # Where CI is set hypothesis tries the same examples each time; a bug is to be found by searching.
    searching = {name: value for name, value in os.environ.items() if name != "CI"}
    environ = {**searching, "PYTHONPATH": str(folder), SEARCH: str(examples), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=280)
