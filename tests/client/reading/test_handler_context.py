"""How a wrapped handler learns how much time its invocation has left, and what of it may be wrong."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from decimal import Decimal

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.middleware_factory import lambda_handler_decorator
from aws_lambda_powertools.utilities.typing import LambdaContext
from awslambdaric.lambda_context import LambdaContext as RuntimeContext

from tests.support.client.configs import Stage
from tests.support.client.sealing import seal_values

BEGAN = 1000.0
WHOLE = BEGAN + 8
"""The deadline of a first load that knows of no time left."""


class Context:
    """Lambda's, as far as it is asked."""

    def __init__(self, left: object) -> None:
        self.left = left

    def get_remaining_time_in_millis(self) -> object:
        if isinstance(self.left, BaseException):
            raise self.left
        return self.left


def deadline(call: Callable[[Callable[..., object]], object], *, coroutine: bool = False) -> float:
    """That of the first load, which the call of a wrapped handler of any signature begins."""
    stage = Stage(seal_values({"a": "1"}))

    def handler(*args: object, **kwargs: object) -> object:
        return args, kwargs, stage.config["a"]

    async def later(*args: object, **kwargs: object) -> object:
        return handler(*args, **kwargs)

    if coroutine:
        asyncio.run(call(stage.config.handler(later)))  # type: ignore[arg-type]  # it is one
    else:
        call(stage.config.handler(handler))
    (found,) = stage.gateway.deadlines
    return found


TWO_SECONDS = Context(2000)


@pytest.mark.parametrize("coroutine", [False, True])
@pytest.mark.parametrize(
    "call",
    [
        lambda handler: handler({}, TWO_SECONDS),
        lambda handler: handler(TWO_SECONDS, {}),
        lambda handler: handler(object(), {}, TWO_SECONDS),
        lambda handler: handler({}, context=TWO_SECONDS),
        lambda handler: handler(event={}, context=TWO_SECONDS),
        lambda handler: handler(lambda_context=TWO_SECONDS, payload={}),
        lambda handler: handler({}, None, TWO_SECONDS, Context(7000)),
    ],
)
def test_the_context_is_found_wherever_it_is_passed(
    call: Callable[[Callable[..., object]], object],
    coroutine: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    assert deadline(call, coroutine=coroutine) == BEGAN + 1.8


def test_the_context_of_a_method_is_found() -> None:
    stage = Stage(seal_values({"a": "1"}))

    class Service:
        @stage.config.handler
        def handle(self, event: object, context: object) -> object:
            return event, context, stage.config["a"]

    Service().handle(None, context=TWO_SECONDS)
    assert stage.gateway.deadlines == [BEGAN + 1.8]


NONSENSE = [
    None, "2000", b"2", True, [], {}, Decimal(2000), 0, -1, -0.5, float("nan"), float("inf"), 10**400, object(),
    RuntimeError("outside of a request"), ZeroDivisionError(), AttributeError("left"),
]  # fmt: skip


@pytest.mark.parametrize("left", NONSENSE)
def test_an_invalid_remaining_time_is_ignored_and_the_next_argument_used(left: object) -> None:
    assert deadline(lambda handler: handler({}, Context(left))) == WHOLE
    assert deadline(lambda handler: handler(Context(left), TWO_SECONDS)) in {BEGAN + 1.8, WHOLE}


class Answers:
    """An event that gives something for any name, as some libraries' do."""

    def __init__(self, answer: object) -> None:
        self._answer = answer

    def __getattr__(self, name: str) -> object:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.mark.parametrize("answer", [None, "", {}, print, RuntimeError("no request"), KeyError("get_remaining")])
def test_an_event_that_answers_to_any_name_hides_no_context(answer: object) -> None:
    assert deadline(lambda handler: handler(Answers(answer), TWO_SECONDS)) == BEGAN + 1.8


class OutOfTime(Exception):
    """An exception that a signal handler raises, as time limits do."""


def test_a_time_limit_that_strikes_while_the_context_is_asked_comes_out() -> None:
    def strike(number: int, frame: object) -> None:
        raise OutOfTime(number, frame)

    class Slow:
        def get_remaining_time_in_millis(self) -> int:
            signal.raise_signal(signal.SIGUSR1)
            return 2000

    before = signal.signal(signal.SIGUSR1, strike)
    try:
        with pytest.raises(OutOfTime):
            deadline(lambda handler: handler({}, Slow()))
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_what_is_no_exception_of_the_context_s_own_comes_out(stop: type[BaseException]) -> None:
    with pytest.raises(stop):
        deadline(lambda handler: handler({}, Context(stop())))


def test_the_context_of_lambda_s_own_runtime_is_asked() -> None:
    context = RuntimeContext("id", {}, {}, int((time.time() + 2) * 1000), "arn:aws:lambda:eu-central-1:1:function:f")
    assert BEGAN + 1.0 < deadline(lambda handler: handler({}, context)) <= BEGAN + 1.8


@lambda_handler_decorator
def passes_on(handler: Callable[..., object], event: object, context: object) -> object:
    """Middleware, as Powertools has it."""
    return handler(event, context)


def test_handlers_that_powertools_wraps_are_wrapped_inside_and_outside() -> None:
    stage, logger = Stage(seal_values({"a": "1"})), Logger(service="tests")

    def handler(event: object, context: LambdaContext) -> list[object]:
        del event, context
        before = stage.config["a"]
        served = stage.config.revisions["payments.prod"]
        stage.serve(seal_values({"a": str(served + 1)}, revision=served + 1))
        stage.config.refresh()
        return [before, stage.config["a"]]

    context = RuntimeContext("id", {}, {}, int((time.time() + 2) * 1000), "arn:aws:lambda:eu-central-1:1:function:f")
    outside = stage.config.handler(passes_on(logger.inject_lambda_context(handler)))
    inside = passes_on(logger.inject_lambda_context(stage.config.handler(handler)))
    assert outside({}, context) == ["1", "1"]
    assert inside({}, context) == ["2", "2"]
