"""Opens a socket to an origin. One deadline covers name resolution, connect and TLS handshake."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from configsvc_client._process import start_thread
from configsvc_client._transport.keep_alive import make_quiet_class
from configsvc_client._transport.trust import Trust
from configsvc_client._transport.url import Url

if TYPE_CHECKING:
    import ssl

    from configsvc_client._transport.proxy import Proxy
    from configsvc_client._transport.race import Attempt, Secure, SocketAddress

_PARSER = "configsvc_client._transport.response"
_UNFINISHED = frozenset({"SSLWantReadError", "SSLWantWriteError"})

CONNECT_SECONDS = 0.25
"""Seconds to wait for one address before trying the next in parallel (RFC 8305, 5)."""

HANDSHAKE_SECONDS = 1.0
"""Seconds that a connected address has for the TLS handshake before trying the next in parallel."""

LookUpHost = Callable[[str, int], "list[SocketAddress]"]


class _Ascii(str):
    """A host name for TLS.

    `ssl` encodes text with the codec "idna", which is slow to load. It accepts bytes, but gevent's `ssl` does not.
    """

    __slots__ = ()

    def encode(self, encoding: str = "ascii", errors: str = "strict") -> bytes:
        """Encodes as ASCII, whatever the encoding: hosts here are ASCII."""
        del encoding
        return super().encode("ascii", errors)


class Dialer:
    """Opens connections to one origin and remembers which trust store verified it."""

    def __init__(
        self,
        url: Url,
        environ: Mapping[str, str],
        clock: Callable[[], float],
        trust: Trust | None = None,
        find: LookUpHost | None = None,
    ) -> None:
        self._url = url
        self._environ = environ
        self._clock = clock
        self._trust = trust or Trust(environ)
        self._find = find or look_up
        self._store = 0
        self._proxied = any(environ.get(name) for name in ("https_proxy", "HTTPS_PROXY"))

    def open(self, deadline: float) -> socket.socket:
        """Opens a connected socket; for https, the TLS handshake is complete.

        Raises:
            OSError: no address answers, certificate verification fails, or the deadline passes (TimeoutError).
        """
        if self._url.scheme == "http":
            return self._connect(self._url.host, self._url.port, None, deadline)
        import ssl

        failed: OSError = TimeoutError("no store")
        number = self._store  # local to this thread: another may try the stores at the same time
        while (context := self._trust.load_store(number)) is not None:
            try:
                made = self._secure(context, deadline)
            except ssl.SSLCertVerificationError as error:
                failed, number = error, number + 1
            else:
                self._store = number
                return made
        self._store = 0
        raise failed

    def _secure(self, context: ssl.SSLContext, deadline: float) -> socket.socket:
        if "__del__" not in vars(context.sslsocket_class):
            context.sslsocket_class = make_quiet_class(context.sslsocket_class)

        def secure(raw: socket.socket) -> ssl.SSLSocket:
            try:
                return context.wrap_socket(raw, do_handshake_on_connect=False, server_hostname=_Ascii(self._url.name))
            except BaseException as error:
                from configsvc_client._transport.unreachable import close_raw_socket

                close_raw_socket(raw, error)
                raise

        proxy = self._proxy() if self._proxied else None
        if proxy is None:
            return self._connect(self._url.host, self._url.port, secure, deadline)
        made = secure(self._tunnel(proxy, deadline))
        try:
            shake_hands(made, get_seconds_left(deadline, self._clock))
        except BaseException:
            made.close()
            raise
        return made

    def _proxy(self) -> Proxy | None:
        from configsvc_client._transport.proxy import find_proxy

        return find_proxy(self._url, self._environ)

    def _tunnel(self, proxy: Proxy, deadline: float) -> socket.socket:
        from configsvc_client._transport.proxy import open_tunnel

        made = self._connect(proxy.host, proxy.port, None, deadline)
        try:
            open_tunnel(made, proxy.build_connect_request(self._url), lambda: get_seconds_left(deadline, self._clock))
        except BaseException:
            made.close()
            raise
        return made

    def _connect(self, host: str, port: int, secure: Secure | None, deadline: float) -> socket.socket:
        def seconds() -> float:
            return get_seconds_left(deadline, self._clock)

        return connect_to_any(resolve(host, port, seconds(), self._find), secure, seconds)


def connect_to_any(addresses: list[SocketAddress], secure: Secure | None, left: Callable[[], float]) -> socket.socket:
    """Connects to the first address; if it is slow, tries the others in parallel. The first to succeed wins.

    Args:
        addresses: the addresses of one host.
        secure: wraps a connected socket in TLS; None for plain TCP.
        left: returns the seconds until the deadline; raises TimeoutError after it.

    Raises:
        OSError: no address answers, or the deadline passes (TimeoutError).
    """
    addresses = list(dict.fromkeys(addresses))
    if not addresses:
        raise OSError("the name has no address")
    if len(addresses) == 1:
        return _connect_plainly(addresses[0], secure, left(), left)
    pause = min(CONNECT_SECONDS, left() / (len(addresses) + 1))
    slow: list[Attempt] = []
    try:
        return _connect_plainly(addresses[0], secure, pause, lambda: limit_handshake(left()), slow)
    except OSError as error:
        if type(error).__name__ == "SSLCertVerificationError":  # the others would fail the same way
            raise
        from configsvc_client._interrupts import reraise_interrupt

        reraise_interrupt(error)
        failed = error
    from configsvc_client._transport import race

    others = [race.start_connect(each, secure) for each in race.interleave(addresses)[1:]]
    return race.Race(others, left, pause, limit_handshake).run(slow.pop() if slow else None, failed)


def _connect_plainly(
    address: SocketAddress,
    secure: Secure | None,
    seconds: float,
    shake_seconds: Callable[[], float],
    slow: list[Attempt] | None = None,
) -> socket.socket:
    """Connects without `race`, which a cold start then need not load. A slow attempt goes on in `slow`."""
    made: socket.socket = make_quiet_class(socket.socket)(address[0], socket.SOCK_STREAM)
    secured: ssl.SSLSocket | None = None
    try:
        made.settimeout(seconds)
        made.connect(address[1])
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if secure is not None:
            made = secured = secure(made)
            if _PARSER not in sys.modules:
                _begin_handshake(secured)
            shake_hands(secured, shake_seconds())
    except BaseException as error:
        if slow is not None and _is_own_timeout(error):
            from configsvc_client._transport import race

            slow.append(race.finish_connect(made, secure) if secured is None else race.finish_handshake(secured))
        else:
            made.close()
        raise
    return made


def _is_own_timeout(error: BaseException) -> bool:
    """Whether only the socket's own timeout passed. A timeout of the system or of a signal handler is final."""
    if not isinstance(error, TimeoutError) or error.errno is not None:
        return False
    from configsvc_client._interrupts import find_interrupt

    return find_interrupt(error) is None


