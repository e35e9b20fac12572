"""Servers for a client in another process, on plain threads: run as a program, told what to do line by line in JSON.

Each line it writes answers one. `restart` begins with new servers, and returns their addresses.
"""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from tests.client.transport.test_proxy import pump, tunnel_to
from tests.support.client.certificates import make_server_context
from tests.support.client.sealing import seal_values
from tests.support.client.stub_servers import Scripted, answer_with, run_scripted, take_request
from tests.support.client.stub_service import Service, run_service

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
PLANTED = OK.replace(b"hi", b"no")


class Gate:
    """A way to another port that lets nothing through while it is shut; as many connections at once as come."""

    def __init__(self, to: int) -> None:
        self.opened = threading.Event()
        self.opened.set()
        self.waiting = 0
        gate = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection(("127.0.0.1", to)) as onward:
                    threading.Thread(target=pump, args=(onward, self.request), daemon=True).start()
                    while data := self.request.recv(65536):
                        gate.waiting += 1
                        gate.opened.wait(60)
                        onward.sendall(data)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.opened.set()
        self._server.shutdown()
        self._server.server_close()


class Told:
    """Scripts of connections that do something at a command."""

    def __init__(self) -> None:
        self.turn = threading.Event()
        self.done = threading.Event()

    def plants(self, connection: socket.socket) -> None:
        """Answers once, and at the command says more that nobody asked for."""
        take_request(connection)
        connection.sendall(OK)
        self.turn.wait(60)
        connection.sendall(PLANTED)
        self.done.set()
        with contextlib.suppress(OSError):
            connection.recv(1)

    def hangs_up(self, connection: socket.socket) -> None:
        """Answers once, and at the command closes."""
        take_request(connection)
        connection.sendall(OK)
        self.turn.wait(60)
        connection.close()
        self.done.set()

    def act(self) -> None:
        """The command."""
        self.turn.set()
        self.done.wait(60)


def silent(connection: socket.socket) -> None:
    """Takes what comes and says nothing."""
    while connection.recv(65536):
        pass


def drips(connection: socket.socket) -> None:
    """Answers byte by byte, for half a minute."""
    pause = threading.Event()
    for byte in b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 500:
        connection.sendall(bytes([byte]))
        pause.wait(0.01)


class Servers:
    """All of them, each by its name; those whose name ends with ` s` speak TLS."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self._tls = make_server_context(folder)
        self._stack = stack
        self._told = {name: Told() for name in ("plants", "plants s", "hangs up", "hangs up s")}
        self._services = {
            "http": stack.enter_context(run_service(seal_values({"a": "1"}))),
            "https": stack.enter_context(run_service(seal_values({"a": "1"}), self._tls)),
        }
        self._gates = {
            name: stack.enter_context(contextlib.closing(Gate(_port(each.api.url))))
            for name, each in self._services.items()
        }
        self._scripted = {name: self._serve(name, *scripts) for name, scripts in self._scripts().items()}
        to = self._scripted["says s"].port
        self._scripted["proxy"] = self._serve("proxy", tunnel_to(to, []))

    def _scripts(self) -> dict[str, tuple[Callable[[socket.socket], None], ...]]:
        found: dict[str, tuple[Callable[[socket.socket], None], ...]] = {
            "says": (answer_with(OK),), "says s": (answer_with(OK),),
            "silent": (silent,), "silent s": (silent,), "drips": (drips,), "drips s": (drips,),
        }  # fmt: skip
        for name, told in self._told.items():
            found[name] = ((told.plants if name.startswith("plants") else told.hangs_up), answer_with(OK))
        return found

    def _serve(self, name: str, *scripts: Callable[[socket.socket], None]) -> Scripted:
        return self._stack.enter_context(run_scripted(*scripts, tls=self._tls if name.endswith(" s") else None))

    def where(self) -> dict[str, object]:
        """The ports, and the variables of a consumer for each service: its way to the API is a gate."""
        ports = {name: each.port for name, each in self._scripted.items()}
        environs = {
            name: {**each.environ, "CONFIGSVC_URL": f"{name}://localhost:{self._gates[name].port}/prod"}
            for name, each in self._services.items()
        }
        return {"ports": ports, "environs": environs}

    def obey(self, do: str, name: str, value: str, revision: int) -> object:
        """One command."""
        running: Service | None = self._services.get(name)
        if do == "shut":
            self._gates[name].waiting = 0
            self._gates[name].opened.clear()
        elif do == "open":
            self._gates[name].opened.set()
        elif do == "waiting":
            return self._gates[name].waiting
        elif do == "act":
            self._told[name].act()
        elif do == "connections":
            return self._scripted[name].connections
        elif do == "serve" and running:
            running.serve(seal_values({"a": value}, revision=revision))
        elif do == "counts" and running:
            return [len(running.api.requests), len(running.kms.requests), running.api.connections]
        return None


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def main(folder: Path) -> None:
    """Until the other side closes."""
    with contextlib.ExitStack() as stack:
        for line in sys.stdin:
            asked = json.loads(line)
            if asked["do"] == "restart":
                stack.close()
                servers = Servers(folder, stack)
                answer: object = servers.where()
            else:
                answer = servers.obey(**asked)
            print(json.dumps(answer), flush=True)  # noqa: T201  # this is how it speaks


if __name__ == "__main__":
    main(Path(sys.argv[1]))
