"""botocore's connections, with a time limit for each exchange as a whole: DNS, connection, TLS, request and response.

botocore's own timeouts limit each single wait on the socket. So a peer that sends one byte per second, a host with many
addresses or a silent resolver can take forever. Here each wait may take only the time that the exchange has left.
"""

from __future__ import annotations

import json
import socket
import ssl
import time
import zlib
from collections.abc import Mapping, Sequence
from contextvars import ContextVar, Token
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)
from botocore.exceptions import HTTPClientError
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from configsvc.adapters.system import Aside

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials, RefreshableCredentials
    from mypy_boto3_dynamodb import DynamoDBClient


CONNECT_SECONDS = 1.0
"""Seconds for connecting to one address, because another one may respond."""

_LONGEST = 60.0
_UNTIL: ContextVar[float] = ContextVar("until", default=float("inf"))
_NOTHING, _METADATA_ALONE = b"{}", 1
"""A response without members, as it is sent and as botocore parses it."""

_Found = Sequence[tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]]


class HttpExchange:
    """A context that limits an exchange with DynamoDB to `seconds`, even if data keeps arriving."""

    __slots__ = ("_seconds", "_token")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        self._token: Token[float] = _UNTIL.set(time.monotonic() + self._seconds)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _UNTIL.reset(self._token)


def get_seconds_left() -> float:
    """The seconds that the exchange has left.

    Raises:
        TimeoutError: no time is left.
    """
    seconds = _UNTIL.get() - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the exchange took too long")
    return min(seconds, _LONGEST)


class _Socket(socket.socket):
    def recv_into(self, *arguments: Any) -> int:  # noqa: ANN401  # as socket.socket takes them
        self.settimeout(get_seconds_left())
        return super().recv_into(*arguments)

    def sendall(self, *arguments: Any) -> None:  # noqa: ANN401
        self.settimeout(get_seconds_left())
        return super().sendall(*arguments)


class _TlsSocket(ssl.SSLSocket):
    def recv_into(self, *arguments: Any) -> int:  # noqa: ANN401  # as ssl.SSLSocket takes them
        self.settimeout(get_seconds_left())
        return super().recv_into(*arguments)

    def send(self, *arguments: Any) -> int:  # noqa: ANN401  # sendall sends by it
        self.settimeout(get_seconds_left())
        return super().send(*arguments)


class _Dialling:
    """A connection that is opened within the time that the exchange has left."""

    def _new_conn(self: Any) -> socket.socket:  # a mixin of urllib3's connections
        try:
            return _dial(self._dns_host, self.port, self.socket_options or ())
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"{self.host} did not answer in time") from error
        except OSError as error:
            raise NewConnectionError(self, f"{self.host} cannot be reached: {error}") from error


class _Http(_Dialling, AWSHTTPConnection):  # type: ignore[misc]  # botocore's mixin changes its base
    pass


class _Https(_Dialling, AWSHTTPSConnection):  # type: ignore[misc]  # the same
    def connect(self) -> None:
        context: Any = self.ssl_context
        context.sslsocket_class = _TlsSocket
        super().connect()


