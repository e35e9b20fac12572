"""A client all of whose threads are greenlets, against servers of another process. `test_under_gevent.py` runs this."""

from __future__ import annotations

import contextlib
import faulthandler
import itertools
import json
import os
import select
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent import monkey

from configsvc.model.errors import Unavailable
from configsvc_client import Config
from configsvc_client._transport.http import Connection
from configsvc_client._transport.url import parse_url

SCHEMES = ("http", "https")
TLS = ("", " s")


class Servers:
    """Controls `servers.py` from here."""

    def __init__(self, folder: Path) -> None:
        command = [os.environ["SERVERS_PYTHON"], "-m", "tests.support.greenlets.servers", str(folder)]
        self.running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._ca = str(folder / "ca.pem")
        self._where: Any = None

    def restart(self) -> None:
        """All of them, with nothing counted."""
        self._where = self.do("restart", "")

    def _line(self) -> str:
        assert self.running.stdout
        return self.running.stdout.readline()

    def do(self, do: str, name: str, value: str = "", revision: int = 0) -> Any:  # noqa: ANN401  # JSON
        assert self.running.stdin
        self.running.stdin.write(json.dumps({"do": do, "name": name, "value": value, "revision": revision}) + "\n")
        self.running.stdin.flush()
        return json.loads(self._line())

    def environ(self, scheme: str) -> dict[str, str]:
        return {**self._where["environs"][scheme], "SSL_CERT_FILE": self._ca}

    def config(self, scheme: str, poll_seconds: float = 60, *, background: bool = False) -> Config:
        return Config(
            environ=self.environ(scheme), poll_seconds=poll_seconds, background=background, start_seconds=20,
            refresh_seconds=20,
        )  # fmt: skip

    def connection(self, name: str, **environ: str) -> Connection:
        scheme = "https" if name.endswith(" s") else "http"
        url = parse_url(f"{scheme}://localhost:{self._where['ports'][name]}")
        return Connection(url, {"SSL_CERT_FILE": self._ca, **environ})

    def port(self, name: str) -> int:
        return int(self._where["ports"][name])

    def close(self) -> None:
        for pipe in (self.running.stdin, self.running.stdout):
            assert pipe
            pipe.close()
        self.running.wait(30)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with contextlib.closing(Servers(tmp_path_factory.mktemp("servers"))) as running:
        yield running


@pytest.fixture
def servers(running: Servers) -> Servers:
    running.restart()
    return running


def soon(seconds: float = 20) -> float:
    return time.monotonic() + seconds


def ask(connection: Connection, seconds: float = 20) -> bytes:
    return connection.request("GET", "/", {}, b"", soon(seconds)).body


def until(true: Callable[[], object]) -> None:
    """Bounded, and other greenlets run while it waits."""
    for _ in range(3000):
        if true():
            return
        gevent.sleep(0.01)
    raise AssertionError("did not happen")


def test_everything_is_patched() -> None:
    assert all(monkey.is_module_patched(name) for name in ("socket", "ssl", "select", "threading", "time", "os"))
    assert type(threading.current_thread()).__name__ == "_MainThread"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_load_is_one_request_and_one_signed_call_of_kms_and_a_change_comes_over_the_kept_connection(
    servers: Servers, scheme: str
) -> None:
    with contextlib.closing(servers.config(scheme)) as config:
        assert config["a"] == "1"
        assert servers.do("counts", scheme) == [1, 1, 1]
        servers.do("serve", scheme, "2", 2)
        assert (config.refresh(), config["a"], config.refresh()) == (True, "2", False)
        assert servers.do("counts", scheme) == [3, 1, 1]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_greenlets_that_read_at_once_wait_for_one_load_and_let_others_run(servers: Servers, scheme: str) -> None:
    servers.do("shut", scheme)
    with contextlib.closing(servers.config(scheme)) as config:
        reading = [gevent.spawn(lambda: config["a"]) for _ in range(5)]
        until(lambda: servers.do("waiting", scheme))  # runs while all of them wait
        assert not any(each.ready() for each in reading)
        servers.do("open", scheme)
        assert [each.get(timeout=30) for each in reading] == ["1"] * 5
        assert servers.do("counts", scheme)[:2] == [1, 1]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_greenlets_load_and_refresh_configs_of_their_own_beside_each_other(servers: Servers, scheme: str) -> None:
    configs = [servers.config(scheme) for _ in range(3)]
    for act in (lambda config: config["a"], Config.refresh):
        servers.do("shut", scheme)
        acting = [gevent.spawn(act, config) for config in configs]
        until(lambda: servers.do("waiting", scheme) >= 3)
        servers.do("open", scheme)
        assert len({each.get(timeout=30) for each in acting}) == 1
    for config in configs:
        config.close()


@pytest.mark.parametrize("tls", TLS)
@pytest.mark.parametrize("what", ["plants", "hangs up"])
def test_a_kept_connection_on_which_something_came_or_that_ended_is_replaced(
    servers: Servers, what: str, tls: str
) -> None:
    with contextlib.closing(servers.connection(what + tls)) as connection:
        assert ask(connection) == b"hi"
        servers.do("act", what + tls)
        kept = connection._idle[0].socket  # noqa: SLF001  # where it has to have come
        assert select.select([kept], [], [], 20)[0]
        assert (ask(connection), ask(connection)) == (b"hi", b"hi")
    assert servers.do("connections", what + tls) == 2


