"""A host with a dot at its end, which only resolvers mind: `https://api.example./`."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from configsvc_client._aws.kms import resolve_endpoint
from configsvc_client._transport.http import Connection
from configsvc_client._transport.url import Url, parse_url
from tests.client.transport.test_proxy import tunnel_to
from tests.support.client.certificates import make_server_context
from tests.support.client.stub_servers import run_scripted, take_request

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
KMS = resolve_endpoint("eu-central-1", {"AWS_ENDPOINT_URL": "https://api.example./prod"})


class Server:
    """Returns the name in the handshake and the host in the request to a server of api.example."""

    def __init__(self, folder: Path) -> None:
        self.names: list[str | None] = []
        self.asked: list[bytes] = []
        self.tls = make_server_context(folder, "api.example")
        self.tls.sni_callback = self._name

    def _name(self, _: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> None:
        self.names.append(name)

    def serve(self, connection: socket.socket) -> None:
        self.asked.append(take_request(connection))
        connection.sendall(OK)


@pytest.mark.parametrize("url", [parse_url("https://api.example./prod"), KMS], ids=["url", "endpoint of AWS"])
def test_only_the_name_lookup_sees_a_hosts_trailing_dot(url: Url, tmp_path: Path) -> None:
    server, seen = Server(tmp_path), list[bytes]()
    with run_scripted(server.serve, tls=server.tls) as running, run_scripted(tunnel_to(running.port, seen)) as proxy:
        environ = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}", "SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        with contextlib.closing(Connection(url, environ)) as connection:
            assert connection.request("GET", "/", {}, b"", time.monotonic() + 20).body == b"hi"
    assert server.names == ["api.example"]
    assert b"\r\nhost: api.example\r\n" in server.asked[0]
    assert seen == [b"CONNECT api.example.:443 HTTP/1.1\r\nhost: api.example.:443\r\n\r\n"]


def test_curl_names_it_alike_to_tls(tmp_path: Path) -> None:
    curl = shutil.which("curl")
    if not curl and os.environ.get("REQUIRE_CURL") != "yes":
        pytest.skip("curl is not installed")
    assert curl
    server = Server(tmp_path)
    with run_scripted(server.serve, tls=server.tls) as running:
        there = f"::127.0.0.1:{running.port}"
        command = [curl, "-sS", "--cacert", str(tmp_path / "ca.pem"), "--connect-to", there, "https://api.example./"]
        subprocess.run(command, check=True, capture_output=True, timeout=30)
    assert server.names == ["api.example"]