def limit_handshake(left: float) -> float:
    """Limits the seconds for a single handshake, because a second one would need as long."""
    return min(HANDSHAKE_SECONDS, left / 2)


def _begin_handshake(made: ssl.SSLSocket) -> None:
    """Sends what begins a handshake, and imports the parser of answers while the other side replies.

    At a cold start that takes about as long as the reply, so the request is not sent later.
    """
    made.setblocking(False)  # noqa: FBT003  # with settimeout(0), eventlet's socket would wait
    try:
        made.do_handshake()
    except OSError as error:
        if type(error).__name__ not in _UNFINISHED:  # `ssl` is not loaded for plain http
            raise
    made.setblocking(True)  # noqa: FBT003  # as above
    from configsvc_client._transport import response

    del response


def shake_hands(made: ssl.SSLSocket, seconds: float) -> None:
    """Performs the TLS handshake within a number of seconds."""
    made.settimeout(seconds)
    made.do_handshake()


def get_seconds_left(deadline: float, clock: Callable[[], float]) -> float:
    """Returns the seconds until the deadline.

    Raises:
        TimeoutError: the deadline has passed.
    """
    seconds = deadline - clock()
    if seconds <= 0:
        raise TimeoutError("the deadline passed")
    return seconds


def look_up(host: str, port: int) -> list[SocketAddress]:
    """Looks up the addresses of a host, without a time limit.

    Raises:
        OSError: not found (socket.gaierror).
    """
    # As bytes: for text, CPython would load its IDNA tables, and hosts here are ASCII.
    found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    return [(each[0], each[4]) for each in found]


def resolve(host: str, port: int, seconds: float, look_up: LookUpHost = look_up) -> list[SocketAddress]:
    """Looks up the addresses of a host, in the system's order.

    `getaddrinfo` has no timeout, so the lookup runs in a thread, which ends when the resolver gives up; this waits for
    it no longer than `seconds`. IP addresses and `localhost` need no network and no thread. If no thread can start,
    the resolver's own timeout applies.

    Raises:
        OSError: not found (socket.gaierror), or not in time (TimeoutError).
    """
    if host == "localhost" or ":" in host or not host.strip("0123456789."):
        return look_up(host, port)
    found: list[list[SocketAddress]] = []
    failed: list[Exception] = []

    def look() -> None:
        try:
            found.append(look_up(host, port))
        except Exception as error:  # noqa: BLE001  # raised below
            failed.append(error)

    thread = start_thread(look, "configsvc look-up")
    if thread is None:
        return look_up(host, port)
    thread.join(seconds)
    for error in failed:
        raise error
    if not found:
        raise TimeoutError("name resolution took too long")
    return found[0]
