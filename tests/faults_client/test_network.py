"""Rows 31 to 33, 44, 45, 47, 48 and 52: links, names, addresses, servers and packages as they are outside."""

from __future__ import annotations

import gzip
import os
import socket
import subprocess
import sys
import sysconfig
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from configsvc.model.encoding import to_base64std
from configsvc.model.snapshot import render
from configsvc_client import Config
from configsvc_client._ports import Clocks, FetchedSnapshot, World
from configsvc_client._service.gateway import ApiGateway
from configsvc_client._settings import ClientSettings
from configsvc_client._transport.dial import LookUpHost
from configsvc_client._transport.http import Connection
from configsvc_client._transport.race import SocketAddress
from configsvc_client._transport.url import parse_url
from configsvc_client._world import SystemClocks
from tests.client.aws.test_regions import Asking, arn
from tests.client.refresh.test_background import wait_until
from tests.client.transport.test_addresses import good, holes, unreachable
from tests.greenlets.test_under_gevent import PYTHON
from tests.support.client.certificates import make_server_context
from tests.support.client.configs import ENVIRON
from tests.support.client.fakes import FakeClock, FakeKms
from tests.support.client.sealing import NS, seal_values
from tests.support.client.stub_servers import Answer, Stub, make_json_answer, run_scripted, run_stub, take_request
from tests.support.client.stub_service import run_service

ROOT = Path(__file__).resolve().parents[2]
ONE, TWO = seal_values({"a": "1"}), seal_values({"a": "2"}, revision=2)
READ = """
from configsvc_client import Config
config = Config(start_seconds=60, refresh_seconds=60)
print(config["a"], config.refresh(), flush=True)
"""
GREEN = "from gevent import monkey\nmonkey.patch_all()\n" + READ


def whole(served: FetchedSnapshot) -> Callable[[str, str, dict[str, str], bytes], Answer]:
    """A service that answers each request with that."""
    headers = {"content-type": "application/json", "etag": served.etag}
    return lambda *_: (200, headers, render(served.sealed).encode())


@contextmanager
def consumer(find: LookUpHost, clock: Clocks) -> Iterator[Config]:
    """A Config with a real connection, whose addresses a test looks up, and a clock of the test."""
    connection = Connection(parse_url("http://localhost:1"), {}, clock=clock.monotonic, wall=clock.wall, find=find)

    def world(_: ClientSettings) -> World:
        return World(
            ApiGateway(connection, "k"), FakeKms(), clock, lambda: 0.5, lambda: None, connection.close,
            lambda _: b"", lambda _: None,
        )  # fmt: skip

    with closing(Config(NS, environ=ENVIRON, start_seconds=20, refresh_seconds=20, world=world)) as config:
        yield config


class Name:
    """A name, as it is looked up, and the server that it means."""

    def __init__(self, server: Stub) -> None:
        self.server = server

    def __call__(self, host: str, port: int) -> list[SocketAddress]:
        del host, port
        return [(socket.AF_INET, ("127.0.0.1", int(self.server.url.rpartition(":")[2])))]


@contextmanager
def stalling(*answers: FetchedSnapshot | None) -> Iterator[tuple[dict[str, str], threading.Semaphore]]:
    """Variables for a consumer, and a sign of each request; requests without an answer, and later ones, wait for it."""
    asked, over, left = threading.Semaphore(0), threading.Event(), list(answers)

    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        served = left.pop(0) if left else None
        asked.release()
        if served is None:
            over.wait(100)
            return 503, {}, b""
        return whole(served)(method, path, headers, body)

    with run_service(ONE) as running, run_stub(answer) as api:
        try:
            yield {**running.environ, "CONFIGSVC_URL": api.url}, asked
        finally:
            over.set()


