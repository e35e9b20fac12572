"""The first handshake begins without waiting, whatever the socket waits for."""

from __future__ import annotations

import ssl
from typing import cast

import pytest

from configsvc_client._transport.dial import _begin_handshake


class Unready:
    """A TLS socket whose handshake cannot go on yet."""

    def __init__(self, error: ssl.SSLError) -> None:
        self.error = error
        self.blocking = True

    def setblocking(self, blocking: bool) -> None:  # noqa: FBT001  # as socket.socket
        self.blocking = blocking

    def do_handshake(self) -> None:
        assert not self.blocking
        raise self.error


@pytest.mark.parametrize("error", [ssl.SSLWantReadError(), ssl.SSLWantWriteError()], ids=repr)
def test_a_handshake_that_waits_goes_on_later(error: ssl.SSLError) -> None:
    made = Unready(error)
    _begin_handshake(cast("ssl.SSLSocket", made))
    assert made.blocking


def test_a_handshake_that_fails_is_an_error() -> None:
    with pytest.raises(ssl.SSLZeroReturnError):
        _begin_handshake(cast("ssl.SSLSocket", Unready(ssl.SSLZeroReturnError())))
