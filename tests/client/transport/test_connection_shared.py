"""One Connection: used by several threads, closed at any time, and collected without being closed."""

import contextlib
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from configsvc.model.errors import Unavailable
from configsvc_client._transport.http import Connection
from configsvc_client._transport.url import parse_url
from tests.support.client.certificates import make_server_context
from tests.support.client.stub_servers import Answer, answer_with, run_scripted, run_stub, take_request

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


def soon(seconds: float = 20) -> float:
    return time.monotonic() + seconds


def echo(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
    del method, headers, body
    return 200, {}, path.encode()


def run_all(*work: Callable[[], None]) -> None:
    """Runs each in its own thread and waits. Pytest reports an exception in any of them as an error."""
    threads = [threading.Thread(target=each, daemon=True) for each in work]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
        assert not each.is_alive()


def test_threads_get_their_own_responses_while_others_close() -> None:
    with run_stub(echo) as server:
        connection, ended = Connection(parse_url(server.url), {}), threading.Event()
        answers: list[tuple[str, bytes]] = []

        def asks(name: int) -> Callable[[], None]:
            def ask() -> None:
                for number in range(60):
                    target = f"/{name}/{number}"
                    answers.append((target, connection.request("GET", target, {}, b"", soon()).body))

            return ask

        def closes() -> None:
            chance = random.Random(7)  # noqa: S311  # of a test
            while not ended.wait(chance.random() / 500):
                connection.close()
                if chance.random() < 0.3:
                    connection.open_ahead(soon())

        closer = threading.Thread(target=closes, daemon=True)
        closer.start()
        run_all(*map(asks, range(8)))
        ended.set()
        closer.join(30)
        connection.close()
    assert [target.encode() for target, _ in answers] == [body for _, body in answers]
    assert len(answers) == 8 * 60


def test_two_requests_at_once_use_two_connections_of_which_one_is_kept() -> None:
    both = threading.Barrier(2, timeout=30)

    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if path == "/together":
            both.wait()
        return echo(method, path, headers, body)

    with run_stub(answer) as server, contextlib.closing(Connection(parse_url(server.url), {})) as connection:

        def ask() -> None:
            connection.request("GET", "/together", {}, b"", soon())

        run_all(ask, ask)
        assert connection.request("GET", "/", {}, b"", soon()).body == b"/"
        assert server.connections == 2


@pytest.mark.parametrize("when", ["on another thread", "in a signal handler"])
def test_close_does_not_wait_for_a_running_request(when: str) -> None:
    asked, ended = threading.Event(), threading.Event()

    def stalls(connection: socket.socket) -> None:
        take_request(connection)
        asked.set()
        ended.wait(30)

    with run_scripted(stalls, answer_with(OK)) as server:
        connection = Connection(parse_url(f"http://127.0.0.1:{server.port}"), {})
        closed = threading.Event()

        def close() -> None:
            connection.close()
            closed.set()

        with call_on_alarm(close) if when == "in a signal handler" else call_on_event(asked, close):
            with pytest.raises(Unavailable, match="in time"):
                connection.request("GET", "/", {}, b"", soon(1))
            assert closed.wait(20)
        ended.set()
        assert connection.request("GET", "/", {}, b"", soon()).body == b"hi"
        connection.close()
    assert server.connections == 2


@contextlib.contextmanager
def call_on_alarm(does: Callable[[], None], seconds: float = 0.2) -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, lambda *_: does())
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def call_on_event(event: threading.Event, does: Callable[[], None]) -> Iterator[None]:
    def wait() -> None:
        if event.wait(30):
            does()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    yield
    thread.join(30)


def test_connection_in_use_during_close_is_not_kept() -> None:
    asked, closed = threading.Event(), threading.Event()

    def slow(connection: socket.socket) -> None:
        take_request(connection)
        asked.set()
        closed.wait(30)
        connection.sendall(OK)

    with run_scripted(slow, answer_with(OK)) as server:
        connection = Connection(parse_url(f"http://127.0.0.1:{server.port}"), {})

        def close() -> None:
            connection.close()
            closed.set()

        with call_on_event(asked, close):
            assert connection.request("GET", "/", {}, b"", soon()).body == b"hi"
        assert connection.request("GET", "/", {}, b"", soon()).body == b"hi"
        connection.close()
    assert server.connections == 2


@pytest.mark.parametrize("when", ["on another thread", "in a signal handler"])
def test_close_does_not_wait_for_a_connection_opened_ahead(when: str, tmp_path: Path) -> None:
    tls = make_server_context(tmp_path)
    with run_scripted(answer_with(OK), tls=tls) as server:
        connection = Connection(
            parse_url(f"https://localhost:{server.port}"), {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        )
        with socket.create_connection(("127.0.0.1", server.port)):  # the server shakes hands with this one first
            connection.open_ahead(soon())
            if when == "on another thread":
                run_all(connection.close)
            else:
                with call_on_alarm(connection.close), pytest.raises(Unavailable, match="in time"):
                    connection.request("GET", "/", {}, b"", soon(1))
        assert connection.request("GET", "/", {}, b"", soon()).body == b"hi"
        connection.close()


COLLECTED = """
import gc, sys, time
from configsvc_client._transport.http import Connection
from configsvc_client._transport.url import parse_url
connection = Connection(parse_url(sys.argv[1]), {"SSL_CERT_FILE": sys.argv[2]})
if sys.argv[3] == "opened ahead":
    connection.open_ahead(time.monotonic() + 20)
    connection._opening.join(20)
else:
    assert connection.request("GET", "/", {}, b"", time.monotonic() + 20).body == b"hi"
if sys.argv[3] == "in a cycle":
    connection.itself = connection
if sys.argv[3] != "at exit":
    del connection
    gc.collect()
print("done")
"""


@pytest.mark.parametrize("how", ["at once", "in a cycle", "at exit", "opened ahead"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_unclosed_connection_is_collected_without_a_warning(how: str, scheme: str, tmp_path: Path) -> None:
    tls = make_server_context(tmp_path)
    with run_scripted(answer_with(OK), tls=tls if scheme == "https" else None) as server:
        url = f"{scheme}://localhost:{server.port}"
        command = [sys.executable, "-X", "dev", "-W", "error::ResourceWarning", "-c", COLLECTED]
        done = subprocess.run(
            [*command, url, str(tmp_path / "ca.pem"), how], capture_output=True, text=True, check=False, timeout=60
        )
    assert (done.stdout, done.stderr) == ("done\n", "")