@pytest.mark.parametrize("tls", TLS)
@pytest.mark.parametrize("what", ["silent", "drips"])
def test_a_deadline_is_one_also_where_it_passes_in_a_greenlet(servers: Servers, what: str, tls: str) -> None:
    with contextlib.closing(servers.connection(what + tls)) as connection:
        for _ in range(2):
            with pytest.raises(Unavailable) as caught:
                ask(connection, 0.3)
            assert caught.value.members["reason"] == "deadline"


def test_a_handshake_without_an_answer_ends_with_the_deadline(servers: Servers) -> None:
    url = parse_url(f"https://localhost:{servers.port('silent')}")
    with pytest.raises(Unavailable) as caught:
        ask(Connection(url, {}), 0.3)
    assert caught.value.members["reason"] == "deadline"


def test_a_certificate_that_does_not_verify_is_named(servers: Servers) -> None:
    url = parse_url(f"https://localhost:{servers.port('says s')}")
    with pytest.raises(Unavailable) as caught:
        ask(Connection(url, {}))
    assert caught.value.members["reason"] == "certificate"


def test_through_a_proxy(servers: Servers) -> None:
    proxy = f"http://127.0.0.1:{servers.port('proxy')}"
    with contextlib.closing(servers.connection("says s", HTTPS_PROXY=proxy)) as connection:
        assert (ask(connection), ask(connection)) == (b"hi", b"hi")
    assert servers.do("connections", "proxy") == 1


def test_a_name_is_looked_up_while_others_run() -> None:
    ticks = itertools.count()

    def tick() -> None:
        while next(ticks) < 10**6:
            gevent.sleep(0)

    ticking = gevent.spawn(tick)
    with pytest.raises(Unavailable) as caught:
        ask(Connection(parse_url("https://nobody.invalid"), {}), 5)
    ticking.kill()
    assert next(ticks) > 1
    assert caught.value.members["reason"] in {"connection", "deadline"}


@pytest.mark.parametrize("tls", TLS)
def test_what_was_opened_ahead_is_used(servers: Servers, tls: str) -> None:
    with contextlib.closing(servers.connection("says" + tls)) as connection:
        connection.open_ahead(soon())
        assert (ask(connection), ask(connection)) == (b"hi", b"hi")
    assert servers.do("connections", "says" + tls) == 1


@pytest.mark.parametrize("scheme", SCHEMES)
def test_close_returns_while_a_greenlet_waits_for_its_answer_which_it_gets(servers: Servers, scheme: str) -> None:
    with contextlib.closing(servers.config(scheme)) as config:
        assert config["a"] == "1"
        servers.do("shut", scheme)
        refreshing = gevent.spawn(config.refresh)
        until(lambda: servers.do("waiting", scheme))
        with gevent.Timeout(10):
            config.close()
        servers.do("open", scheme)
        assert refreshing.get(timeout=30) in {True, False}
        assert config["a"] == "1"


@pytest.mark.parametrize("how", ["a timeout of gevent's", "a kill"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_greenlet_that_is_ended_amid_a_load_or_refresh_leaves_a_config_that_works(
    servers: Servers, scheme: str, how: str
) -> None:
    with contextlib.closing(servers.config(scheme)) as config:
        acts: list[Callable[[], object]] = [lambda: config["a"], config.refresh]
        for act in acts:
            servers.do("shut", scheme)
            if how == "a kill":
                acting = gevent.spawn(act)
                until(lambda: servers.do("waiting", scheme))
                acting.kill(timeout=10)
                assert acting.ready()
            else:
                with pytest.raises(gevent.Timeout), gevent.Timeout(0.3):
                    act()
            servers.do("open", scheme)
            config.refresh()
            assert config["a"] == "1"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_background_greenlet_brings_a_change(servers: Servers, scheme: str) -> None:
    with contextlib.closing(servers.config(scheme, poll_seconds=0.05, background=True)) as config:
        assert config["a"] == "1"
        servers.do("serve", scheme, "2", 2)
        until(lambda: config.revisions["payments.prod"] == 2)
        assert config["a"] == "2"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("background", [False, True])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of a fork with threads: those of gevent's pool
def test_a_child_process_reads_and_refreshes_over_a_connection_of_its_own(
    servers: Servers, scheme: str, *, background: bool
) -> None:
    with contextlib.closing(servers.config(scheme, background=background)) as config:
        assert config["a"] == "1"
        servers.do("serve", scheme, "2", 2)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                faulthandler.dump_traceback_later(30, exit=True)
                os.write(writing, f"{config.refresh()} {config['a']}".encode())
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert os.read(reading, 100) == b"True 2"
        os.close(reading)
        os.close(writing)
        assert (config.refresh(), config["a"]) == (True, "2")
        assert servers.do("counts", scheme)[2] == 2
