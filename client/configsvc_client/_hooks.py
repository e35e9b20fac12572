"""What has to happen in a copy of this process: after a fork, and after Lambda SnapStart restored it."""

from __future__ import annotations

import importlib
import os
import weakref
from collections.abc import Mapping
from typing import Protocol

_INITIALIZATION = "AWS_LAMBDA_INITIALIZATION_TYPE"
_SNAP_START = "snap-start"


class Copied(Protocol):
    """Who wants to know."""

    def _forked(self) -> None: ...

    def _restored(self) -> None: ...


def after_copies(copied: Copied, environ: Mapping[str, str]) -> None:
    """Tells an object, as long as it lives, in each child process and in each restored copy.

    Lambda's Python runtimes with SnapStart bring `snapshot_restore_py` (AWS Lambda developer guide, "Lambda SnapStart
    runtime hooks for Python"); it is imported only where SnapStart is on.
    """
    alive = weakref.ref(copied)

    def forked() -> None:
        if (found := alive()) is not None:
            found._forked()  # noqa: SLF001  # of the protocol above

    def restored() -> None:
        if (found := alive()) is not None:
            found._restored()  # noqa: SLF001  # as above

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=forked)
    if environ.get(_INITIALIZATION) == _SNAP_START:
        _register(restored)


def _register(restored: object) -> None:
    try:
        runtime = importlib.import_module("snapshot_restore_py")
    except ImportError:
        return
    runtime.register_after_restore(restored)
