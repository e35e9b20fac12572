"""Handlers that are no plain functions, and what a plain one returns that has yet to run. Imported only for those."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Generator
from types import FunctionType, GeneratorType, MethodType
from typing import TYPE_CHECKING, Any, NoReturn

from configsvc.model.record import Record
from configsvc_client._opening.snapshot import Snapshot

if TYPE_CHECKING:
    import asyncio

# Flags of code objects, as `inspect` names them; importing that costs more than all else here.
_GENERATOR, _COROUTINE, _ITERABLE_COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x100, 0x200
_DEPTH = 16

Remaining = Callable[[tuple[object, ...], dict[str, object]], float]


class Invoking(Record):
    """The parts of a Config that a wrapper needs.

    That is the snapshot of the invocation, the current one, whether getting that takes no I/O, and the time left.
    """

    invocation: contextvars.ContextVar[Snapshot | None]
    current: Callable[[float], Snapshot]
    at_hand: Callable[[], bool]
    remaining: Remaining


def find_code_flags(function: object) -> int:
    """The flags of the code that a call runs, looked for through partials, methods and callable objects; else 0.

    What contextlib made of a function calls that, at once or when it is entered.
    """
    for _ in range(_DEPTH):
        if isinstance(function, FunctionType):
            if function.__globals__.get("__name__") != "contextlib" or not hasattr(function, "__wrapped__"):
                return function.__code__.co_flags
            function = function.__wrapped__
        elif isinstance(function, functools.partial):
            function = function.func
        elif isinstance(function, MethodType):
            function = function.__func__
        else:
            function = getattr(type(function), "__call__", None)  # noqa: B004  # what a call of it runs
    return 0


def check_handler(function: object, found: int) -> None:
    """Whether a snapshot can be held while a handler runs; `found` is what `flags` gives.

    Raises:
        TypeError: it is not called, or its body runs after the call.
    """
    if not callable(function):
        raise TypeError(f"config.handler wraps a function or another callable, and a {_name_type(function)} is none.")
    if found & (_GENERATOR | _ASYNC_GENERATOR) and not found & _ITERABLE_COROUTINE:
        what = "an async generator" if found & _ASYNC_GENERATOR else "a generator"
        raise TypeError(f"{_name_function(function)} is {what}: {_AFTERWARDS} Return a list, or {_INSTEAD}")


_AFTERWARDS = "its body runs after the call, when the invocation's snapshot is no longer held."
_INSTEAD = "wrap the function that runs it to its end, or take `config.snapshot()` and read from that."


def is_coroutine(found: int) -> bool:
    """Whether a call gives a coroutine, by its flags."""
    return bool(found & (_COROUTINE | _ITERABLE_COROUTINE))


def wrap_coroutine(
    function: Callable[..., Awaitable[Any]], invoking: Invoking
) -> Callable[..., Coroutine[Any, Any, Any]]:
    """A coroutine function that holds one snapshot from its first step to its last, in whatever task it runs."""

    @functools.wraps(function)
    async def invoke(*args: object, **kwargs: object) -> object:
        snapshot = await _load_current(invoking, invoking.remaining(args, kwargs))
        return await _HeldAwaitable(invoking.invocation, snapshot, lambda: function(*args, **kwargs))

    return invoke


def hold_returned(
    came: object, function: object, invocation: contextvars.ContextVar[Snapshot | None], snapshot: Snapshot
) -> object:
    """Wraps a returned value that has yet to run, so that it runs under its snapshot. Returns anything else as it is.

    A task runs in a copy of the context in which it was made, so it has the snapshot already.

    Raises:
        TypeError: it is a generator or lazy otherwise: it would read after the snapshot is let go.
    """
    kind = type(came)
    if hasattr(kind, "_asyncio_future_blocking"):
        return came
    if hasattr(kind, "__await__") or (isinstance(came, GeneratorType) and _iterable_coroutine(came)):
        return _await_held(_HeldAwaitable(invocation, snapshot, lambda: came))  # type: ignore[arg-type, return-value]  # as was just seen
    if _is_lazy(kind) or hasattr(kind, "send") or hasattr(kind, "asend"):
        _refuse_returned(function, kind)
    return came


def _is_lazy(kind: type) -> bool:
    """Whether it is an iterator of Python's own that runs others or functions, or a context manager of a generator."""
    return (
        kind in (map, filter, zip, enumerate)
        or kind.__module__ == "itertools"
        or kind.__name__ in ("callable_iterator", "_GeneratorContextManager", "_AsyncGeneratorContextManager")
    )