class _Whole:
    """Refuses truncated responses. botocore accepts them, and a truncated read would mean "no such record"."""

    def urlopen(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401  # as urllib3's pools
        return super().urlopen(*arguments, **{**options, "enforce_content_length": True})  # type: ignore[misc]


class _HttpPool(_Whole, AWSHTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(_Whole, AWSHTTPSConnectionPool):
    ConnectionCls = _Https


POOLS = {"http": _HttpPool, "https": _HttpsPool}
"""The connection pools for botocore's HTTP session, by scheme."""


def check_whole(
    response_dict: Mapping[str, Any] | None, parsed_response: Mapping[str, Any] | None = None, **_: object
) -> None:
    """Compares a response with the checksum that DynamoDB sends. botocore does so only when it retries itself.

    botocore takes a response that is not JSON for an empty one: "no such record", or "written".

    Raises:
        HTTPClientError: the response was damaged in transit, or is not DynamoDB's.
    """
    if not response_dict:
        return
    said, body = response_dict["headers"].get("x-amz-crc32"), response_dict["body"]
    if said is not None and said != str(zlib.crc32(body)):
        raise HTTPClientError(error="the response does not match its checksum")
    empty = parsed_response is not None and len(parsed_response) == _METADATA_ALONE
    if empty and body.strip() != _NOTHING and not _is_json(body):
        raise HTTPClientError(error="the response is not JSON")


def _is_json(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False


def _dial(host: str, port: int, options: Sequence[tuple[int, int, int | bytes]]) -> socket.socket:
    """Connects to the first address that responds."""
    failed: OSError | None = None
    for family, kind, protocol, _, address in _resolve(host, port):
        sock = _Socket(family, kind, protocol)
        try:
            for option in options:
                sock.setsockopt(*option)
            sock.settimeout(min(CONNECT_SECONDS, get_seconds_left()))
            sock.connect(address)
            sock.settimeout(get_seconds_left())
        except OSError as error:
            sock.close()
            failed = error
        else:
            return sock
    raise failed or OSError("the host has no address")


def _resolve(host: str, port: int) -> _Found:
    """Resolves a host in a thread, because the C library's resolver cannot be interrupted."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return _lookup(host, port).result(get_seconds_left())


@cache
def _lookup(host: str, port: int) -> Aside[_Found]:
    """One lookup per host, so that a silent resolver blocks one thread and not one per attempt."""
    return Aside(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), kept=False)


READ_SECONDS = 8.0
"""Never reached, because each exchange has a shorter limit."""

_RENEWAL_SECONDS = 1.0
_MANDATORY_SECONDS = 600
"""botocore waits for the renewal of credentials that expire within this time; otherwise it signs with them."""
_DATA = Path(__file__).with_name("dynamo_data")


def _make_loader() -> Any:  # noqa: ANN401  # botocore is imported late
    from botocore.loaders import Loader

    class OneService(Loader):
        """botocore's data, with that of infra/packaging/dynamo_data.py first. Listing 400 services takes 12 ms."""

        def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002  # botocore's signature
            return ["dynamodb"]

        def is_builtin_path(self, path: str) -> bool:  # noqa: ARG002  # botocore's signature
            """True, so that botocore applies its endpoint rules. For custom data it builds the host differently."""
            return True

    return OneService(extra_search_paths=[str(_DATA)])


def connect() -> DynamoDBClient:
    """Creates a client from the environment's region, credentials and endpoint, which are first read here.

    The client never retries; its callers do, with one limit for all attempts (configsvc.adapters.dynamo_calls). This
    call itself may take long if it asks a credential provider.
    """
    import botocore.session
    from botocore.config import Config
    from botocore.credentials import RefreshableCredentials
    from botocore.exceptions import NoCredentialsError

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1},
        tcp_keepalive=True,
        account_id_endpoint_mode="disabled",  # one host, regardless of the account in the credentials
    )
    session = botocore.session.Session()
    session.register_component("data_loader", _make_loader())
    client: Any = session.create_client("dynamodb", config=config)
    client._endpoint.http_session._pool_classes_by_scheme.update(POOLS)  # noqa: SLF001  # there is no public way
    client.meta.events.register("response-received.dynamodb", check_whole)
    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError  # a client would remember that; there may be credentials next time
    if isinstance(credentials, RefreshableCredentials):
        renewal = Aside(credentials.get_frozen_credentials, kept=False)
        client.meta.events.register("before-sign.dynamodb", lambda **_: renew_credentials(credentials, renewal))
    return cast("DynamoDBClient", client)


def renew_credentials(credentials: RefreshableCredentials, renewal: Aside[ReadOnlyCredentials]) -> None:
    """Renews credentials that are about to expire, within the time that the exchange has left.

    botocore would do this while signing, and wait for the provider without limit. Lambda's credentials never change. If
    they are still valid for a while, one call spends part of its time; later calls do not wait for the renewal.

    Args:
        credentials: those that sign requests.
        renewal: renews them; the same for all calls, so that a silent provider blocks one thread.

    Raises:
        TimeoutError: the provider does not respond, and botocore would wait for it.
    """
    if not credentials.refresh_needed():
        return
    good = not credentials.refresh_needed(_MANDATORY_SECONDS)
    if good and renewal.under_way():
        return
    try:
        renewal.result(min(get_seconds_left() / 2, _RENEWAL_SECONDS) if good else get_seconds_left())
    except TimeoutError:
        if not good:
            raise
