"""botocore's connections, with a bound on each exchange as a whole: name, connection, TLS, request and answer.

botocore's own timeouts bound every single wait on the socket. A peer that sends one byte a second, a host with many
addresses and a resolver that is silent take as long as they like. Here each wait may take what the exchange has left.
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
"""What one address may take: another may answer."""

_LONGEST = 60.0
_UNTIL: ContextVar[float] = ContextVar("until", default=float("inf"))
_NOTHING, _METADATA_ALONE = b"{}", 1
"""An answer without members, as it is sent and as botocore has it."""

_Found = Sequence[tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]]


class HttpExchange:
    """A context in which an exchange with DynamoDB ends after `seconds`, however little of it has come."""

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
    """Seconds that the exchange has left.

    Raises:
        TimeoutError: none.
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
    """A connection that is made within what the exchange has left."""

    def _new_conn(self: Any) -> socket.socket:  # a mixin of urllib3's connections
        try:
            return _dial(self._dns_host, self.port, self.socket_options or ())
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"{self.host} did not answer in time") from error
        except OSError as error:
            raise NewConnectionError(self, f"{self.host} cannot be reached: {error}") from error


class _Http(_Dialling, AWSHTTPConnection):  # type: ignore[misc]  # botocore's mixin bends its base
    pass


class _Https(_Dialling, AWSHTTPSConnection):  # type: ignore[misc]  # the same
    def connect(self) -> None:
        context: Any = self.ssl_context
        context.sslsocket_class = _TlsSocket
        super().connect()


class _Whole:
    """An answer that broke off is none. botocore takes what came: of a read that would be "there is no such record"."""

    def urlopen(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401  # as urllib3's pools
        return super().urlopen(*arguments, **{**options, "enforce_content_length": True})  # type: ignore[misc]


class _HttpPool(_Whole, AWSHTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(_Whole, AWSHTTPSConnectionPool):
    ConnectionCls = _Https


POOLS = {"http": _HttpPool, "https": _HttpsPool}
"""What botocore's HTTP session makes connections by, for each scheme."""


def check_whole(
    response_dict: Mapping[str, Any] | None, parsed_response: Mapping[str, Any] | None = None, **_: object
) -> None:
    """Compare an answer with the checksum that DynamoDB sends along; botocore does so only where it tries again.

    What is no JSON is an empty answer to botocore: "there is no such record", or "it is written".

    Raises:
        HTTPClientError: it was damaged on the way, or is not DynamoDB's.
    """
    if not response_dict:
        return
    said, body = response_dict["headers"].get("x-amz-crc32"), response_dict["body"]
    if said is not None and said != str(zlib.crc32(body)):
        raise HTTPClientError(error="the answer does not match its checksum")
    empty = parsed_response is not None and len(parsed_response) == _METADATA_ALONE
    if empty and body.strip() != _NOTHING and not _is_json(body):
        raise HTTPClientError(error="the answer is no JSON")


def _is_json(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False


def _dial(host: str, port: int, options: Sequence[tuple[int, int, int | bytes]]) -> socket.socket:
    """A connection to the first address that answers."""
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
    raise failed or OSError("it has no address")


def _resolve(host: str, port: int) -> _Found:
    """The addresses of a host. The C library resolves names, and cannot be interrupted."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return _lookup(host, port).result(get_seconds_left())


@cache
def _lookup(host: str, port: int) -> Aside[_Found]:
    """One for each host, however often it is asked for: a resolver that is silent holds one thread, not one a try."""
    return Aside(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), kept=False)


READ_SECONDS = 8.0
"""Never waited for: each exchange has a bound of its own."""

_RENEWAL_SECONDS = 1.0
_MANDATORY_SECONDS = 600
"""botocore waits for whoever renews credentials that expire within this time, and else signs with them."""
_DATA = Path(__file__).with_name("dynamo_data")


def connect() -> DynamoDBClient:
    """A client by the environment's region, credentials and endpoint, none of which is looked at before this call.

    It tries once: who calls it tries again, within one bound for all tries (configsvc.adapters.dynamo_calls). This call
    itself may take long, where a provider of credentials is asked.
    """
    import botocore.session
    from botocore.config import Config
    from botocore.credentials import RefreshableCredentials
    from botocore.exceptions import NoCredentialsError
    from botocore.loaders import Loader

    class OneService(Loader):
        """botocore's data, with what infra/packaging/dynamo_data.py cut out first. Listing 400 services takes 12 ms."""

        def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002  # botocore's signature
            return ["dynamodb"]

        def is_builtin_path(self, path: str) -> bool:  # noqa: ARG002  # botocore's signature
            """Whether its rules for endpoints hold. For data of others it builds the host in a way of its own."""
            return True

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1},
        tcp_keepalive=True,
        account_id_endpoint_mode="disabled",  # one host, whatever the credentials say of the account
    )
    session = botocore.session.Session()
    session.register_component("data_loader", OneService(extra_search_paths=[str(_DATA)]))
    client: Any = session.create_client("dynamodb", config=config)
    client._endpoint.http_session._pool_classes_by_scheme.update(POOLS)  # noqa: SLF001  # it offers no other way
    client.meta.events.register("response-received.dynamodb", check_whole)
    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError  # a client would keep that; there may be some next time
    if isinstance(credentials, RefreshableCredentials):
        renewal = Aside(credentials.get_frozen_credentials, kept=False)
        client.meta.events.register("before-sign.dynamodb", lambda **_: renew_credentials(credentials, renewal))
    return cast("DynamoDBClient", client)


def renew_credentials(credentials: RefreshableCredentials, renewal: Aside[ReadOnlyCredentials]) -> None:
    """Renew credentials that are about to expire, in what the exchange has left.

    botocore would do it while it signs, and wait for the provider as long as that takes. Lambda's are fixed. Those that
    are good for a while yet cost one call a part of its time, and not the ones after it while the renewal is under way.

    Args:
        credentials: what is signed with.
        renewal: renews them; the same for all calls, so that a silent provider holds one thread.

    Raises:
        TimeoutError: the provider does not answer, and botocore would wait for it.
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
