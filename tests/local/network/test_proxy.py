import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from local.clients import Credentials
from local.emulator.launcher import Emulator
from local.network.proxy import CountingProxy, operation
from local.processes import wait_until
from tests.support.local.aws_people import kms, make_wrapped_data_key, may_decrypt, new_user
from tests.support.local.echo import EchoServer, echo_server


@pytest.fixture
def upstream() -> Iterator[EchoServer]:
    with echo_server() as server:
        yield server


@pytest.fixture
def proxy(upstream: EchoServer) -> Iterator[CountingProxy]:
    with CountingProxy({"api": upstream.url}) as running:
        yield running


@pytest.fixture
def client(proxy: CountingProxy) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(urlsplit(proxy.url("api")).netloc, timeout=10)
    yield connection
    connection.close()


def _seen(answer: http.client.HTTPResponse) -> dict[str, Any]:
    seen: dict[str, Any] = json.loads(answer.read())
    return seen


def test_everything_that_a_request_says_arrives_as_it_was_sent(client: http.client.HTTPConnection) -> None:
    headers = {"Host": "signed.example:4566", "X-Custom": "a b", "Accept-Encoding": "identity"}
    client.request("PUT", "/a%2Fb//c?x=1&x=2&y=%20", body=b"\x00\xff", headers=headers)

    seen = _seen(client.getresponse())

    assert (seen["method"], seen["target"], seen["body"]) == ("PUT", "/a%2Fb//c?x=1&x=2&y=%20", "\x00\xff")
    assert sorted(seen["headers"]) == sorted([*map(list, headers.items()), ["Content-Length", "2"]])


def test_everything_that_an_answer_says_comes_back(client: http.client.HTTPConnection) -> None:
    client.request("GET", "/")
    answer = client.getresponse()
    answer.read()

    assert answer.getheader("ETag") == '"42-9f3c"'
    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]


def test_an_answer_without_a_body_keeps_the_connection_usable(client: http.client.HTTPConnection) -> None:
    client.request("GET", "/304")
    unchanged = client.getresponse()

    assert (unchanged.status, unchanged.read(), unchanged.getheader("Content-Length")) == (304, b"", None)
    client.request("GET", "/next")
    assert _seen(client.getresponse())["target"] == "/next"


def test_one_connection_on_this_side_is_one_on_the_other(
    client: http.client.HTTPConnection, upstream: EchoServer
) -> None:
    for _ in range(3):
        client.request("GET", "/")
        client.getresponse().read()

    assert upstream.connections == 1


def test_a_connection_that_the_upstream_closed_is_opened_anew(
    client: http.client.HTTPConnection, upstream: EchoServer
) -> None:
    upstream.close_after_answer = True
    for _ in range(3):
        client.request("GET", "/")
        assert _seen(client.getresponse())["target"] == "/"
        assert wait_until(lambda: upstream.live == 0, 5)

    assert upstream.connections == 3


def test_requests_are_counted_by_upstream_and_operation(
    client: http.client.HTTPConnection, proxy: CountingProxy
) -> None:
    for target, headers in (("/v1/a?x=1", {}), ("/v1/a?x=2", {}), ("/", {"X-Amz-Target": "TrentService.Decrypt"})):
        client.request("POST", target, headers=headers)
        client.getresponse().read()

    assert proxy.counts == {("api", "POST /v1/a"): 2, ("api", "Decrypt"): 1}
    assert proxy.reset() == {("api", "POST /v1/a"): 2, ("api", "Decrypt"): 1}
    assert proxy.counts == {}


def test_no_request_of_many_at_once_goes_uncounted(proxy: CountingProxy) -> None:
    def ask(_number: int) -> int:
        connection = http.client.HTTPConnection(urlsplit(proxy.url("api")).netloc, timeout=10)
        for _ in range(10):
            connection.request("GET", "/v1/health")
            connection.getresponse().read()
        connection.close()
        return 10

    with ThreadPoolExecutor(8) as pool:
        sent = sum(pool.map(ask, range(8)))

    assert proxy.counts == {("api", "GET /v1/health"): sent}


def test_a_request_that_the_upstream_never_answers_is_a_502_and_counted() -> None:
    with echo_server() as gone:
        url = gone.url
    with CountingProxy({"api": url}) as proxy:
        connection = http.client.HTTPConnection(urlsplit(proxy.url("api")).netloc, timeout=10)
        connection.request("GET", "/v1/health")

        assert connection.getresponse().status == 502
        assert proxy.counts == {("api", "GET /v1/health"): 1}
        connection.close()


def test_a_body_of_unknown_length_is_refused_rather_than_dropped(client: http.client.HTTPConnection) -> None:
    client.putrequest("POST", "/")
    client.putheader("Transfer-Encoding", "chunked")
    client.endheaders()

    assert client.getresponse().status == 411


@pytest.mark.parametrize(
    ("method", "target", "amz_target", "expected"),
    [
        ("POST", "/", "TrentService.Decrypt", "Decrypt"),
        ("GET", "/api/v1/health", None, "GET /api/v1/health"),
        ("GET", "/v1/snapshots?namespace=a", None, "GET /v1/snapshots"),
    ],
)
def test_an_operation_is_named_by_its_target_or_its_route(
    method: str, target: str, amz_target: str | None, expected: str
) -> None:
    assert operation(method, target, amz_target) == expected


@pytest.mark.emulator
def test_a_signed_kms_call_passes_and_its_signature_is_still_checked(emulator: Emulator) -> None:
    data_key = make_wrapped_data_key(emulator.url, "payments.prod")
    reader = new_user(emulator.url, may_decrypt("payments.prod"))
    forger = Credentials(reader.access_key_id, "wrong secret")

    with CountingProxy({"kms": emulator.url}) as proxy:
        opened = kms(proxy.url("kms"), reader).decrypt(CiphertextBlob=data_key.blob, EncryptionContext=data_key.context)
        with pytest.raises(ClientError, match=r"InvalidSignature|SignatureDoesNotMatch"):
            kms(proxy.url("kms"), forger).decrypt(CiphertextBlob=data_key.blob, EncryptionContext=data_key.context)

        assert len(opened["Plaintext"]) == 32
        assert proxy.counts == {("kms", "Decrypt"): 2}
