"""Runs pytest in forks: with one function replaced, or with one module imported from a given source.

A function is replaced in a fork of a pytest that has collected the tests: the function object gets other code. A change
outside functions needs a separate pytest, forked from a process that has imported nothing of ours.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import NamedTuple

import pytest

from tests.mutants.mutant import Mutant

UNPLANTED = 75
"""The exit status if a mutant's function was not found, or cannot be replaced."""

LATE = -1

BROKEN = 70
"""The exit status if the run of the tests itself failed."""

_MEMORY = 4 << 30
_ARGUMENTS = (
    "-q", "-s", "-p", "no:randomly", "-p", "no:cacheprovider", "--tb=no", "--no-header", "--no-summary",
    "-m", "not slow and not long and not emulator",
    "--assert=plain",  # rewriting would import the client, which has a plugin
)  # fmt: skip


class Running(NamedTuple):
    """A fork: its process group, and the time of the monotonic clock at which it is killed."""

    pid: int
    until: float


def name_module(path: str) -> str:
    """Returns the name that a file is imported by."""
    return path.removeprefix("client/").removesuffix(".py").replace("/", ".")


def fork(work: Callable[[], int], output: Path, until: float) -> Running:
    """Starts a process group that does the work, prints into a file, and exits with the result."""
    pid = os.fork()
    if pid:
        return Running(pid, until)
    status = BROKEN
    try:
        os.setsid()
        written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(written, 1)
        os.dup2(written, 2)
        # A mutant whose data grows without end must not take the machine with it.
        resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
        status = work()
    finally:
        os._exit(status)


def wait_for_any(running: Sequence[Running], now: float) -> tuple[Running, int, float] | None:
    """Returns a fork that ended, its exit status (LATE: it was too slow and was killed), and its CPU seconds."""
    for each in running:
        late = now >= each.until
        if late:
            _end_group(each.pid)
        pid, status, used = os.wait4(each.pid, 0 if late else os.WNOHANG)
        if pid:
            _end_group(pid)
            return each, LATE if late else os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime
    return None


def _end_group(pid: int) -> None:
    """Kills what the tests started and left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def run_files(files: Iterable[str], *plugins: object) -> int:
    """Runs the tests of those files. Exits as pytest does."""
    return int(pytest.main([*_ARGUMENTS, *files], plugins=[*plugins, _Deterministic()]))


def run_imported(path: str, source: str, tests: Sequence[str]) -> int:
    """Runs the tests with the module imported from that source."""
    sys.meta_path.insert(0, _Planted(path, source))
    return run_files(dict.fromkeys(test.partition("::")[0] for test in tests), _ChosenTests(tests))


def run_replaced(path: str, mutant: Mutant, session: pytest.Session, items: Sequence[pytest.Item]) -> int:
    """Runs the collected tests with one function's code replaced, until one fails."""
    replaced = _replace_function(importlib.import_module(name_module(path)), path, mutant)
    if not replaced:
        return UNPLANTED
    try:
        return run_items(session, items)
    except Exception:  # noqa: BLE001  # pytest's own, such as a failure that it cannot show, because a repr is broken
        return 1  # the unchanged module runs in the same way, and nothing may be raised there


def run_items(session: pytest.Session, items: Sequence[pytest.Item]) -> int:
    """Runs the items until one fails."""
    for item, following in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            break
    return int(bool(session.testsfailed))


def _replace_function(module: ModuleType, path: str, mutant: Mutant) -> bool:
    """Replaces the function that begins where the mutant's does; returns whether it was there."""
    line = mutant.scope[0] if mutant.scope else 0
    code = compile(mutant.source, str(Path(path).resolve()), "exec", dont_inherit=True)
    codes = [each for each in _list_codes(code) if each.co_firstlineno == line]
    functions = [each for each in _list_functions(module) if each.__code__.co_firstlineno == line]
    closed_over = {each.__code__.co_freevars for each in functions}
    if closed_over != {code.co_freevars for code in codes} or len(codes) != 1:
        return False
    for each in functions:
        each.__code__ = codes[0]
    return True


def _list_codes(code: CodeType) -> Iterator[CodeType]:
    """Yields the functions and methods of a module's code, and the bodies of its classes."""
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            if not each.co_flags & inspect.CO_NEWLOCALS:
                yield from _list_codes(each)


def _list_functions(module: ModuleType) -> Iterator[FunctionType]:
    own = [each for each in vars(module).values() if getattr(each, "__module__", None) == module.__name__]
    members = [each for kind in own if isinstance(kind, type) for each in vars(kind).values()]
    for each in [*own, *members]:
        bare = each.fget if isinstance(each, property) else getattr(each, "__func__", each)
        if isinstance(bare, FunctionType):
            yield bare


class _Planted(SourceFileLoader):
    """Imports one module from the given source. Its frames name the original file."""

    def __init__(self, path: str, source: str) -> None:
        super().__init__(name_module(path), str(Path(path).resolve()))
        self._source = source

    def find_spec(self, fullname: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        """Returns the spec of that module, or None for others."""
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def get_code(self, fullname: str) -> CodeType:
        """Compiles the source, without any cache."""
        del fullname
        return compile(self._source, str(self.path), "exec", dont_inherit=True)


class _Deterministic:
    """Makes property tests draw the same in every run, keep nothing, and not shrink failures."""

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self) -> None:
        """Runs after the profile of the tests is loaded."""
        from hypothesis import Phase, settings

        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("mutants", settings(), derandomize=True, database=None, phases=phases)
        settings.load_profile("mutants")


class _ChosenTests:
    """Runs the tests in the given order, then those that have new names, until one fails."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._order = {test: number for number, test in enumerate(tests)}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Replaces pytest's own loop."""
        if session.testsfailed:  # a file could not be imported
            return True
        last = len(self._order)
        run_items(session, sorted(session.items, key=lambda item: self._order.get(item.nodeid, last)))
        return True
