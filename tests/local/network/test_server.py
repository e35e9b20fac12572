import http.client
import os
import socket

import pytest

from local.errors import PortBusy
from local.network.loopback import LOOPBACK, claim_port, listens
from local.processes import wait_until
from tests.support.local.echo import EchoServer, echo_server


def test_a_stop_ends_connections_that_are_kept_alive() -> None:
    with echo_server() as server:
        client = http.client.HTTPConnection(LOOPBACK, server.port, timeout=10)
        client.request("GET", "/")
        client.getresponse().read()
        assert server.live == 1

    assert client.sock.recv(1) == b""
    assert wait_until(lambda: server.live == 0, 5)
    client.close()


def test_a_server_that_never_started_can_be_stopped() -> None:
    server = EchoServer()

    server.stop()

    assert claim_port(server.port) == server.port


def test_a_busy_port_is_refused() -> None:
    with echo_server() as server, pytest.raises(PortBusy, match=str(server.port)):
        EchoServer(server.port)


def test_a_listening_port_is_known_to_belong_to_its_process() -> None:
    with socket.create_server((LOOPBACK, 0)) as mine:
        port = mine.getsockname()[1]

        assert listens(os.getpid(), port)
        assert not listens(os.getppid(), port)
