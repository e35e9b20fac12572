"""TLS trust stores: Amazon's roots first, then the default store if they do not verify the server.

Loading the default store adds about 30 ms to a cold start, Amazon's five roots 2 ms. The roots are published at
https://www.amazontrust.com/repository/. Each is a file with the name under which OpenSSL looks for it, so a handshake
reads only the one that it needs. From a zip or a frozen program, the loader of this module reads all of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from configsvc.model.errors import Misconfigured

if TYPE_CHECKING:
    import ssl

_FOLDER = "amazon_roots"
ROOTS = ("ce5e74ef.0", "6d41d539.0", "8cb5ee0f.0", "de6d66f3.0", "09789157.0")
"""The hashes of the subjects, as `openssl x509 -subject_hash` prints them."""

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
    for load in (_use_folder, _load_with_loader, _load_as_resources):
        try:
            load(context)
        except Exception as error:  # noqa: BLE001  # third-party loaders may raise anything
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            continue
        return context
    return None


def _locate_folder() -> str:
    return os.path.join(os.path.dirname(__file__), _FOLDER)  # noqa: PTH118, PTH120  # pathlib costs an import


def _use_folder(context: ssl.SSLContext) -> None:
    """Leaves it to OpenSSL to read the root that a handshake needs, where the package is a folder."""
    folder = _locate_folder()
    if not os.path.isdir(folder) or os.pathsep in folder:  # noqa: PTH112  # as above; OpenSSL takes a list of folders
        raise FileNotFoundError(folder)
    context.load_verify_locations(capath=folder)


def _load_with_loader(context: ssl.SSLContext) -> None:
    """Loads the roots with the loader of this module, which is loaded anyway."""
    paths = (os.path.join(_locate_folder(), each) for each in ROOTS)  # noqa: PTH118  # as above
    read: Callable[[str], bytes] = __loader__.get_data  # type: ignore[name-defined]  # every module has one
    context.load_verify_locations(cadata="".join(read(path).decode("ascii") for path in paths))


def _load_as_resources(context: ssl.SSLContext) -> None:
    """Loads the roots through a loader without files. Costs imports."""
    from importlib import resources

    folder = resources.files(__package__).joinpath(_FOLDER)
    context.load_verify_locations(cadata="".join(folder.joinpath(each).read_text("ascii") for each in ROOTS))


def _load_default() -> ssl.SSLContext:
    context = _make_context()
    context.load_default_certs()
    return context
