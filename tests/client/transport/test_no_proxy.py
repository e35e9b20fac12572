"""NO_PROXY and proxy credentials, compared with curl and requests."""

import base64
import json
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from configsvc_client._secret import unmask
from configsvc_client._transport.proxy import find_proxy
from configsvc_client._transport.url import parse_url
from tests.support.client.stub_servers import answer_with, run_scripted, take_request

CURL = shutil.which("curl")
REQUESTS = Path(__file__).parents[3] / ".venvs/load/bin/python"
REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
PROXY = "http://proxy.example:3128"
HOST, V4, V6 = "https://api.example.com", "https://10.1.2.3", "https://[fd00::1]"

TABLE = [
    (HOST, "api.example.com", True),
    (HOST, "API.Example.COM", True),
    (HOST, "example.com", True),
    (HOST, ".example.com", True),
    (HOST, "xample.com", False),
    (HOST, "api.example.com.evil", False),
    (HOST, "a.example, api.example.com", True),
    (HOST, "a.example , api.example.com ,b.example", True),
    (HOST, ",,api.example.com,", True),
    (HOST, "", False),
    (HOST, "10.0.0.0/8", False),
    (HOST, "*", True),
    (V4, "10.1.2.3", True),
    (V4, "10.0.0.0/8", True),
    (V4, "a.example, 10.0.0.0/8", True),
    (V4, "10.1.2.3/32", True),
    (V4, "10.1.2.4/32", False),
    (V4, "10.1.2.2/31", True),
    (V4, "192.168.0.0/16,169.254.0.0/16", False),
    (V4, "0.0.0.0/1", True),
    (V4, "10.0.0.0/33", False),
    (V4, "10.0.0.0/x", False),
    (V4, "fd00::/8", False),
    (V6, "fd00::1", True),
    (V6, "fe80::/10", False),
    (V6, "fd00::2", False),
    (V6, "10.0.0.0/8", False),
]
"""Rows where curl and requests agree."""

BEYOND = [
    (V4, "1.2.3", False),
    (V4, "2.3", False),
    (V6, "[fd00::1]", True),
    (V6, "fd00::/8", True),
    (HOST, "a.example api.example.com", True),
    (HOST, "a.example\tapi.example.com\n", True),
    (HOST, "* ", True),
    (HOST, "*.example.com", True),
    (HOST, "example.com.", True),
    (HOST, "api.example.com:443", True),
    (HOST, "api.example.com:8443", False),
    (HOST, "api.example.com:" + "9" * 5000, False),
    (V4, "10.1.2.3:443", True),
    (V4, "10.1.2.3:80", False),
    (V4, "10.9.9.9/8", True),
    (V6, "[fd00::1]:443", True),
    (V6, "[fd00::1]:80", False),
    (V6, "fd00:0:0:0:0:0:0:1", True),
    (V6, "[fd00::]/8", True),
]


def is_direct(url: str, names: str) -> bool:
    return find_proxy(parse_url(url), {"HTTPS_PROXY": PROXY, "NO_PROXY": names}) is None


@pytest.mark.parametrize(("url", "names", "direct"), TABLE + BEYOND)
def test_no_proxy_lists_hosts_domains_addresses_and_networks(url: str, names: str, *, direct: bool) -> None:
    assert is_direct(url, names) is direct


@pytest.mark.skipif(CURL is None, reason="curl is not installed")
def test_curl_reads_no_proxy_the_same_way() -> None:
    differing = []
    for url, names, _ in TABLE:
        with run_scripted(answer_with(REFUSED, 1)) as proxy:
            authority = url.removeprefix("https://")
            command = [str(CURL), "-sS", "-o", "/dev/null", "-m", "20", "--connect-to", f"{authority}:443:127.0.0.1:1"]
            environ = {"PATH": os.environ["PATH"], "https_proxy": f"http://127.0.0.1:{proxy.port}", "no_proxy": names}
            subprocess.run([*command, url], env=environ, capture_output=True, check=False, timeout=60)
            by_curl = proxy.connections == 0
        if is_direct(url, names) is not by_curl:
            differing.append((url, names))
    assert differing == []


BY_REQUESTS = """
import json, sys
from requests.utils import should_bypass_proxies
print(json.dumps([bool(should_bypass_proxies(url, names)) for url, names, _ in json.load(sys.stdin)]))
"""


@pytest.mark.slow
def test_requests_reads_no_proxy_the_same_way() -> None:
    environ = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        [str(REQUESTS), "-c", BY_REQUESTS],
        input=json.dumps(TABLE),
        capture_output=True,
        text=True,
        check=True,
        env=environ,
    )
    pairs = zip(TABLE, json.loads(done.stdout), strict=True)
    assert [row for row, by_requests in pairs if row[2] is not by_requests] == []


USERS = {
    "user": "user:",
    "user:": "user:",
    "user:password": "user:password",
    "us%3Aer": "us:er:",
    "us%3Aer:pass%40word": "us:er:pass@word",
    "user:p@ss": "user:p@ss",
    "user:a:b": "user:a:b",
    "user:%zz": "user:%zz",
    "": "",
}


@pytest.mark.parametrize(("user", "sent"), USERS.items())
def test_a_proxy_has_a_user_with_or_without_a_password(user: str, sent: str) -> None:
    found = find_proxy(parse_url(HOST), {"HTTPS_PROXY": f"http://{user}@[::1]:3128/"})
    assert found is not None
    assert (found.host, found.port) == ("::1", 3128)
    assert _decode_basic(unmask(found.authorization)) == (sent or None)


@pytest.mark.skipif(CURL is None, reason="curl is not installed")
@pytest.mark.parametrize("user", [each for each in USERS if each not in ("", "user:p@ss")])
def test_curl_sends_the_same_user(user: str) -> None:
    seen: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        seen.append(take_request(connection))

    with run_scripted(serve) as proxy:
        environ = {"PATH": os.environ["PATH"], "https_proxy": f"http://{user}@127.0.0.1:{proxy.port}"}
        subprocess.run([str(CURL), "-sS", "-m", "20", HOST], env=environ, capture_output=True, check=False, timeout=60)
    found = find_proxy(parse_url(HOST), {"HTTPS_PROXY": f"http://{user}@127.0.0.1:3128"})
    assert found is not None
    assert f"\r\nProxy-Authorization: {unmask(found.authorization)}\r\n".encode() in seen[0]


def _decode_basic(authorization: str | None) -> str | None:
    return None if authorization is None else base64.b64decode(authorization.removeprefix("Basic ")).decode()
