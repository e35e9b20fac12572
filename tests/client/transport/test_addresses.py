"""Hosts with several addresses: a slow, dead or unusable address does not keep a client from the others."""

from __future__ import annotations

import contextlib
import gc
import itertools
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from configsvc_client._transport.dial import Dialer, connect_to_any, get_seconds_left, resolve
from configsvc_client._transport.race import SocketAddress, interleave
from configsvc_client._transport.url import parse_url
from tests.client.transport.test_proxy import tunnel_to
from tests.support.client.certificates import make_server_context
from tests.support.client.stub_servers import Scripted, answer_with, run_scripted

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
NO_FAMILY = 9999


def of(host: str, port: int) -> SocketAddress:
    return (socket.AF_INET6 if ":" in host else socket.AF_INET, (host, port))


def good(server: Scripted) -> SocketAddress:
    return of("127.0.0.1", server.port)


class Hole:
    """An address that does not answer a SYN: nothing accepts, and the queue is full."""

    def __init__(self, host: str, port: int) -> None:
        self._listening = socket.create_server((host, port), backlog=0)
        self.address = of(host, self._listening.getsockname()[1])
        self._queued: list[socket.socket] = []
        with contextlib.suppress(TimeoutError):
            while True:
                self._queued.append(socket.create_connection(self._listening.getsockname(), 0.1))

    def drain(self) -> None:
        """Makes room for the next SYN, which is sent again after a second."""
        with contextlib.suppress(OSError):  # closed first
            for _ in range(2):
                self._queued.append(self._listening.accept()[0])

    def close(self) -> None:
        for each in (self._listening, *self._queued):
            each.close()


@contextlib.contextmanager
def holes(port: int, *hosts: str) -> Iterator[list[SocketAddress]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(contextlib.closing(Hole(host, port))).address for host in hosts]


@pytest.fixture(autouse=True)
def _every_socket_is_closed() -> Iterator[None]:
    """Collects garbage: a socket still open is a ResourceWarning, and so an error."""
    yield
    gc.collect()


def soon() -> Callable[[], float]:
    deadline = time.monotonic() + 20
    return lambda: get_seconds_left(deadline, time.monotonic)


def reach(addresses: list[SocketAddress], seconds: Callable[[], float] | None = None) -> object:
    """Connects over plain TCP and returns the address reached."""
    with contextlib.closing(connect_to_any(addresses, None, seconds or soon())) as made:
        return made.getpeername()


def unreachable(port: int) -> dict[str, SocketAddress]:
    return {
        "refuses": of("127.0.0.2", port),
        "a family that this system lacks": (NO_FAMILY, ("127.0.0.2", port)),  # type: ignore[dict-item]  # socket() fails
        "a scope that is missing": (socket.AF_INET6, ("fe80::1", port, 0, 0)),
        "an address of nobody": of("255.255.255.255", port),
    }


@pytest.mark.parametrize("why", unreachable(0))
def test_failed_address_is_followed_by_the_next_at_once(why: str) -> None:
    with run_scripted(answer_with(OK)) as server:
        bad = unreachable(server.port)[why]
        assert reach([bad, good(server)]) == ("127.0.0.1", server.port)
        assert reach([bad, bad, *unreachable(server.port).values(), good(server)]) == ("127.0.0.1", server.port)


def test_next_address_is_tried_while_one_does_not_answer() -> None:
    with run_scripted(answer_with(OK)) as server, holes(server.port, "127.0.0.3", "127.0.0.4") as dark:
        assert reach([*dark, good(server)]) == ("127.0.0.1", server.port)


@pytest.mark.parametrize("seconds", [0.1, pytest.param(0.8, marks=pytest.mark.slow)])
def test_each_of_many_addresses_is_tried_before_a_short_deadline(seconds: float) -> None:
    """The deadline comes slowly, so that every attempt also starts before it on a busy computer."""
    hosts = [f"127.0.1.{number}" for number in range(7)]
    with run_scripted(answer_with(OK)) as server, holes(server.port, *hosts) as dark:
        began = time.monotonic()
        slowly = lambda: get_seconds_left(began + seconds, lambda: began + (time.monotonic() - began) / 3)  # noqa: E731  # one line
        assert reach([*dark, good(server)], slowly) == ("127.0.0.1", server.port)


