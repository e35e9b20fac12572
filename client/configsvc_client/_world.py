"""The real world of a Config: put together when it is first needed, opened when it is first used."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from configsvc.model.errors import Misconfigured
from configsvc_client import _credentials
from configsvc_client._gateway import ApiGateway
from configsvc_client._http import Connection
from configsvc_client._kms import AwsKms, Decrypted, endpoint, fails
from configsvc_client._ports import Moment, World
from configsvc_client._settings import Settings
from configsvc_client._trust import Trust


class SystemClock:
    """The computer's clocks."""

    wall = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)
    pause = staticmethod(time.sleep)

    @staticmethod
    def now() -> Moment:
        """Both clocks."""
        return Moment(time.time(), time.monotonic())


def chance() -> float:
    """53 random bits of the operating system as a number from 0 up to 1, as `random.SystemRandom` does it."""
    return (int.from_bytes(os.urandom(7), "big") >> 3) * 2.0**-53


class NoKms:
    """Stands for KMS where no region is set: plain values need none."""

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str], key_id: str | None, deadline: float) -> Decrypted:
        """Refuses.

        Raises:
            Misconfigured: always.
        """
        del ciphertext, context, key_id, deadline
        raise Misconfigured("AWS_REGION is not set, and a sealed value needs KMS. Set it to the KMS key's region.")


def real(settings: Settings, environ: Mapping[str, str]) -> World:
    """The world over the network.

    Raises:
        Misconfigured: a variable of AWS's holds no URL or region.
    """
    trust = Trust(environ)
    api = Connection(settings.url, environ, trust=trust, chance=chance)
    sources = _credentials.Sources(environ)
    provider = _credentials.Provider(sources.find, time.time, sources.forget)
    kms, kms_connection = _kms(environ, provider, trust)

    def prepare() -> None:
        _prepare(kms_connection if settings.pin.arns else None, time.monotonic() + settings.refresh_seconds)

    def close() -> None:
        provider.forget()
        for connection in (api, kms_connection):
            if connection is not None:
                connection.close()

    return World(ApiGateway(api, settings.api_key), kms, SystemClock(), chance, prepare, close)


def _kms(
    environ: Mapping[str, str], provider: _credentials.Provider, trust: Trust
) -> tuple[AwsKms | NoKms, Connection | None]:
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    if not region:
        return NoKms(), None
    connection = Connection(endpoint(region, environ), environ, trust=trust, chance=chance, fails=fails)
    return AwsKms(connection, region, provider, time.time, provider.forget), connection


def _prepare(kms: Connection | None, deadline: float) -> None:
    """Readies what opening needs while the answer is on its way: modules, and the connection to KMS."""
    if kms is None:
        return
    kms.open_ahead(deadline)
    from configsvc_client import _cipher, _sigv4

    del _cipher, _sigv4
