"""Interrupts: exceptions that signal handlers or other threads raise inside the client, passed on to its caller.

A time limit can strike anywhere, also where the client catches an OSError or any Exception to report it as its own
error. So each `except` asks this module first. Imported only when something failed.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Iterator
from types import FrameType, TracebackType

_DEPTH = 20
_VARARGS = 4  # inspect.CO_VARARGS
_ORDINARY = frozenset(
    {
        "awscrt",
        "botocore",
        "configsvc",
        "configsvc_client",
        "cryptography",
        "dateutil",
        "httptools",
        "jmespath",
        "urllib3",
    }
)
"""Packages whose exceptions are ordinary failures, in addition to Python's own."""


def find_interrupt(error: BaseException) -> BaseException | None:
    """Returns the interrupt behind a caught exception; None if the exception is an ordinary failure.

    The interrupt is the exception itself or one in its context: botocore, httptools and others wrap what they catch.
    Exceptions that were already being handled when the client was called do not count.
    """
    running = set(map(id, _walk_stack()))
    met: BaseException | None = error
    for _ in range(_DEPTH):
        if met is None or (met is not error and _begins_in(met, running)):
            return None
        if not isinstance(met, Exception) or _find_handler_part(met) is not None:
            return met
        met = met.__context__
    return None


def reraise_interrupt(error: BaseException) -> None:
    """Raises the interrupt behind a caught exception, if there is one."""
    found = find_interrupt(error)
    if found is not None:
        raise found


def prefer_interrupt(error: BaseException, ours: Exception) -> BaseException:
    """Returns the exception to raise after the `except` block: the interrupt behind the caught one, else ours."""
    found = find_interrupt(error)
    return ours if found is None else drop_struck_frames(found)


def drop_struck_frames(error: BaseException) -> BaseException:
    """Removes the interrupted frames from an interrupt's traceback, because their variables may hold secrets.

    The frames of the signal handler stay. The handler received the interrupted frame, so the variables of the
    interrupted frames are cleared as well.
    """
    own, part = _find_handler_part(error), error.__traceback__
    while own is not None and part is not own and part is not None:
        with contextlib.suppress(RuntimeError):  # the frame that caught it still runs
            part.tb_frame.clear()
        part = part.tb_next
    error.__context__ = None
    return error.with_traceback(own)


def is_injected(error: Exception) -> bool:
    """Whether another thread raised it in this one (`PyThreadState_SetAsyncExc`), as time limits for threads do.

    Its class belongs to a package that has no frame in the traceback. One of Python's own classes cannot be
    distinguished from an ordinary failure.
    """
    package = _get_package(type(error).__module__)
    if _is_ordinary(package):
        return False
    return all(_get_package(_get_module(part)) != package for part in walk_traceback(error))


def _find_handler_part(error: BaseException) -> TracebackType | None:
    """Returns the traceback from the frame of a signal handler inward; None if it contains no handler."""
    codes = set(_iterate_handlers())
    return next((part for part in walk_traceback(error) if _runs_handler(part.tb_frame, codes)), None)


def _runs_handler(frame: FrameType, codes: set[int]) -> bool:
    """Whether a frame runs a registered handler, or was called as only handlers are: with a number and a frame.

    The arguments identify handlers that were already unregistered when they raised.
    """
    if id(frame.f_code) in codes:
        return True
    if _is_ordinary(_get_package(frame.f_globals.get("__name__"))):
        return False
    code = frame.f_code
    taken = code.co_argcount + bool(code.co_flags & _VARARGS) + code.co_kwonlyargcount
    named = [frame.f_locals.get(name) for name in code.co_varnames[:taken]]
    given = [part for each in named for part in (each if type(each) is tuple else (each,))]
    return any(isinstance(one, int) and isinstance(other, FrameType) for one, other in itertools.pairwise(given))


def _iterate_handlers() -> Iterator[int]:
    """Yields the identities of the registered handlers' code objects: equal code may belong to another function."""
    signal = sys.modules.get("signal")
    if signal is not None:  # otherwise no handler is registered
        for number in range(1, signal.NSIG):
            yield from _iterate_codes(signal.getsignal(number))


def _iterate_codes(handler: object) -> Iterator[int]:
    """Yields the code objects that run when a handler is called, behind methods, partials, wrappers and objects."""
    waiting, seen = [handler], list[object]()
    while waiting and len(seen) < _DEPTH:
        each = waiting.pop()
        if each is None or isinstance(each, int) or any(each is other for other in seen):
            continue
        seen.append(each)
        code = _get_part(each, "__code__")
        if code is not None:
            yield id(code)
        waiting += [_get_part(each, name) for name in ("__func__", "func", "__wrapped__")]
        waiting += [vars(kind).get("__call__") for kind in type(each).__mro__ if kind.__module__ != "builtins"]
        if isinstance(each, type):
            waiting += [vars(each).get("__new__"), vars(each).get("__init__")]


def _get_part(of: object, name: str) -> object:
    with contextlib.suppress(Exception):  # it may be a property that raises
        return getattr(of, name, None)
    return None


def walk_traceback(error: BaseException) -> Iterator[TracebackType]:
    """Yields the entries of a traceback, from the frame that caught the exception inward."""
    part = error.__traceback__
    while part is not None:
        yield part
        part = part.tb_next


def _walk_stack() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe()  # noqa: SLF001  # documented
    while frame is not None:
        yield frame
        frame = frame.f_back


def _begins_in(error: BaseException, running: set[int]) -> bool:
    traced = error.__traceback__
    return traced is None or id(traced.tb_frame) in running


def _is_ordinary(package: str) -> bool:
    return package in _ORDINARY or package in sys.stdlib_module_names


def _get_module(traced: TracebackType) -> object:
    return traced.tb_frame.f_globals.get("__name__")


def _get_package(module: object) -> str:
    return str(module or "").partition(".")[0]