def test_slow_attempt_goes_on_in_parallel_with_the_others() -> None:
    with contextlib.closing(Hole("127.0.0.3", 0)) as slow, holes(slow.address[1][1], "127.0.0.4", "127.0.0.5") as dark:  # type: ignore[arg-type]  # the port
        seconds, asked = soon(), itertools.count()

        def drains() -> float:
            if next(asked) == 6:  # by then the second has started
                slow.drain()
            return seconds()

        assert reach([slow.address, *dark], drains) == slow.address[1]


def test_single_address_gets_the_whole_deadline() -> None:
    with contextlib.closing(Hole("127.0.0.3", 0)) as slow:
        draining = threading.Thread(target=slow.drain)
        draining.start()
        assert reach([slow.address, slow.address]) == slow.address[1]
        draining.join(20)


def test_no_answer_is_a_timeout_at_the_deadline() -> None:
    with run_scripted(answer_with(OK)) as server, holes(server.port, "127.0.0.3", "127.0.0.4") as dark:
        deadline = time.monotonic() + 0.3
        with pytest.raises(TimeoutError):
            reach([*dark, unreachable(server.port)["refuses"]], lambda: get_seconds_left(deadline, time.monotonic))


def test_refused_connection_is_reported_before_other_failures() -> None:
    with run_scripted(answer_with(OK)) as server:
        bad = unreachable(server.port)
        refuses, unsupported = bad["refuses"], bad["a family that this system lacks"]
        for order in ([refuses], [refuses, unsupported], [unsupported, refuses], [unsupported, refuses, unsupported]):
            with pytest.raises(ConnectionRefusedError):
                reach(order)
        with pytest.raises(OSError, match="family"):
            reach([unsupported])
        with pytest.raises(OSError, match="no address"):
            reach([])


@pytest.mark.parametrize("when", [1, 7, *(pytest.param(each, marks=pytest.mark.slow) for each in range(2, 7))])
def test_exception_during_the_race_propagates_and_leaves_no_socket(when: int) -> None:
    with run_scripted(answer_with(OK)) as server, holes(server.port, "127.0.0.3", "127.0.0.4", "127.0.0.5") as dark:
        seconds, asked = soon(), itertools.count()

        def interrupt() -> float:
            if next(asked) == when:
                raise KeyboardInterrupt
            return seconds()

        with pytest.raises(KeyboardInterrupt):
            reach(dark, interrupt)


class SlowNetwork(TimeoutError):
    """A handler's exception that looks like a network failure."""


@pytest.mark.parametrize("seconds", [0.05, 0.4])
def test_signal_handler_exception_during_the_race_propagates(seconds: float) -> None:
    def strike(signum: int, frame: object) -> None:
        raise SlowNetwork(signum, frame)

    with run_scripted(answer_with(OK)) as server, holes(server.port, "127.0.0.3", "127.0.0.4", "127.0.0.5") as dark:
        before = signal.signal(signal.SIGALRM, strike)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            with pytest.raises(SlowNetwork):
                reach(dark)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def test_address_families_alternate() -> None:
    four, six = ([of(f"{host}{number}", 1) for number in range(3)] for host in ("10.0.0.", "fd00::"))
    assert interleave([*six, *four]) == [six[0], four[0], six[1], four[1], six[2], four[2]]
    assert interleave([four[0], *six]) == [four[0], *six]


def open_tls(server: Scripted, folder: Path, addresses: list[SocketAddress]) -> socket.socket:
    environ = {"SSL_CERT_FILE": str(folder / "ca.pem")}
    dialer = Dialer(parse_url(f"https://localhost:{server.port}"), environ, time.monotonic, find=lambda *_: addresses)
    return dialer.open(time.monotonic() + 20)


class Elsewhere:
    """Another address with the port of a server; handles each connection with a function."""

    def __init__(self, port: int, serve: Callable[[socket.socket], None]) -> None:
        self._listening = socket.create_server(("127.0.0.6", port))
        self.address = of("127.0.0.6", port)
        self.connections: list[socket.socket] = []
        self._serve = serve
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.connections.append(self._listening.accept()[0])
                self._serve(self.connections[-1])

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(20)
        for each in self.connections:
            each.close()


@contextlib.contextmanager
def elsewhere(server: Scripted, serve: Callable[[socket.socket], None] = lambda _: None) -> Iterator[Elsewhere]:
    with contextlib.closing(Elsewhere(server.port, serve)) as other:
        yield other


