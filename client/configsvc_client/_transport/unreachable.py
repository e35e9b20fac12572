"""What to say when no answer came. Imported only then."""

from __future__ import annotations

import socket

from configsvc.model.errors import Unavailable
from configsvc_client._interrupts import find_interrupt, prefer_interrupt
from configsvc_client._transport.keep_alive import BadAnswer, DeadConnection, NoTunnel
from configsvc_client._transport.url import Url


def explain_failure(url: Url, error: Exception) -> BaseException:
    """The error for what failed, which shows nothing of the content, or one that is to be passed on."""
    return prefer_interrupt(error, _make_unavailable(url, error))


def classify_break(error: OSError) -> Exception:
    """What it means that a connection broke before its answer began, or an exception that is to be passed on.

    Over TLS a reset is an SSLError and no ConnectionError, so all but time counts.
    """
    if isinstance(error, TimeoutError) or find_interrupt(error) is not None:
        return error
    return DeadConnection(_describe(error))


def close_raw_socket(raw: socket.socket, error: BaseException) -> None:
    """Closes a socket that was to become one of TLS.

    Where a signal handler raised before the new one took over, both have the descriptor. Closed by both, it could be
    another's by then.
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
        return Unavailable(f"{url.origin} gave no answer that can be read: {error}.", reason="connection")
    if isinstance(error, TimeoutError):
        return Unavailable(f"{url.origin} did not answer in time.", reason="deadline")
    if type(error).__name__ == "SSLCertVerificationError":
        return Unavailable(
            f"The certificate of {url.host} does not verify. If a CA of your own signs it, set SSL_CERT_FILE.",
            reason="certificate",
        )
    return Unavailable(f"{url.origin} could not be reached ({_describe(error)}).", reason="connection")


def _describe(error: Exception) -> str:
    """The system's words for it, such as Connection refused; those of OpenSSL are a name and a line of its source."""
    if isinstance(error, (BadAnswer, DeadConnection)):
        return str(error)
    words = "" if type(error).__name__.startswith("SSL") else getattr(error, "strerror", None)
    return str(words or type(error).__name__)
