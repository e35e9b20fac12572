"""An exception from a signal handler or another thread reaches the client's caller, wherever it is raised."""

import contextlib
import ctypes
import functools
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from configsvc.model.errors import CannotOpen, ConfigsvcError, Unavailable
from configsvc_client._interrupts import find_interrupt, is_injected
from configsvc_client._opening.value import convert_value
from configsvc_client._refresh.flight import Callbacks, translate_errors
from configsvc_client._transport.http import Connection
from configsvc_client._transport.race import SocketAddress
from configsvc_client._transport.response import AnswerParser
from configsvc_client._transport.url import parse_url
from tests.support.client.certificates import make_server_context
from tests.support.client.stub_servers import answer_with, run_scripted, take_request

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


class TimeLimit(Exception):
    """Like Celery's SoftTimeLimitExceeded."""


class SlowNetwork(TimeoutError):
    """A handler's exception that looks like a network failure."""


def make_raising_handler(error: BaseException) -> Callable[[int, object], NoReturn]:
    def handler(signum: int, frame: object) -> NoReturn:
        del signum, frame
        raise error

    return handler


class Limit:
    """A handler as a method or as a callable object."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def strike(self, signum: int, frame: object) -> NoReturn:
        del signum, frame
        raise self._error

    __call__ = strike


def wrap_handler(handler: Callable[[int, object], object]) -> Callable[[int, object], object]:
    @functools.wraps(handler)
    def wrapper(signum: int, frame: object) -> object:
        return handler(signum, frame)

    return wrapper


def fail(error: BaseException, *_: object) -> NoReturn:
    raise error


def make_handler_that_unregisters(error: BaseException) -> Callable[[int, object], NoReturn]:
    def handler(signum: int, frame: object) -> NoReturn:  # noqa: ARG001  # the signature of handlers
        signal.signal(signum, signal.SIG_DFL)  # so that a second signal ends the program
        raise error

    return handler


HANDLERS: dict[str, Callable[[BaseException], Callable[..., object]]] = {
    "a function": make_raising_handler,
    "a lambda": lambda error: lambda *_: fail(error),
    "a method": lambda error: Limit(error).strike,
    "an object": Limit,
    "a partial": lambda error: functools.partial(fail, error),
    "a partial of a method": lambda error: functools.partial(Limit(error).strike),
    "a wrapper": lambda error: wrap_handler(make_raising_handler(error)),
    "a cached one": lambda error: functools.lru_cache(make_raising_handler(error)),
    "one that unregisters itself": make_handler_that_unregisters,
}


@contextlib.contextmanager
def alarm(handler: Callable[..., object], seconds: float = 0.05) -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def soon(seconds: float = 20) -> float:
    return time.monotonic() + seconds


def stalls(ended: threading.Event) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        take_request(connection)
        ended.wait(30)

    return serve


ERRORS = [TimeLimit("t"), OSError(5, "t"), SlowNetwork("t"), Unavailable("t"), KeyboardInterrupt()]


@pytest.mark.parametrize(
    ("kind", "error"),
    [*((kind, TimeoutError("t")) for kind in HANDLERS), *(("a function", error) for error in ERRORS)],
    ids=str,
)
def test_handler_exception_ends_a_request_and_the_next_works(kind: str, error: BaseException) -> None:
    ended = threading.Event()
    with run_scripted(answer_with(OK, 1), stalls(ended), answer_with(OK)) as server:
        connection = Connection(parse_url(f"http://127.0.0.1:{server.port}"), {})
        connection.request("GET", "/", {}, b"", soon())
        with alarm(HANDLERS[kind](error)), pytest.raises(type(error)) as caught:
            translate_errors(lambda: connection.request("GET", "/", {}, b"", soon()))
        ended.set()
        assert caught.value is error
        assert connection.request("GET", "/", {}, b"", soon()).body == b"hi"
        connection.close()
    assert server.connections == 3


def test_traceback_of_a_handler_exception_has_no_interrupted_frame() -> None:
    ended, canary = threading.Event(), b"canary"
    with run_scripted(stalls(ended)) as server, contextlib.closing(connect_to(server.port)) as connection:

        def ask(body: bytes) -> object:
            return connection.request("POST", "/", {}, body, soon())

        with alarm(make_raising_handler(TimeLimit())), pytest.raises(TimeLimit) as caught:
            translate_errors(lambda: ask(canary))
        ended.set()
    traced = caught.value.__traceback__
    names = []
    while traced is not None:
        names.append(traced.tb_frame.f_code.co_name)
        traced = traced.tb_next
    assert names[-1] == "handler"
    assert "ask" not in names
    assert "_receive" not in names


def connect_to(port: int) -> Connection:
    return Connection(parse_url(f"http://127.0.0.1:{port}"), {})


def interrupt_before(does: Callable[[], object]) -> Callable[[], object]:
    """Wraps a function so that a signal arrives before it runs."""

    def strike() -> object:
        signal.raise_signal(signal.SIGALRM)
        return does()

    return strike


@pytest.mark.parametrize("error", [ValueError("t"), TimeoutError("t"), TimeLimit()], ids=repr)
def test_handler_exception_during_conversion_is_not_a_wrong_value(error: Exception) -> None:
    convert = interrupt_before(lambda: 1)
    with alarm(make_raising_handler(error), 60), pytest.raises(type(error)) as caught:
        convert_value("k", {"k": "text"}, lambda _: convert())
    assert caught.value is error
    with pytest.raises(ValueError, match="k cannot be read"):
        convert_value("k", {"k": "text"}, lambda _: 1 / 0)


def test_handler_exception_in_a_callback_is_not_a_callback_failure() -> None:
    callbacks, error = Callbacks(print), TimeLimit()
    run = interrupt_before(lambda: None)
    callbacks.add("", lambda _: run())
    with alarm(make_raising_handler(error), 60), pytest.raises(TimeLimit) as caught:
        callbacks._run("", lambda _: run(), frozenset({"k"}))  # noqa: SLF001  # with any change
    assert caught.value is error
    assert callbacks.failures == 0


@pytest.mark.parametrize("error", [ValueError("t"), KeyboardInterrupt()], ids=repr)
def test_wrapping_a_handlers_exception_does_not_hide_it(error: BaseException) -> None:
    def raise_wrapped() -> None:
        try:
            signal.raise_signal(signal.SIGALRM)
        except BaseException:  # noqa: BLE001  # as libraries do
            raise CannotOpen("k does not open.") from None

    with alarm(make_raising_handler(error), 60), pytest.raises(type(error)) as caught:
        translate_errors(raise_wrapped)
    assert caught.value is error


def test_handler_exception_during_parsing_is_not_a_bad_answer() -> None:
    error = KeyboardInterrupt()

    class Interrupted(AnswerParser):
        def on_header(self, name: bytes, value: bytes) -> None:
            signal.raise_signal(signal.SIGALRM)
            super().on_header(name, value)

    with alarm(make_raising_handler(error), 60), pytest.raises(KeyboardInterrupt) as caught:
        Interrupted().feed(OK)
    assert caught.value is error


def test_exception_handled_by_the_caller_is_not_an_interrupt() -> None:
    def fails() -> NoReturn:
        raise Unavailable("It did not answer.")

    with alarm(make_raising_handler(TimeLimit()), 60), contextlib.suppress(ConfigsvcError):
        try:
            signal.raise_signal(signal.SIGALRM)
        except TimeLimit:
            with pytest.raises(Unavailable):
                translate_errors(fails)
            with pytest.raises(Unavailable, match="could not be reached"):
                connect_to(1).request("GET", "/", {}, b"", soon())
            with pytest.raises(ValueError, match="cannot be read"):
                convert_value("k", {"k": "text"}, int)


def test_failure_in_a_function_shared_with_a_handler_is_ordinary() -> None:
    with alarm(lambda *_: fail(TimeLimit()), 60), pytest.raises(Unavailable, match="TimeLimit"):
        translate_errors(lambda: fail(TimeLimit()))


def test_exception_injected_by_another_thread_propagates() -> None:
    class Injected(Exception):
        __module__ = "some_timeouts.threads"

    asked, ended, caught = threading.Event(), threading.Event(), list[BaseException]()

    def stalls_when_asked(connection: socket.socket) -> None:
        take_request(connection)
        asked.set()
        ended.wait(30)

    with (
        run_scripted(stalls_when_asked, answer_with(OK)) as server,
        contextlib.closing(connect_to(server.port)) as connection,
    ):

        def ask() -> None:
            try:
                translate_errors(lambda: connection.request("GET", "/", {}, b"", soon(2)))
            except Injected as error:
                caught.append(error)

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        assert asked.wait(30)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(Injected))
        thread.join(30)
        ended.set()
        assert connection.request("GET", "/", {}, b"", soon()).body == b"hi"
    assert [type(each) for each in caught] == [Injected]


def test_exception_of_a_package_in_the_traceback_is_ordinary() -> None:
    with pytest.raises(TimeLimit) as caught:
        fail(TimeLimit())
    assert not is_injected(caught.value)
    assert find_interrupt(caught.value) is None


@pytest.mark.parametrize("seconds", [0.05, 1.0], ids=["the first alone", "several in parallel"])
def test_handler_timeout_ends_the_race_for_an_address(seconds: float, tmp_path: Path) -> None:
    error, ended = TimeoutError("the time limit of the job"), threading.Event()
    tls = make_server_context(tmp_path)
    with contextlib.ExitStack() as servers:
        silent = [servers.enter_context(run_scripted(stalls(ended))) for _ in range(3)]
        good = servers.enter_context(run_scripted(answer_with(OK), tls=tls))
        servers.callback(ended.set)
        addresses = [each.port for each in silent]

        def find(host: str, port: int) -> list[SocketAddress]:
            del host, port
            return [(socket.AF_INET, ("127.0.0.1", each)) for each in addresses]

        environ = {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        connection = Connection(parse_url("https://localhost:1"), environ, find=find)
        servers.callback(connection.close)
        with alarm(make_raising_handler(error), seconds), pytest.raises(TimeoutError) as caught:
            connection.request("GET", "/", {}, b"", soon())
        assert caught.value is error
        addresses[:] = [good.port]
        assert connection.request("GET", "/", {}, b"", soon()).body == b"hi"