def resets(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


HALF_DEAD: dict[str, Callable[[socket.socket], None]] = {
    "accepts and is silent": lambda _: None,
    "closes": lambda connection: connection.close(),
    "resets": resets,
    "speaks no TLS": lambda connection: connection.sendall(OK),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", HALF_DEAD)
def test_address_that_does_not_complete_tls_is_followed_by_the_next(how: str, tmp_path: Path) -> None:
    with (
        run_scripted(answer_with(OK), tls=make_server_context(tmp_path)) as server,
        elsewhere(server, HALF_DEAD[how]) as half_dead,
    ):
        with contextlib.closing(open_tls(server, tmp_path, [half_dead.address] * 2 + [good(server)])) as made:
            assert made.getpeername() == ("127.0.0.1", server.port)
        assert len(half_dead.connections) == 1


def test_slow_handshake_goes_on_in_parallel_with_the_next(tmp_path: Path) -> None:
    with run_scripted(answer_with(OK), tls=make_server_context(tmp_path)) as server:
        turn = threading.Event()
        with (
            elsewhere(server, lambda _: turn.set()) as half_dead,
            socket.create_connection(("127.0.0.1", server.port)) as first,  # served first
        ):

            def makes_way() -> None:
                turn.wait(20)
                first.shutdown(socket.SHUT_RDWR)

            threading.Thread(target=makes_way).start()
            with contextlib.closing(open_tls(server, tmp_path, [good(server), half_dead.address])) as made:
                assert made.getpeername() == ("127.0.0.1", server.port)
            assert server.connections == 2


def test_unverified_certificate_does_not_lead_to_another_address(tmp_path: Path) -> None:
    tls = make_server_context(tmp_path, "elsewhere.example")
    with run_scripted(answer_with(OK), tls=tls) as server, elsewhere(server) as other:
        with pytest.raises(ssl.SSLCertVerificationError):
            open_tls(server, tmp_path, [good(server), other.address])
        with pytest.raises(ssl.SSLCertVerificationError):
            open_tls(server, tmp_path, [unreachable(server.port)["refuses"], good(server), other.address])
        assert other.connections == []


def test_proxy_with_several_addresses_is_reached_like_any_host(tmp_path: Path) -> None:
    tls, seen = make_server_context(tmp_path, "api.example"), list[bytes]()
    with run_scripted(answer_with(OK), tls=tls) as server, run_scripted(tunnel_to(server.port, seen)) as proxy:
        with holes(proxy.port, "127.0.0.3") as dark:
            environ = {"HTTPS_PROXY": f"http://proxy.example:{proxy.port}", "SSL_CERT_FILE": str(tmp_path / "ca.pem")}
            found = [unreachable(proxy.port)["refuses"], *dark, good(proxy)]
            dialer = Dialer(parse_url("https://api.example"), environ, time.monotonic, find=lambda *_: found)
            with contextlib.closing(dialer.open(time.monotonic() + 20)) as made:
                assert made.getpeername() == ("127.0.0.1", proxy.port)
        assert len(seen) == 1


def test_answering_first_address_does_not_load_the_race() -> None:
    script = """
import socket, sys
from configsvc_client._transport.dial import connect_to_any
addresses = [("127.0.0.1", int(sys.argv[1])), ("127.0.0.2", 1)]
connect_to_any([(socket.AF_INET, each) for each in addresses], None, lambda: 20).close()
print("configsvc_client._transport.race" in sys.modules)
"""
    with run_scripted(answer_with(OK)) as server:
        command = [sys.executable, "-c", script, str(server.port)]
        assert subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout == "False\n"


def test_name_is_looked_up_if_no_thread_can_start() -> None:
    before = threading.stack_size(2**62)  # more than the system has: it refuses every thread
    try:
        with pytest.raises(RuntimeError):
            threading.Thread(target=int).start()
        assert resolve("name.example", 1, 20, lambda host, port: [of(host, port)]) == [of("name.example", 1)]
    finally:
        threading.stack_size(before)


def test_resolver_exception_propagates() -> None:
    def fail(host: str, port: int) -> list[SocketAddress]:
        raise ZeroDivisionError(host, port)

    with pytest.raises(ZeroDivisionError):
        resolve("name.example", 1, 20, fail)