def output(program: str, environ: dict[str, str], *options: str, python: str = sys.executable) -> str:
    done = subprocess.run(
        [python, *options, "-c", program], env={"PATH": os.environ["PATH"], **environ}, cwd=ROOT,
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    return done.stdout or done.stderr


def test_31_a_change_slower_than_the_deadline_arrives_after_a_timeout() -> None:
    served, slow, pause = [ONE], threading.Event(), threading.Event()

    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if slow.is_set():
            pause.wait(0.6)
        return whole(served[0])(method, path, headers, body)

    with run_service(ONE) as running, run_stub(answer) as api:
        environ = {**running.environ, "CONFIGSVC_URL": api.url}
        with closing(Config(environ=environ, poll_seconds=0.01, refresh_seconds=0.2)) as config:
            assert config["a"] == "1"
            served[0] = TWO
            slow.set()
            wait_until(lambda: config["a"] == "2")
            assert config.counts["failures"] >= 1


@pytest.mark.parametrize("status", [403, 503])
def test_32_after_old_servers_fail_the_third_poll_reads_new_ones(status: int) -> None:
    clock, gone = FakeClock(), threading.Event()

    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        return (status, {}, b"") if gone.is_set() else whole(ONE)(method, path, headers, body)

    with run_stub(answer) as old, run_stub(whole(TWO)) as new, consumer(name := Name(old), clock) as config:
        assert config["a"] == "1"
        name.server = new
        gone.set()
        seen = []
        for _ in range(3):
            clock.advance(67)
            seen.append(config["a"])
        assert seen == ["1", "1", "2"]


def test_32_new_servers_are_read_within_330_seconds_and_a_poll() -> None:
    clock = FakeClock()
    with run_stub(whole(ONE)) as old, run_stub(whole(TWO)) as new, consumer(name := Name(old), clock) as config:
        assert config["a"] == "1"
        name.server, began = new, clock.up
        while config["a"] == "1":
            clock.advance(10)
            assert clock.up - began <= 330 + 66 + 10


@pytest.mark.parametrize("why", unreachable(0))
def test_33_a_cold_start_moves_on_from_an_unusable_address(why: str) -> None:
    with run_scripted(lambda connection: _serve(connection, ONE)) as server:
        addresses = [unreachable(server.port)[why], good(server)]
        with consumer(lambda *_: addresses, SystemClocks()) as config:
            assert config["a"] == "1"


def test_33_a_cold_start_moves_on_from_silent_addresses() -> None:
    with (
        run_scripted(lambda connection: _serve(connection, ONE)) as server,
        holes(server.port, "127.0.0.3", "127.0.0.4") as dark,
        consumer(lambda *_: [*dark, good(server)], SystemClocks()) as config,
    ):
        assert config["a"] == "1"


def _serve(connection: socket.socket, served: FetchedSnapshot, extra: bytes = b"", **headers: str) -> None:
    """One answer, and something that nobody asked for behind it."""
    if take_request(connection):
        body = render(served.sealed).encode()
        said = {"ETag": served.etag, "Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
        head = "HTTP/1.1 200 OK\r\n" + "".join(f"{name}: {value}\r\n" for name, value in said.items()) + "\r\n"
        connection.sendall(head.encode() + body)
        if extra:
            take_request(connection)  # crosses with it
            connection.sendall(extra)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_44_where_gevent_has_replaced_the_sockets_a_config_loads_and_refreshes(scheme: str, tmp_path: Path) -> None:
    if not PYTHON.exists() and os.environ.get("CI") != "true":
        pytest.skip("the environment of `make load`, which has gevent, is not there: make setup")
    with run_service(ONE, make_server_context(tmp_path) if scheme == "https" else None) as running:
        environ = {**running.environ, "SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        environ["PYTHONPATH"] = f"{ROOT / 'client'}:{sysconfig.get_path('purelib')}"
        assert output(GREEN, environ, python=str(PYTHON)) == "1 False\n"


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 408 Request Time-out\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n<html>408</html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n",
    ],
    ids=["408", "haproxy's", "no answer"],
)
def test_45_bytes_on_an_idle_connection_cost_a_poll_no_error(said: bytes) -> None:
    scripts = (lambda connection: _serve(connection, ONE, said), lambda connection: _serve(connection, TWO))
    with run_scripted(*scripts) as server, run_service(ONE) as running:
        environ = {**running.environ, "CONFIGSVC_URL": f"http://127.0.0.1:{server.port}"}
        with closing(Config(environ=environ, start_seconds=20, refresh_seconds=20)) as config:
            assert config["a"] == "1"
            assert config.refresh() is True
            assert (config["a"], config.counts["failures"], server.connections) == ("2", 0, 2)


def test_47_a_client_packed_as_a_zip_loads_over_https(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "client.zip", "w") as packed:
        for file in sorted((ROOT / "client" / "configsvc_client").rglob("*")):
            if file.suffix in {".py", ".pem"}:
                packed.write(file, file.relative_to(ROOT / "client"))
    with run_service(ONE, make_server_context(tmp_path)) as running:
        told = f"import sys\nsys.path.insert(0, {str(tmp_path / 'client.zip')!r})\n"
        shown = "import configsvc_client\nassert 'client.zip' in configsvc_client.__file__\n"
        environ = {**running.environ, "SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        assert output(told + shown + READ, environ) == "1 False\n"


@pytest.mark.parametrize(
    ("pinned", "host"),
    [
        (arn("us-east-1"), "kms.us-east-1.amazonaws.com"),
        (arn("cn-north-1", partition="aws-cn"), "kms.cn-north-1.amazonaws.com.cn"),
        (arn("us-iso-east-1", partition="aws-iso"), "kms.us-iso-east-1.c2s.ic.gov"),
    ],
)
def test_48_kms_is_called_in_the_pinned_keys_region_and_partition(pinned: str, host: str) -> None:
    with run_stub(lambda *_: make_json_answer(200, {"Plaintext": to_base64std(b"raw"), "KeyId": pinned})) as server:
        asking = Asking(server, pinned, {"AWS_REGION": "eu-central-1"})
        assert asking.decrypt(pinned) == [(pinned, pinned.split(":")[3])]
        assert asking.hosts == [host]


@pytest.mark.parametrize("spelling", ["gzip", "GZIP", "x-gzip", "identity, gzip"])
def test_52_gzip_answers_are_read_however_they_are_encoded(spelling: str) -> None:
    raw = render(ONE.sealed).encode()
    body = gzip.compress(raw[:100]) + gzip.compress(raw[100:])
    headers = {"content-type": "application/json", "etag": ONE.etag, "content-encoding": spelling}
    with run_stub(lambda *_: (200, headers, body)) as api, run_service(ONE) as running:
        environ = {**running.environ, "CONFIGSVC_URL": api.url}
        with closing(Config(environ=environ, start_seconds=20)) as config:
            assert config["a"] == "1"
