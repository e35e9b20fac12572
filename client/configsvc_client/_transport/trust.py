"""Whom a TLS connection trusts: Amazon's roots first, the default store when they do not verify.

Loading the default store costs some 30 ms of a cold start, Amazon's five roots one. The roots are those published at
https://www.amazontrust.com/repository/. They are read by what loaded this module, so a zip or a frozen program has them
too.
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
    """The stores to try in order, each loaded when it is first needed; one for all connections of a Config.

    `SSL_CERT_FILE` and `SSL_CERT_DIR`, where set, are the only store, as for OpenSSL.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        file, folder = environ.get("SSL_CERT_FILE"), environ.get("SSL_CERT_DIR")
        chosen: _Maker = lambda: _load_chosen(file, folder)  # noqa: E731  # one of three alike
        self._makers: tuple[_Maker, ...] = (chosen,) if file or folder else (_load_amazon, _load_default)
        self._made: dict[int, ssl.SSLContext] = {}

    def load_store(self, number: int) -> ssl.SSLContext | None:
        """The store of that number from 0, None beyond the last. Threads that are here at once may both load it.

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
            f"No CA certificates in {file or folder} ({type(error).__name__}). SSL_CERT_FILE names a PEM file, if set."
        ) from None
    return context


def _load_amazon() -> ssl.SSLContext | None:
    """None where the roots were not packed along, or cannot be read: the default store then has to do."""
    context = _make_context()
    for read in (_read_with_loader, _read_as_resource):
        try:
            context.load_verify_locations(cadata=read().decode("ascii"))
        except Exception as error:  # noqa: BLE001  # loaders of others raise what they like
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            continue
        return context
    return None


def _read_with_loader() -> bytes:
    """By the loader of this module, which is loaded anyway."""
    path = os.path.join(os.path.dirname(__file__), _ROOTS)  # noqa: PTH118, PTH120  # pathlib costs an import
    content: bytes = __loader__.get_data(path)  # type: ignore[name-defined]  # every module has it
    return content


def _read_as_resource() -> bytes:
    """For a loader that has no files. Costs imports."""
    from importlib import resources

    return resources.files(__package__).joinpath(_ROOTS).read_bytes()


def _load_default() -> ssl.SSLContext:
    context = _make_context()
    context.load_default_certs()
    return context