def _refuse_returned(function: object, kind: type) -> NoReturn:
    article = "an" if kind.__name__[:1] in "aeiou" else "a"
    raise TypeError(
        f"{_name_function(function)} returned {article} {kind.__name__}: {_AFTERWARDS} Return a list, or {_INSTEAD}"
    )


def _iterable_coroutine(came: GeneratorType[Any, Any, Any]) -> bool:
    return bool(came.gi_code.co_flags & _ITERABLE_COROUTINE)


class _HeldAwaitable:
    """Awaits something, with the snapshot of the invocation while that runs and at no other time.

    Each step sets it and resets it, so it holds also where steps come from several contexts (a loop that ends, the
    garbage collector) or where coroutines are driven in turns in one.
    """

    def __init__(
        self,
        invocation: contextvars.ContextVar[Snapshot | None],
        snapshot: Snapshot,
        awaitable: Callable[[], Awaitable[object]],
    ) -> None:
        self._invocation, self._snapshot, self._awaitable = invocation, snapshot, awaitable

    def __await__(self) -> Generator[Any, Any, object]:
        steps = _await_made(self._awaitable)
        step: Callable[[Any], object] = steps.send
        given: object = None
        while True:
            token = self._invocation.set(self._snapshot)
            try:
                wanted = step(given)
            except StopIteration as end:
                return end.value
            finally:
                self._invocation.reset(token)
                given = None  # an error would keep this frame, which would keep it
            try:
                step, given = steps.send, (yield wanted)
            except BaseException as error:  # noqa: BLE001  # a cancellation or the end of it all is for what runs
                step, given = steps.throw, error


async def _await_made(awaitable: Callable[[], Awaitable[object]]) -> object:
    return await awaitable()


async def _await_held(held: _HeldAwaitable) -> object:
    return await held


async def _load_current(invoking: Invoking, remaining: float) -> Snapshot:
    """Returns the current snapshot. If that takes I/O while asyncio runs, a thread does it."""
    loop = None if invoking.at_hand() else _find_running_loop()
    if loop is None:
        return invoking.current(remaining)
    done: asyncio.Future[Snapshot] = loop.create_future()

    def load() -> None:
        try:
            settle = functools.partial(_settle, done, done.set_result, invoking.current(remaining))
        except BaseException as error:  # noqa: BLE001  # raised where it is awaited
            settle = functools.partial(_settle, done, done.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop was closed, and nobody waits
            loop.call_soon_threadsafe(settle)

    # A separate thread: those of the loop's executor may all be waiting for the result awaited here.
    run = contextvars.copy_context().run
    try:
        threading.Thread(target=run, args=(load,), name="configsvc load", daemon=True).start()
    except RuntimeError as error:  # no thread can start
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(error)
        return invoking.current(remaining)
    return await done


def _settle(done: asyncio.Future[Snapshot], settle: Callable[[Any], None], outcome: object) -> None:
    if not done.done():
        settle(outcome)


def _find_running_loop() -> asyncio.AbstractEventLoop | None:
    loaded = sys.modules.get("asyncio")
    try:
        return None if loaded is None else loaded.get_running_loop()
    except RuntimeError:
        return None


def _name_function(function: object) -> str:
    return str(getattr(function, "__qualname__", None) or _name_type(function))


def _name_type(something: object) -> str:
    return type(something).__qualname__
