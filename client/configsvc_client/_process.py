"""Threads, forks and SnapStart: start threads where the process allows it, and run hooks in copies of the process."""

from __future__ import annotations

import functools
import importlib
import os
import sys
import threading
import weakref
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Protocol

_INITIALIZATION = "AWS_LAMBDA_INITIALIZATION_TYPE"
_SNAP_START = "snap-start"

_HOOKED: weakref.WeakValueDictionary[int, CopyHooks] = weakref.WeakValueDictionary()
"""Objects with hooks, by identity. They live in the module because the interpreter never removes a fork hook: with one
hook per Config, every Config that was dropped would leave its hook behind."""

_IMPORTING: set[tuple[str, int]] = set()
"""Modules being imported, each with the thread that imports it."""


class CopyHooks(Protocol):
    """An object with hooks that run in each copy of its process."""

    def _after_fork(self) -> None: ...

    def _after_restore(self) -> None: ...


def start_thread(target: Callable[[], object], name: str) -> threading.Thread | None:
    """Starts a daemon thread that runs a function. Returns None if the process cannot start one.

    A limit on threads or memory raises RuntimeError. From Python 3.12 on, so does an interpreter that is shutting down;
    before 3.12, such a thread would never run and `start` would wait for it forever.
    """
    if sys.is_finalizing():
        return None
    thread = threading.Thread(target=target, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(error)
        return None
    return thread


def register_copy_hooks(copied: CopyHooks, environ: Mapping[str, str]) -> None:
    """Runs an object's hooks, as long as it lives, in each child process and in each restored copy.

    Lambda's Python runtimes with SnapStart include `snapshot_restore_py` (AWS Lambda developer guide, "Lambda SnapStart
    runtime hooks for Python"). It is imported only if SnapStart is on.
    """
    _HOOKED[id(copied)] = copied
    if environ.get(_INITIALIZATION) == _SNAP_START:
        _hook_into_restores()


def _run_fork_hooks() -> None:
    _run_all([each._after_fork for each in _HOOKED.values()])  # noqa: SLF001  # a hook of the protocol above


def _run_restore_hooks() -> None:
    _run_all([each._after_restore for each in _HOOKED.values()])  # noqa: SLF001  # as above


def _run_all(hooks: list[Callable[[], None]]) -> None:
    """Runs every hook, even after one failed; then raises the first failure."""
    failed: list[Exception] = []
    for hook in hooks:
        try:
            hook()
        except Exception as error:  # noqa: BLE001  # raised below
            failed.append(error)
    if failed:
        raise failed[0]


@functools.cache
def _hook_into_restores() -> None:
    try:
        runtime = importlib.import_module("snapshot_restore_py")
    except ImportError:
        return
    runtime.register_after_restore(_run_restore_hooks)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_run_fork_hooks)


def import_reentrantly(name: str) -> ModuleType:
    """Imports a module on first use, even in a signal handler that interrupts the import of that module.

    Such a handler would see a half-initialized module, or wait forever for a lock that its own thread holds. It gets a
    separate copy, loaded without import locks, so everything that the module imports must already be imported.
    """
    module, this = sys.modules.get(name), (name, threading.get_ident())
    if this in _IMPORTING or (module is not None and getattr(module.__spec__, "_initializing", False)):
        return _load_copy(name)
    if module is not None:
        return module
    _IMPORTING.add(this)
    try:
        return importlib.import_module(name)
    finally:
        _IMPORTING.discard(this)


def _load_copy(name: str) -> ModuleType:
    path = sys.modules[name.rpartition(".")[0]].__path__
    spec = next(spec for finder in sys.meta_path if (spec := finder.find_spec(name, path)))
    copy = ModuleType(name)
    if spec.loader is not None:
        spec.loader.exec_module(copy)
    return copy
