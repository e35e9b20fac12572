"""What to say when no answer came. Imported only then."""

from __future__ import annotations

from configsvc.model.errors import Unavailable
from configsvc_client._kept import BadAnswer, Dead, NoTunnel
from configsvc_client._url import Url


def unreached(url: Url, error: Exception) -> Unavailable:
    """The error for what failed; it shows nothing of the content."""
    if isinstance(error, BadAnswer) and not isinstance(error, NoTunnel):
        return Unavailable(f"{url.origin} gave no answer that can be read: {error}.", reason="connection")
    if isinstance(error, TimeoutError):
        return Unavailable(f"{url.origin} did not answer in time.", reason="deadline")
    if type(error).__name__ == "SSLCertVerificationError":
        return Unavailable(
            f"The certificate of {url.host} does not verify. If a CA of your own signs it, set SSL_CERT_FILE.",
            reason="certificate",
        )
    return Unavailable(f"{url.origin} could not be reached ({why(error)}).", reason="connection")


def why(error: Exception) -> str:
    """The system's words for it, such as Connection refused; those of OpenSSL are a name and a line of its source."""
    if isinstance(error, (BadAnswer, Dead)):
        return str(error)
    words = "" if type(error).__name__.startswith("SSL") else getattr(error, "strerror", None)
    return str(words or type(error).__name__)
