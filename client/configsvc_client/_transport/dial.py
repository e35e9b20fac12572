"""Open a socket to an origin within a deadline: name resolution, connect and TLS handshake together."""

from __future__ import annotations

import socket
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

CONNECT_SECONDS = 0.25
"""How long one address is waited for until the next is tried beside it (RFC 8305, 5)."""

HANDSHAKE_SECONDS = 1.0
"""How long one that is connected has for TLS until the next is tried beside it."""

LookUpHost = Callable[[str, int], "list[SocketAddress]"]


class _Ascii(str):
    """A host name for TLS.

    `ssl` encodes text by the codec "idna", which is slow to load. It takes bytes as they are, but gevent's does not.
    """

    __slots__ = ()

    def encode(self, encoding: str = "ascii", errors: str = "strict") -> bytes:
        """ASCII, whatever is asked for: hosts here are."""
        del encoding
        return super().encode("ascii", errors)


class Dialer:
    """Opens connections to one origin; keeps which store of its trust verified."""

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
        """A connected socket, TLS handshake done where the scheme is https.

        Raises:
            OSError: no address answers, the certificate does not verify, or the deadline passed (TimeoutError).
        """
        if self._url.scheme == "http":
            return self._connect(self._url.host, self._url.port, None, deadline)
        import ssl

        failed: OSError = TimeoutError("no store")
        number = self._store  # of this thread: another one may go through them beside it
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
            open_tunnel(made, proxy.connect(self._url), lambda: get_seconds_left(deadline, self._clock))
        except BaseException:
            made.close()
            raise
        return made

    def _connect(self, host: str, port: int, secure: Secure | None, deadline: float) -> socket.socket:
        def seconds() -> float:
            return get_seconds_left(deadline, self._clock)

        return connect_to_any(resolve(host, port, seconds(), self._find), secure, seconds)


def connect_to_any(addresses: list[SocketAddress], secure: Secure | None, left: Callable[[], float]) -> socket.socket:
    """Connects to the first address, and beside it to the others when it does not answer soon. Who does so first wins.

    Args:
        addresses: those of one host.
        secure: makes a connected socket one of TLS; None for none.
        left: seconds until the deadline; raises TimeoutError beyond it.

    Raises:
        OSError: none answers, or the deadline passed (TimeoutError).
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
        if type(error).__name__ == "SSLCertVerificationError":  # so would the others
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
    """In the plain way, which costs a cold start no module. What takes too long is left to go on in `slow`."""
    made: socket.socket = make_quiet_class(socket.socket)(address[0], socket.SOCK_STREAM)
    secured: ssl.SSLSocket | None = None
    try:
        made.settimeout(seconds)
        made.connect(address[1])
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if secure is not None:
            made = secured = secure(made)
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
    """Whether only the socket's own timeout passed: that of the system is final, and so is a signal handler's."""
    if not isinstance(error, TimeoutError) or error.errno is not None:
        return False
    from configsvc_client._interrupts import find_interrupt

    return find_interrupt(error) is None


def limit_handshake(left: float) -> float:
    """How long to wait for one handshake alone: another one will need as long."""
    return min(HANDSHAKE_SECONDS, left / 2)


def shake_hands(made: ssl.SSLSocket, seconds: float) -> None:
    """The TLS handshake, within so many seconds."""
    made.settimeout(seconds)
    made.do_handshake()


def get_seconds_left(deadline: float, clock: Callable[[], float]) -> float:
    """Seconds until the deadline.

    Raises:
        TimeoutError: it has passed.
    """
    seconds = deadline - clock()
    if seconds <= 0:
        raise TimeoutError("the deadline passed")
    return seconds


def look_up(host: str, port: int) -> list[SocketAddress]:
    """The addresses of a host as the system knows them, however long that takes.

    Raises:
        OSError: not found (socket.gaierror).
    """
    # As bytes: CPython would load its IDNA tables for text, and hosts here are ASCII.
    found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    return [(each[0], each[4]) for each in found]


def resolve(host: str, port: int, seconds: float, look_up: LookUpHost = look_up) -> list[SocketAddress]:
    """The addresses of a host, in the system's order.

    `getaddrinfo` takes no timeout, so a name is looked up in a thread that is waited for no longer than that; it ends
    by itself when the resolver gives up. Addresses and `localhost` need no network and get no thread. Where none can
    start, the resolver's own time counts.

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
