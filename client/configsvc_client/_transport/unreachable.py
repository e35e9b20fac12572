"""Errors for a request without a response. Imported only then."""

from __future__ import annotations

import socket

from configsvc.model.errors import Unavailable
from configsvc_client._interrupts import find_interrupt, prefer_interrupt
from configsvc_client._transport.keep_alive import BadAnswer, DeadConnection, NoTunnel
from configsvc_client._transport.url import Url


def explain_failure(url: Url, error: Exception) -> BaseException:
    """Returns the Unavailable for a failure, without any content, or the interrupt behind the failure."""
    return prefer_interrupt(error, _make_unavailable(url, error))


def classify_break(error: OSError) -> Exception:
    """Turns the error of a connection that broke before its response began into DeadConnection.

    Timeouts and interrupts stay as they are. Over TLS a reset is an SSLError, not a ConnectionError, so every other
    error counts as a broken connection.
    """
    if isinstance(error, TimeoutError) or find_interrupt(error) is not None:
        return error
    return DeadConnection(_describe(error))


def close_raw_socket(raw: socket.socket, error: BaseException) -> None:
    """Closes a socket whose wrapping in TLS failed.

    If a signal handler raised before the TLS socket took over, both own the descriptor. If both closed it, the second
    close could hit a descriptor that is in use again.
    """
    traced = error.__traceback__
    while traced is not None:
        made = traced.tb_frame.f_locals.get("self")
        if isinstance(made, socket.socket) and made is not raw and made.fileno() == raw.fileno():
            made.detach()
        traced = traced.tb_next
    raw.close()


def _make_unavailable(url: Url, error: Exception) -> Unavailable:
    if isinstance(error, BadAnswer) and not isinstance(error, NoTunnel):
        return Unavailable(f"{url.origin} sent an unreadable response: {error}.", reason="connection")
    if isinstance(error, TimeoutError):
        return Unavailable(f"{url.origin} did not answer in time.", reason="deadline")
    if type(error).__name__ == "SSLCertVerificationError":
        return Unavailable(
            f"The certificate of {url.host} cannot be verified. If a private CA signed it, set SSL_CERT_FILE.",
            reason="certificate",
        )
    return Unavailable(f"{url.origin} could not be reached ({_describe(error)}).", reason="connection")


def _describe(error: Exception) -> str:
    """Describes an error as the system does, such as Connection refused. OpenSSL would name its source lines."""
    if isinstance(error, (BadAnswer, DeadConnection)):
        return str(error)
    words = "" if type(error).__name__.startswith("SSL") else getattr(error, "strerror", None)
    return str(words or type(error).__name__)
