"""A pytest plugin that collects a module's tests once, records which functions each calls, and forks per mutant."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import pytest

from tests.mutants import trial
from tests.mutants.mutant import Mutant
from tests.mutants.trial import Running

BUILD = Path("build/mutants")
WORKERS = 2
_PATIENCE, _TIMES = 15.0, 6.0
_PAUSE = 0.01
_ITSELF = 600.0

Outcome = tuple[int, int, float]
"""The number of a mutant, how its tests ended, and their CPU seconds."""


class SeenTest(NamedTuple):
    """A test: its duration, and the first lines of the functions of the module that it calls."""

    seconds: float
    called: Sequence[int]


def choose_tests(mutant: Mutant, tests: Mapping[str, SeenTest]) -> list[str]:
    """Returns the tests that call the changed function, or all tests for code outside functions; quick ones first."""
    first, last = mutant.scope or (0, 0)
    names = [
        name for name, each in tests.items()
        if not mutant.scope or any(first <= line <= last for line in each.called)
    ]  # fmt: skip
    return sorted(names, key=lambda name: tests[name].seconds)


def compute_timeout(names: Iterable[str], tests: Mapping[str, SeenTest]) -> float:
    """Returns the seconds after which the tests count as endless."""
    return _PATIENCE + _TIMES * sum(tests[name].seconds for name in names)


def run_in_turn(numbers: Iterable[int], begin: Callable[[int, str], Running]) -> Iterator[Outcome]:
    """Starts the numbers, two at a time, with a suffix for the output, and yields how each ended."""
    running: dict[Running, int] = {}
    for turn, number in enumerate(numbers):
        if len(running) == WORKERS:
            yield _wait_for_next(running)
        running[begin(number, f".{turn % (2 * WORKERS)}.output")] = number
    while running:
        yield _wait_for_next(running)


def _wait_for_next(running: dict[Running, int]) -> Outcome:
    while (found := trial.wait_for_any([*running], time.monotonic())) is None:
        time.sleep(_PAUSE)
    each, status, used = found
    return running.pop(each), status, used


class Session:
    """The plugin. It writes the tests, the modules they need, and how each mutant within a function ended."""

    def __init__(self, path: str, mutants: Sequence[Mutant], output: Path) -> None:
        self._path = path
        self._mutants = mutants
        self._output = output

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Replaces pytest's own loop."""
        if session.testsfailed:  # a file could not be imported
            return True
        seen, log = self._output.with_suffix(".seen"), self._output.with_suffix(".observed")
        work = trial.fork(lambda: self._observe(session, seen), log, time.monotonic() + _ITSELF)
        _, status, _ = _wait_for_next({work: 0})
        if status:
            session.testsfailed = 1
            return True
        tests = {name: SeenTest(*each) for name, each in json.loads(seen.read_text())["tests"].items()}
        numbers = [number for number, mutant in enumerate(self._mutants) if mutant.scope]
        with self._output.open("w") as output:
            for outcome in run_in_turn(numbers, lambda number, suffix: self._begin(session, tests, number, suffix)):
                print(json.dumps(outcome), file=output, flush=True)
        return True

    def _begin(self, session: pytest.Session, tests: Mapping[str, SeenTest], number: int, suffix: str) -> Running:
        mutant = self._mutants[number]
        names = choose_tests(mutant, tests)
        items = {item.nodeid: item for item in session.items}
        until = time.monotonic() + compute_timeout(names, tests)
        tried = [items[name] for name in names]
        log = self._output.with_suffix(suffix)
        return trial.fork(lambda: trial.run_replaced(self._path, mutant, session, tried), log, until)

    def _observe(self, session: pytest.Session, seen: Path) -> int:
        observer = _Observer(str(Path(self._path).resolve()))
        session.config.pluginmanager.register(observer)
        status = trial.run_items(session, session.items)
        seen.write_text(json.dumps({"tests": observer.tests, "modules": [*sys.modules]}))
        return status


class _Observer:
    """Records for each test how long it takes and which functions of one file it calls, in any thread."""

    def __init__(self, path: str) -> None:
        self.tests: dict[str, SeenTest] = {}
        self._path = path
        self._called: set[int] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Wraps set-up, test and tear-down."""
        self._called = set()
        began = time.monotonic()
        threading.settrace(self._trace)
        sys.settrace(self._trace)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            self.tests[item.nodeid] = SeenTest(time.monotonic() - began, sorted(self._called))

    def _trace(self, frame: FrameType, _event: str, _argument: object) -> None:
        if frame.f_code.co_filename == self._path:
            self._called.add(frame.f_code.co_firstlineno)
