"""What a process allows and what becomes of it: threads that do not start, forks, copies that SnapStart restores."""

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
"""Who is told, by identity. It is state of the module, because the interpreter's own list of hooks is that of the
process and nothing is ever taken off it: with a hook each, every Config that was dropped would leave one behind."""


_IMPORTING: set[tuple[str, int]] = set()
"""Modules that are being imported, and by which threads."""


class CopyHooks(Protocol):
    """Who wants to know."""

    def _after_fork(self) -> None: ...

    def _after_restore(self) -> None: ...


def start_thread(target: Callable[[], object], name: str) -> threading.Thread | None:
    """A daemon thread that runs a function; None where the process starts none: do it yourself, or do without.

    A limit of threads or memory raises RuntimeError, and so does an interpreter that is ending, from 3.12 on. Before,
    the thread would never run, and `start` would wait for it for ever.
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
    """Tells an object, as long as it lives, in each child process and in each restored copy.

    Lambda's Python runtimes with SnapStart bring `snapshot_restore_py` (AWS Lambda developer guide, "Lambda SnapStart
    runtime hooks for Python"); it is imported only where SnapStart is on.
    """
    _HOOKED[id(copied)] = copied
    if environ.get(_INITIALIZATION) == _SNAP_START:
        _hook_into_restores()


def _run_fork_hooks() -> None:
    _run_all([each._after_fork for each in _HOOKED.values()])  # noqa: SLF001  # of the protocol above


def _run_restore_hooks() -> None:
    _run_all([each._after_restore for each in _HOOKED.values()])  # noqa: SLF001  # as above


def _run_all(hooks: list[Callable[[], None]]) -> None:
    """One that fails keeps no other from being told."""
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
    """A module that is imported at the first call, also by a signal handler that interrupts just that.

    Such a handler would meet half a module, or for ever wait for a lock that its own thread holds. It has a copy of its
    own, made without the locks of imports, so what the module imports must be imported already.
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
