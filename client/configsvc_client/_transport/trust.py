"""TLS trust stores: Amazon's roots first, then the default store if they do not verify the server.

Loading the default store adds about 30 ms to a cold start, Amazon's five roots 1 ms. The roots are published at
https://www.amazontrust.com/repository/. The loader of this module reads them, so they also work from a zip or a frozen
program.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from configsvc.model.errors import Misconfigured

if TYPE_CHECKING:
    import ssl

_ROOTS = "amazon_roots.pem"

_Maker = Callable[[], "ssl.SSLContext | None"]


class Trust:
    """The stores to try in order, each loaded on first use. All connections of a Config share one Trust.

    If `SSL_CERT_FILE` or `SSL_CERT_DIR` is set, it is the only store, as for OpenSSL.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        file, folder = environ.get("SSL_CERT_FILE"), environ.get("SSL_CERT_DIR")
        chosen: _Maker = lambda: _load_chosen(file, folder)  # noqa: E731  # one of three loaders
        self._makers: tuple[_Maker, ...] = (chosen,) if file or folder else (_load_amazon, _load_default)
        self._made: dict[int, ssl.SSLContext] = {}

    def load_store(self, number: int) -> ssl.SSLContext | None:
        """Loads a store by its number from 0; None after the last. Concurrent threads may both load it.

        Raises:
            Misconfigured: the file or folder of a store cannot be loaded.
        """
        if number >= len(self._makers):
            return None
        if number not in self._made:
            made = self._makers[number]()
            if made is None:
                self._makers = (_load_default,)
                return self.load_store(number)
            self._made[number] = made
        return self._made[number]


def _make_context() -> ssl.SSLContext:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _load_chosen(file: str | None, folder: str | None) -> ssl.SSLContext:
    context = _make_context()
    try:
        context.load_verify_locations(file or None, folder or None)
    except OSError as error:
        raise Misconfigured(
            f"Cannot load CA certificates from {file or folder} ({type(error).__name__}). "
            "Set SSL_CERT_FILE to a PEM file."
        ) from None
    return context


def _load_amazon() -> ssl.SSLContext | None:
    """Loads Amazon's roots; None if they were not packaged or cannot be read. Then only the default store is used."""
    context = _make_context()
    for read in (_read_with_loader, _read_as_resource):
        try:
            context.load_verify_locations(cadata=read().decode("ascii"))
        except Exception as error:  # noqa: BLE001  # third-party loaders may raise anything
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            continue
        return context
    return None


def _read_with_loader() -> bytes:
    """Reads the roots with the loader of this module, which is loaded anyway."""
    path = os.path.join(os.path.dirname(__file__), _ROOTS)  # noqa: PTH118, PTH120  # pathlib costs an import
    content: bytes = __loader__.get_data(path)  # type: ignore[name-defined]  # every module has one
    return content


def _read_as_resource() -> bytes:
    """Reads the roots through a loader without files. Costs imports."""
    from importlib import resources

    return resources.files(__package__).joinpath(_ROOTS).read_bytes()


def _load_default() -> ssl.SSLContext:
    context = _make_context()
    context.load_default_certs()
    return context
