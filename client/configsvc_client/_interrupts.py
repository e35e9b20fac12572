"""Exceptions that are meant for whoever called the client: what signal handlers raise, and what ends a program.

A time limit may strike anywhere, also where an OSError or any Exception is caught to be told as an error of ours. So
whatever is caught is looked at first. Imported only when something failed.
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
"""Packages whose exceptions are ordinary failures, beside Python's own."""


def find_interrupt(error: BaseException) -> BaseException | None:
    """The exception to pass on in place of one that was caught, where there is one.

    It is the error itself or one that it was raised upon: botocore, httptools and others wrap what they catch. What was
    being handled when the client was called is left out: that was met before.
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
    """Raises what is to be passed on in place of an error that was caught, where there is such a thing."""
    found = find_interrupt(error)
    if found is not None:
        raise found


def prefer_interrupt(error: BaseException, ours: Exception) -> BaseException:
    """What to raise, after the `except` was left, in place of an error that was caught: ours, or what is passed on."""
    found = find_interrupt(error)
    return ours if found is None else drop_struck_frames(found)


def drop_struck_frames(error: BaseException) -> BaseException:
    """An exception to pass on, without the frames that it struck, which had values in hand.

    Those of a signal handler stay. It was given the frame it interrupted, so what those frames hold is dropped as well.
    """
    own, part = _find_handler_part(error), error.__traceback__
    while own is not None and part is not own and part is not None:
        with contextlib.suppress(RuntimeError):  # it still runs: the one that caught it
            part.tb_frame.clear()
        part = part.tb_next
    error.__context__ = None
    return error.with_traceback(own)


def is_injected(error: Exception) -> bool:
    """Whether another thread put it into this one (`PyThreadState_SetAsyncExc`), as time limits for threads do.

    It is of a package of which nothing ran here. One of Python's own classes cannot be told from an ordinary failure.
    """
    package = _get_package(type(error).__module__)
    if _is_ordinary(package):
        return False
    return all(_get_package(_get_module(part)) != package for part in walk_traceback(error))


def _find_handler_part(error: BaseException) -> TracebackType | None:
    """The traceback from where a signal handler begins, None where it passes through none."""
    codes = set(_iterate_handlers())
    return next((part for part in walk_traceback(error) if _is_of_a_handler(part.tb_frame, codes)), None)


def _is_of_a_handler(frame: FrameType, codes: set[int]) -> bool:
    """Whether a function is registered, or was called as only handlers are: with a number and a frame.

    By its arguments those are found that were registered no longer when they raised.
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
    """The code of the functions that are registered for signals, by its identity: equal code may be another's."""
    signal = sys.modules.get("signal")
    if signal is not None:  # else nobody registered one
        for number in range(1, signal.NSIG):
            yield from _iterate_codes(signal.getsignal(number))


def _iterate_codes(handler: object) -> Iterator[int]:
    """The code that runs when something is called, behind methods, partials, wrappers and objects."""
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
    with contextlib.suppress(Exception):  # it may be computed
        return getattr(of, name, None)
    return None


def walk_traceback(error: BaseException) -> Iterator[TracebackType]:
    """Its traceback, from the frame that caught it inward."""
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
