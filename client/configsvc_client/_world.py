"""The production implementations of a Config's ports. Built on first need, connected on first use."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

from configsvc.model.errors import CannotOpen, Misconfigured
from configsvc_client._aws import credentials
from configsvc_client._aws.kms import (
    AwsKms,
    Decrypted,
    find_region,
    is_server_failure,
    resolve_endpoint,
    resolve_pseudo_region,
)
from configsvc_client._pin import Pin, is_key_arn, parse_region
from configsvc_client._ports import ClockReading, World
from configsvc_client._secret import hide_environ
from configsvc_client._service.gateway import ApiGateway
from configsvc_client._settings import ClientSettings
from configsvc_client._transport.http import Connection
from configsvc_client._transport.trust import Trust
from configsvc_client._transport.url import Url

_NO_REGION = (
    "The region of the KMS key is unknown: AWS_REGION is not set, your AWS profile has no region, and "
    "CONFIGSVC_KMS_KEYS contains no ARN. Set AWS_REGION to the KMS key's region."
)


class SystemClocks:
    """The computer's clocks."""

    wall = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)
    pause = staticmethod(time.sleep)

    @staticmethod
    def now() -> ClockReading:
        """Reads both clocks."""
        return ClockReading(time.time(), time.monotonic())


def draw_fraction() -> float:
    """Draws a number from 0 up to 1 from 53 random bits of the operating system, like `random.SystemRandom`."""
    return (int.from_bytes(os.urandom(7), "big") >> 3) * 2.0**-53


class RegionalKms:
    """KMS in the region of each key, as pinned. Several threads may use it at once.

    It connects to a region when it first needs it. With `*` in the pin, whoever stores data keys must not choose where
    KMS is called: the calls go to our own region if one is set.

    Args:
        pin: the trusted KMS keys.
        environ: sets our own region and the KMS endpoint.
        connect: creates a connection to a URL without opening it.
        credentials: finds AWS credentials.
        forget: called when KMS refused the credentials.
        region: our own region; read from the environment by default.
    """

    def __init__(
        self,
        pin: Pin,
        environ: Mapping[str, str],
        connect: Callable[[Url], Connection],
        credentials: credentials.FindCredentials,
        *,
        forget: Callable[[], None] | None = None,
        region: str | None = None,
    ) -> None:
        self._pin = pin
        self._environ = hide_environ(environ)
        self._connect = connect
        self._credentials = credentials
        self._forget = forget
        self._region: str | None = region
        self._looked = region is not None
        self._connections: dict[Url, Connection] = {}
        self._at: dict[str, AwsKms] = {}
        self._opened_last = ""

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str], key_id: str | None, deadline: float) -> Decrypted:
        """See `Kms.decrypt`.

        Without a key, it tries each pinned region until one decrypts, starting with the one that decrypted last.
        """
        if key_id is not None:
            arn, region = self._choose_arn(key_id)
            return self._connect_to(region).decrypt(ciphertext, context, arn, deadline)
        refused: CannotOpen | None = None
        for where, key in self._list_regions():
            try:
                opened = self._connect_to(where).decrypt(ciphertext, context, key, deadline)
            except CannotOpen as error:
                from configsvc_client._interrupts import reraise_interrupt

                reraise_interrupt(error)
                refused = refused or error
            else:
                self._opened_last = where
                return opened
        raise refused or Misconfigured(_NO_REGION)

    def call(self, operation: str, members: Mapping[str, object], deadline: float) -> dict[str, object]:
        """See `AwsKms.call`. Calls the region of the key in the members."""
        key = str(members.get("KeyId") or members.get("SourceKeyId"))
        return self._connect_to(parse_region(key) if is_key_arn(key) else self._require_region()).call(
            operation, members, deadline
        )

    def open_ahead(self, deadline: float) -> None:
        """Starts connecting to the most likely region. Wrong settings are reported on first use."""
        try:
            for region, _ in self._list_regions()[:1]:
                self._connect_to(region).open_ahead(deadline)
        except Misconfigured as error:
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)

    def close(self) -> None:
        """Closes the connections; the next call opens new ones."""
        for connection in list(self._connections.values()):
            connection.close()

    def _choose_arn(self, arn: str) -> tuple[str, str]:
        """Returns the ARN to use for a data key's KMS key, and the region to call."""
        ours = self._find_own_region()
        pinned = self._pin.find_nearest(arn, ours)
        if pinned is not None:
            return pinned, parse_region(pinned)
        if ours is None:
            _check_region(arn)
        return arn, ours or parse_region(arn)

    def _list_regions(self) -> list[tuple[str, str | None]]:
        """Lists the regions where a ciphertext may have been made, each with its key if it has only one."""
        ours = self._find_own_region()
        found = self._pin.list_regions(ours)
        if self._pin.trusts_any:
            found = dict.fromkeys([*([ours] if ours else []), *found])
        return sorted(found.items(), key=lambda each: each[0] != self._opened_last)

    def _find_own_region(self) -> str | None:
        if not self._looked:
            self._region, self._looked = find_region(self._environ), True
        return self._region

    def _require_region(self) -> str:
        ours = self._find_own_region()
        if ours is None:
            raise Misconfigured(_NO_REGION)
        return ours

    def _connect_to(self, region: str) -> AwsKms:
        found = self._at.get(region)
        if found is None:
            named_by = "AWS_REGION" if region == self._region else "The region of a KMS key"
            url = resolve_endpoint(region, self._environ, named_by)
            if url not in self._connections:
                self._connections.setdefault(url, self._connect(url))
            made = AwsKms(
                self._connections[url], resolve_pseudo_region(region), self._credentials, time.time, self._forget
            )
            found = self._at.setdefault(region, made)
        return found


def _check_region(arn: str) -> None:
    """Refuses made-up regions: KMS is called only at AWS, in a region of the ARN's partition."""
    from configsvc_client._aws.endpoints import is_region

    if not is_region(parse_region(arn), arn.split(":")[1]):
        raise Misconfigured(f"AWS_REGION is not set, and {arn} names no AWS region. Set AWS_REGION.")


def make_world(settings: ClientSettings, environ: Mapping[str, str]) -> World:
    """Creates the ports that use the network."""
    trust = Trust(environ)
    api = Connection(settings.url, environ, trust=trust, chance=draw_fraction)
    sources = credentials.CredentialSources(environ)
    provider = credentials.CredentialsProvider(sources.find, time.time, sources.forget)

    def connect(url: Url) -> Connection:
        return Connection(url, environ, trust=trust, chance=draw_fraction, fails=is_server_failure)

    kms = RegionalKms(settings.pin, environ, connect, provider, forget=provider.forget)

    def prepare() -> None:
        if settings.pin.arns:
            _prepare(kms, time.monotonic() + settings.refresh_seconds)

    def close() -> None:
        provider.forget()
        api.close()
        kms.close()

    return World(ApiGateway(api, *settings.api_keys), kms, SystemClocks(), draw_fraction, prepare, close)


def _prepare(kms: RegionalKms, deadline: float) -> None:
    """Prepares decryption while the response is on its way: imports modules and connects to KMS."""
    kms.open_ahead(deadline)
    from configsvc_client._aws import sigv4
    from configsvc_client._opening import cipher

    del cipher, sigv4
