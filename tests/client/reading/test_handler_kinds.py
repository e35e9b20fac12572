"""`config.handler` wraps coroutine functions, methods and other callables too, and refuses generators."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import gc
import inspect
import itertools
import threading
import types
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterator
from typing import Any, assert_type

import pytest

from configsvc_client._ports import FetchedSnapshot
from tests.support.client.configs import Stage
from tests.support.client.sealing import NS, seal_values


def stage_of_one() -> Stage:
    return Stage(seal_values({"a": "1"}))


def serve(stage: Stage, value: str) -> object:
    """From now on everybody who is not in an invocation reads this."""
    served = stage.gateway.served[NS]
    assert isinstance(served, FetchedSnapshot)
    stage.serve(seal_values({"a": value}, revision=served.sealed.revision + 1))
    stage.config.refresh()
    return None


def outside(stage: Stage) -> object:
    """Returns what a reader outside any invocation gets."""
    return stage.config["a"]


def drive(coroutine: Coroutine[Any, Any, Any]) -> object:
    """Runs a coroutine without any event loop."""
    while True:
        try:
            coroutine.send(None)
        except StopIteration as end:
            return end.value


class Pause:
    """Gives way once, to whatever drives the coroutine."""

    def __await__(self) -> Generator[None, None, None]:
        yield


# Coroutine functions.


def test_a_coroutine_function_sees_one_snapshot_until_it_ends() -> None:
    stage = stage_of_one()

    @stage.config.handler
    async def handler(event: str, context: object) -> list[object]:
        del context
        before = stage.config["a"]
        serve(stage, "2")
        await asyncio.sleep(0)
        nested = await asyncio.to_thread(lambda: stage.config["a"])
        return [event, before, stage.config["a"], nested, stage.config.revisions]

    assert inspect.iscoroutinefunction(handler)
    assert handler.__name__ == "handler"
    assert asyncio.run(handler("e", None)) == ["e", "1", "1", "1", {"payments.prod": 1}]
    assert outside(stage) == "2"


def test_a_wrapped_function_keeps_its_signature_for_type_checkers() -> None:
    stage = stage_of_one()

    @stage.config.handler
    def plain(event: str, context: object) -> int:
        return len(event) + bool(context)

    @stage.config.handler
    async def later(event: str, *, context: object) -> int:
        return plain(event, context)

    class Service:
        @stage.config.handler
        async def handle(self, event: str, context: object) -> int:
            return plain(event, context)

        @stage.config.handler
        @staticmethod
        def still(event: str) -> int:
            return plain(event, None)

        @stage.config.handler
        @classmethod
        def shared(cls, event: str) -> int:
            return plain(event, cls)

    def wrong() -> None:
        plain(3, None)  # type: ignore[arg-type]  # no text
        plain("e")  # type: ignore[call-arg]  # too few
        asyncio.run(Service().handle("e"))  # type: ignore[call-arg]  # too few, also of a method

    assert callable(wrong)  # for type checkers alone
    assert_type(plain("e", None), int)
    assert_type(asyncio.run(later("ev", context=None)), int)
    assert_type(asyncio.run(Service().handle("e", None)), int)
    assert_type(Service().still("e"), int)
    assert_type(Service.shared("e"), int)
    assert Service.shared("e") == 2


def test_concurrent_tasks_each_see_their_own_snapshot() -> None:
    stage = stage_of_one()

    @stage.config.handler
    async def handler(gate: asyncio.Event) -> tuple[object, object]:
        before = stage.config["a"]
        await gate.wait()
        return before, stage.config["a"]

    async def all_of_them() -> list[tuple[object, object]]:
        gate, tasks = asyncio.Event(), []
        stage.config.snapshot()
        for value in ("2", "3", "4"):
            tasks.append(asyncio.create_task(handler(gate)))
            await asyncio.sleep(0)
            serve(stage, value)
        assert outside(stage) == "4"
        gate.set()
        return await asyncio.gather(*tasks)

    assert asyncio.run(all_of_them()) == [("1", "1"), ("2", "2"), ("3", "3")]


def test_coroutines_driven_in_turns_in_one_context_each_see_their_own_snapshot() -> None:
    stage, seen = stage_of_one(), list[object]()

    @stage.config.handler
    async def handler() -> None:
        for _ in range(2):
            seen.append(stage.config["a"])
            await Pause()

    first, second = handler(), handler()
    first.send(None)
    serve(stage, "2")
    second.send(None)
    assert outside(stage) == "2"
    for each in (first, second):
        assert drive(each) is None
    assert seen == ["1", "2", "1", "2"]
    assert outside(stage) == "2"


def test_a_coroutine_that_is_begun_in_one_context_is_ended_in_another() -> None:
    stage, seen = stage_of_one(), list[object]()

    @stage.config.handler
    async def handler() -> None:
        try:
            await Pause()
        finally:
            seen.append(stage.config["a"])

    ends: list[Callable[[Coroutine[Any, Any, None]], object]] = [
        lambda begun: begun.close(),
        lambda begun: contextvars.copy_context().run(begun.close),
        lambda begun: begun.__class__,  # nothing: the garbage collector ends it
    ]
    for end in ends:
        begun = handler()
        contextvars.copy_context().run(begun.send, None)
        serve(stage, "2")
        end(begun)
        del begun
        gc.collect()
    assert seen == ["1", "2", "2"]
    assert outside(stage) == "2"


def test_exceptions_cancellations_and_timeouts_propagate_and_end_the_invocations_snapshot() -> None:
    stage, seen = stage_of_one(), list[object]()

    @stage.config.handler
    async def failing() -> None:
        raise ZeroDivisionError

    @stage.config.handler
    async def hanging() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append(stage.config["a"])
            raise

    async def main() -> None:
        stage.config.snapshot()
        with pytest.raises(ZeroDivisionError):
            await failing()
        task = asyncio.create_task(hanging())
        await asyncio.sleep(0)
        serve(stage, "2")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        serve(stage, "3")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(hanging(), 0.01)
        assert outside(stage) == "3"

    asyncio.run(main())
    assert seen == ["1", "3"]


def test_what_is_thrown_into_a_coroutine_may_be_caught_there() -> None:
    stage = stage_of_one()

    @stage.config.handler
    async def handler() -> object:
        try:
            await Pause()
        except ZeroDivisionError:
            await Pause()
        return stage.config["a"]

    begun = handler()
    begun.send(None)
    begun.throw(ZeroDivisionError())
    assert drive(begun) == "1"


def test_nested_wrapped_handlers_each_have_their_own_snapshot() -> None:
    stage = stage_of_one()

    @stage.config.handler
    async def inner() -> object:
        return stage.config["a"]

    @stage.config.handler
    def recursive(depth: int) -> list[object]:
        before = stage.config["a"]
        serve(stage, str(depth))
        return [before, *(recursive(depth - 1) if depth else []), stage.config["a"]]

    @stage.config.handler
    async def outer() -> list[object]:
        before = stage.config["a"]
        serve(stage, "2")
        return [before, await inner(), stage.config["a"]]

    assert asyncio.run(outer()) == ["1", "2", "1"]
    assert recursive(2) == ["2", "2", "1", "1", "2", "2"]
    assert outside(stage) == "0"


def test_a_handler_wrapped_twice_sees_one_snapshot() -> None:
    stage = stage_of_one()
    twice = stage.config.handler(
        stage.config.handler(lambda: (stage.config["a"], serve(stage, "2"), stage.config["a"]))
    )
    assert twice() == ("1", None, "1")


# An event loop is not stopped by a refresh that is due.


def test_a_refresh_that_is_due_leaves_the_event_loop_alone() -> None:
    stage, threads, ticked = stage_of_one(), list[str](), threading.Event()

    @stage.config.handler
    async def handler() -> object:
        return stage.config["a"]

    def fetched() -> None:
        threads.append(threading.current_thread().name)
        assert ticked.wait(30), "the loop stands"

    async def tick() -> None:
        ticked.set()

    async def main() -> object:
        value, _ = await asyncio.gather(handler(), tick())
        return value

    stage.gateway.during = fetched
    assert asyncio.run(main()) == "1"
    serve_quietly(stage, "2")
    ticked.clear()
    assert asyncio.run(main()) == "2"
    assert threads == ["configsvc load"] * 2
    assert asyncio.run(main()) == "2"  # nothing is due: no thread
    assert len(threads) == 2


def serve_quietly(stage: Stage, value: str) -> None:
    """Serves another value, which the next refresh, now due, fetches."""
    stage.serve(seal_values({"a": value}, revision=9))
    stage.clock.advance(61)


def test_where_no_loop_of_asyncio_runs_the_caller_refreshes() -> None:
    stage, handler, threads = one_that_tells_its_thread()
    assert drive(handler()) == "1"
    assert threads == ["MainThread"]
    assert outside(stage) == "1"


def test_where_no_thread_can_start_the_caller_refreshes() -> None:
    _, handler, threads = one_that_tells_its_thread()
    before = threading.stack_size(1 << 46)  # no system has so much memory
    try:
        assert asyncio.run(handler()) == "1"
    finally:
        threading.stack_size(before)
    assert threads == ["MainThread"]


def one_that_tells_its_thread() -> tuple[Stage, Callable[[], Coroutine[Any, Any, object]], list[str]]:
    stage, threads = stage_of_one(), list[str]()
    stage.gateway.during = lambda: threads.append(threading.current_thread().name)

    @stage.config.handler
    async def handler() -> object:
        return stage.config["a"]

    return stage, handler, threads


def test_a_load_that_fails_in_a_thread_raises_at_the_await() -> None:
    stage = stage_of_one()

    @stage.config.handler
    async def handler() -> object:
        return stage.config["a"]

    class Stopped(BaseException):
        pass

    stage.gateway.fail = [Stopped()]  # type: ignore[list-item]  # as a signal would
    with pytest.raises(Stopped):
        asyncio.run(handler())
    assert asyncio.run(handler()) == "1"


def test_an_invocation_that_is_cancelled_while_it_loads_leaves_nothing_behind() -> None:
    stage, go_on = stage_of_one(), threading.Event()

    def slow() -> None:
        assert go_on.wait(30)

    stage.gateway.during = slow

    @stage.config.handler
    async def handler() -> object:
        return stage.config["a"]

    async def main() -> object:
        task = asyncio.create_task(handler())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()
        return await handler()

    assert asyncio.run(main()) == "1"


# Methods and other callables.


def test_methods_are_wrapped_in_the_body_of_their_class() -> None:
    stage = stage_of_one()

    class Service:
        def __init__(self) -> None:
            self.name = "own"

        @stage.config.handler
        def handle(self, event: str, context: object) -> list[object]:
            del context
            before = stage.config["a"]
            serve(stage, "2")
            return [self.name, event, before, stage.config["a"]]

        @stage.config.handler
        async def handle_later(self, event: str) -> list[object]:
            before = stage.config["a"]
            serve(stage, "3")
            return [self.name, event, before, stage.config["a"]]

        @stage.config.handler
        @classmethod
        def of_class(cls, event: str) -> list[object]:
            return [cls.__name__, event, stage.config["a"]]

        @classmethod
        @stage.config.handler
        def of_class_too(cls, event: str) -> list[object]:
            return [cls.__name__, event, stage.config["a"]]

        @stage.config.handler
        @staticmethod
        def of_nobody(event: str) -> list[object]:
            return [event, stage.config["a"]]

    assert Service().handle("e", None) == ["own", "e", "1", "1"]
    assert asyncio.run(Service().handle_later("e")) == ["own", "e", "2", "2"]
    for of_class in (Service.of_class, Service().of_class, Service.of_class_too):
        assert of_class("e") == ["Service", "e", "3"]
    assert Service.of_nobody("e") == Service().of_nobody("e") == ["e", "3"]


class Callable_:  # noqa: N801  # beside the one of typing
    def __init__(self, read: Callable[[], object]) -> None:
        self.read = read

    def __call__(self, event: object) -> object:
        del event
        return self.read()


class AsyncCallable(Callable_):
    async def __call__(self, event: object) -> object:
        del event
        await asyncio.sleep(0)
        return self.read()

    async def method(self, event: object) -> object:
        return await self(event)


def reads_twice(stage: Stage) -> Callable[[], object]:
    """Reads before and after a change."""
    return lambda: [stage.config["a"], serve(stage, "2"), stage.config["a"]]


@pytest.mark.parametrize(
    "made",
    [
        Callable_,
        lambda read: Callable_(read).__call__,
        lambda read: functools.partial(lambda _more, _event: read(), None),
        lambda read: functools.partial(Callable_(read)),
        lambda read: functools.lru_cache(lambda _event: read()),
    ],
)
def test_callable_objects_bound_methods_and_partials_are_wrapped(
    made: Callable[[Callable[[], object]], Callable[[object], object]],
) -> None:
    stage = stage_of_one()
    assert stage.config.handler(made(reads_twice(stage)))("e") == ["1", None, "1"]


async def hides_a_coroutine(read: Callable[[], object], event: object) -> object:
    del event
    await asyncio.sleep(0)
    return read()


@pytest.mark.parametrize(
    "made",
    [
        AsyncCallable,
        lambda read: AsyncCallable(read).__call__,
        lambda read: AsyncCallable(read).method,
        lambda read: functools.partial(hides_a_coroutine, read),
        lambda read: functools.partial(AsyncCallable(read)),
        lambda read: functools.partial(AsyncCallable(read).method),
    ],
)
def test_callables_that_are_coroutine_functions_are_wrapped_as_such(
    made: Callable[[Callable[[], object]], Callable[[object], Coroutine[Any, Any, object]]],
) -> None:
    stage = stage_of_one()
    handler = stage.config.handler(made(reads_twice(stage)))
    assert inspect.iscoroutinefunction(handler)
    assert asyncio.run(handler("e")) == ["1", None, "1"]


class Own:
    """An awaitable of no known kind."""

    def __init__(self, read: Callable[[], object]) -> None:
        self.read = read

    def __await__(self) -> Generator[None, None, object]:
        yield
        return self.read()


@types.coroutine
def of_a_generator(read: Callable[[], object]) -> Generator[None, None, object]:
    yield
    return read()


def hidden(read: Callable[[], object]) -> Callable[[], object]:
    @functools.wraps(hides_a_coroutine)
    def decorated() -> object:
        return hides_a_coroutine(read, None)

    return decorated


@pytest.mark.parametrize(
    "made",
    [
        hidden,
        lambda read: lambda: hides_a_coroutine(read, None),
        lambda read: lambda: Own(read),
        lambda read: lambda: of_a_generator(read),
        lambda read: lambda: asyncio.get_running_loop().create_task(hides_a_coroutine(read, None)),
        lambda read: lambda: asyncio.gather(hides_a_coroutine(read, None)),
    ],
)
def test_a_returned_awaitable_runs_under_the_snapshot_of_its_call(
    made: Callable[[Callable[[], object]], Callable[[], Awaitable[object]]],
) -> None:
    stage = stage_of_one()
    handler = stage.config.handler(made(reads_twice(stage)))

    async def main() -> object:
        waiting = handler()
        serve(stage, "between")
        return await waiting

    assert asyncio.run(main()) in (["1", None, "1"], [["1", None, "1"]])
    assert outside(stage) == "2"


def test_a_task_in_an_empty_context_reads_the_current_snapshot() -> None:
    stage = stage_of_one()

    async def read_later(gate: asyncio.Event) -> object:
        await gate.wait()
        return stage.config["a"]

    @stage.config.handler
    async def handler(gate: asyncio.Event) -> list[asyncio.Task[object]]:
        return [
            asyncio.create_task(read_later(gate)),
            asyncio.create_task(read_later(gate), context=contextvars.Context()),
        ]

    async def main() -> list[object]:
        gate = asyncio.Event()
        tasks = await handler(gate)
        serve(stage, "2")
        gate.set()
        return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == ["1", "2"]


def test_a_task_or_a_future_that_is_returned_stays_one() -> None:
    stage = stage_of_one()

    async def main() -> None:
        task = asyncio.ensure_future(asyncio.sleep(0))
        assert stage.config.handler(lambda: task)() is task
        await task

    asyncio.run(main())


# What is refused.


def generates() -> Iterator[int]:
    yield 1


async def generates_later() -> AsyncIterator[int]:
    yield 1


class Generates:
    def __call__(self) -> Iterator[int]:
        yield 1

    async def later(self) -> AsyncIterator[int]:
        yield 1


GENERATORS: list[Callable[[], object]] = [
    generates,
    generates_later,
    Generates(),
    Generates().__call__,
    Generates().later,
    functools.partial(generates),
    functools.partial(Generates()),
]


@pytest.mark.parametrize("function", GENERATORS)
def test_wrapping_a_generator_is_refused_with_advice(
    function: Callable[[], object],
) -> None:
    stage = Stage(seal_values({"a": "1"}), AWS_LAMBDA_FUNCTION_NAME="f")
    with pytest.raises(TypeError, match=r"generator: its body runs after the call.*Return a list, or .*snapshot\(\)"):
        stage.config.handler(function)
    assert stage.gateway.asked == []


def test_generators_in_the_body_of_a_class_are_refused_too() -> None:
    stage = stage_of_one()
    methods: list[Any] = [generates, staticmethod(generates), classmethod(generates)]  # type: ignore[arg-type]  # no class
    for method in methods:
        with pytest.raises(TypeError, match="generates is a generator"):
            stage.config.handler(method)


@pytest.mark.parametrize(
    "made", [contextlib.contextmanager(generates), contextlib.asynccontextmanager(generates_later)]
)
def test_context_managers_made_of_generators_are_refused_as_those_are(made: Callable[[], object]) -> None:
    stage = stage_of_one()
    with pytest.raises(TypeError, match=r"is an? (async )?generator: its body runs after the call"):
        stage.config.handler(made)
    with pytest.raises(TypeError, match=r"returned an? \w+ContextManager: its body runs after the call"):
        stage.config.handler(lambda: (made(),)[0])()


def test_functions_that_a_context_manager_decorates_see_one_snapshot() -> None:
    stage = stage_of_one()

    @stage.config.handler
    @contextlib.contextmanager(generates)()
    def plain() -> object:
        return serve(stage, "2") or stage.config["a"]

    @stage.config.handler
    @contextlib.contextmanager(generates)()
    async def later() -> object:
        await Pause()
        return serve(stage, "3") or stage.config["a"]

    assert plain() == "1"
    assert drive(later()) == "2"


LAZY: list[Callable[[], object]] = [
    lambda: map(str, [1]), lambda: filter(None, [1]), lambda: zip([1], [2], strict=True), lambda: enumerate([1]),
    lambda: iter(int, 1), lambda: itertools.chain([1]), lambda: itertools.starmap(str, [(1,)]),
]  # fmt: skip


@pytest.mark.parametrize("function", [*GENERATORS, *LAZY])
def test_a_returned_generator_is_refused_at_the_call(function: Callable[[], object]) -> None:
    handler = stage_of_one().config.handler(lambda: (function(),)[0])
    with pytest.raises(TypeError, match=r"returned an? \w+: its body runs after the call"):
        handler()


@pytest.mark.parametrize("returned", [[1], {"a": 1}, None, iter([1]), range(3), "text", b"bytes", int])
def test_anything_else_that_is_returned_is_handed_on_as_it_is(returned: object) -> None:
    assert stage_of_one().config.handler(lambda: returned)() is returned


@pytest.mark.parametrize("wrong", [None, 3, "handler", property(len), functools.partialmethod(len)])
def test_what_is_no_callable_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(TypeError, match="wraps a function or another callable"):
        stage_of_one().config.handler(wrong)
