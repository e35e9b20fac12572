"""Where `select` has no `poll`: on Windows, and where eventlet has taken it away."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.client.transport.test_addresses import OK
from tests.support.client.certificates import make_server_context
from tests.support.client.stub_servers import answer_with, run_scripted, take_request

SCRIPT = """
import select
del select.poll
import json, socket, sys, time
from configsvc_client._transport.dial import Dialer
from configsvc_client._transport.http import Connection
from configsvc_client._transport.url import parse_url

url, port, environ = parse_url(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])

def ask(connection):
    return connection.request("GET", "/", {}, b"", time.monotonic() + 20).body.decode()

connection = Connection(url, environ)
bodies = [ask(connection), ask(connection)]
print("asked", flush=True)
input()
select.select([connection._idle[0].socket], [], [], 20)  # where it has to have come
bodies.append(ask(connection))
connection.close()
print(json.dumps(bodies), flush=True)
found = [(socket.AF_INET, (host, port)) for host in ("127.0.0.2", "127.0.0.3", "127.0.0.1")]
made = Dialer(url, environ, time.monotonic, find=lambda *_: found).open(time.monotonic() + 20)
print(made.getpeername()[0], flush=True)
made.close()
"""


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_idle_connections_are_reused_and_addresses_tried_in_parallel(scheme: str, tmp_path: Path) -> None:
    planted, turn = threading.Event(), threading.Event()

    def plants(connection: socket.socket) -> None:
        for _ in range(2):
            take_request(connection)
            connection.sendall(OK)
        turn.wait(20)
        connection.sendall(OK.replace(b"hi", b"no"))
        planted.set()
        connection.recv(1)

    tls = make_server_context(tmp_path) if scheme == "https" else None
    with run_scripted(plants, answer_with(OK), tls=tls) as server:
        # In its queue nobody answers: the race goes on to the next.
        silent = socket.create_server(("127.0.0.3", server.port))
        environ = json.dumps({"SSL_CERT_FILE": str(tmp_path / "ca.pem")})
        command = [sys.executable, "-c", SCRIPT, f"{scheme}://localhost:{server.port}", str(server.port), environ]
        with silent, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
            assert client.stdin
            assert client.stdout
            assert client.stdout.readline() == "asked\n"
            assert server.connections == 1
            turn.set()
            assert planted.wait(20)
            print(file=client.stdin, flush=True)
            assert json.loads(client.stdout.readline()) == ["hi", "hi", "hi"]
            assert client.stdout.readline() == ("127.0.0.1\n" if tls else "127.0.0.3\n")
            assert server.connections == (3 if tls else 2)
