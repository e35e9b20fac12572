"""Compose an `Admin` from the environment. Nothing is sent here."""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import NamedTuple

from configsvc.model.envelope import NONCE
from configsvc.model.errors import Misconfigured
from configsvc_client import _setting_parsers, _world
from configsvc_client._aws.chain import BotocoreChain
from configsvc_client._aws.credentials import FindCredentials, read_variables
from configsvc_client._aws.endpoints import find_api_region
from configsvc_client._aws.kms import ENDPOINT_URLS, load_profile, resolve_endpoint, resolve_pseudo_region
from configsvc_client._aws.sigv4 import Credentials
from configsvc_client._opening.keyring import Keyring
from configsvc_client._pin import Pin, parse_pin
from configsvc_client._secret import Secret, hide_environ
from configsvc_client._service.gateway import ApiGateway
from configsvc_client._setting_parsers import KeyPatterns, parse_key_patterns, split_list
from configsvc_client._transport.http import Connection
from configsvc_client._transport.url import Url, parse_url
from configsvc_client.admin.admin import Admin, AdminNouns
from configsvc_client.admin.change_sets import Activations, ChangeSets
from configsvc_client.admin.data_keys import DataKeys, Rewrapper
from configsvc_client.admin.fallback_file import FallbackFile
from configsvc_client.admin.grants import CallerAccess, Grants
from configsvc_client.admin.history import History
from configsvc_client.admin.namespaces import Namespaces
from configsvc_client.admin.ports import AdminPorts, ExchangeHook, open_connection
from configsvc_client.admin.reading import Opener, Reader
from configsvc_client.admin.rollback import Rollback, RollbackSources
from configsvc_client.admin.rotation import Rotator
from configsvc_client.admin.sealing.keyrings import Keyrings
from configsvc_client.admin.sealing.protection import FormRules, Policy
from configsvc_client.admin.sealing.sealer import ValueSealer
from configsvc_client.admin.values import Values
from configsvc_client.admin.wire.api import AdminApi
from configsvc_client.admin.wire.retry import RetryingKms
from configsvc_client.admin.writing import Writer

_REQUIRED_VARIABLES = ("CONFIGSVC_URL", "CONFIGSVC_API_KEY")
_DATA_KEY_SECONDS = 3600.0
NO_POLICY = Policy()

_ADVICE = {"CONFIGSVC_URL": "Run configsvc init, or set it.", "CONFIGSVC_API_KEY": ""}


class AdminSettings(NamedTuple):
    """The settings of an Admin. `pin` may be empty as long as nothing sealed is used."""

    url: Url
    api_keys: tuple[Secret, ...]
    region: str
    pin: Pin
    sealed_keys: KeyPatterns | None = None

    def __repr__(self) -> str:
        return f"AdminSettings(url={self.url.origin}{self.url.path}, region={self.region!r}, api_keys=***)"


class OsRandomness:
    """The operating system's randomness."""

    fraction = staticmethod(_world.draw_fraction)

    @staticmethod
    def nonce() -> bytes:
        """Returns 12 random bytes."""
        return os.urandom(NONCE)

    @staticmethod
    def idempotency_key() -> str:
        """Returns a random UUID (RFC 9562, version 4)."""
        return str(uuid.uuid4())


def from_environ(
    environ: Mapping[str, str], on_exchange: ExchangeHook | None = None, *, policy: Policy = NO_POLICY
) -> Admin:
    """Make an Admin from CONFIGSVC_URL, CONFIGSVC_API_KEY, CONFIGSVC_KMS_KEYS, and AWS's own variables and profiles.

    CONFIGSVC_SEALED_KEYS applies to writes as it does to reads: those keys are never stored in the clear.

    Args:
        environ: the variables.
        on_exchange: called after each request to the service or KMS, without its content.
        policy: which keys may be stored in the clear. Without one, everything is sealed unless plain is asked for.

    Raises:
        Misconfigured: names every variable that is missing, or the one that is wrong.
    """
    environ = hide_environ(environ)
    settings = read_settings(environ)
    credentials = make_own_credentials(environ)
    api = open_connection(settings.url, environ, on_exchange)

    def connect(url: Url) -> Connection:
        return open_connection(url, environ, on_exchange)

    if any(environ.get(name) for name in ENDPOINT_URLS):
        resolve_endpoint(settings.region, environ)  # reports a wrong variable at once, whatever the command
    kms = _world.RegionalKms(
        settings.pin, environ, connect, credentials.find, forget=credentials.forget, region=settings.region
    )  # fmt: skip

    def close() -> None:
        api.close()
        kms.close()

    gateway = ApiGateway(api, *settings.api_keys)
    return build_admin(
        settings,
        AdminPorts(api, kms, credentials.find, _world.SystemClocks(), OsRandomness(), gateway),
        close,
        policy,
    )


def read_settings(environ: Mapping[str, str]) -> AdminSettings:
    """Read the settings from the environment.

    Raises:
        Misconfigured: as `from_environ`.
    """
    url_text, api_keys = (
        environ.get("CONFIGSVC_URL", "").strip(),
        _setting_parsers.parse_api_keys(Secret(environ.get(_REQUIRED_VARIABLES[1], ""))),
    )
    missing = [name for name, given in zip(_REQUIRED_VARIABLES, (url_text, api_keys), strict=True) if not given]
    if missing:
        advice = " ".join(_ADVICE[name] for name in missing)
        raise Misconfigured(f"Not set: {', '.join(missing)}. {advice}".rstrip(), missing=missing)
    url = parse_service_url(url_text, "CONFIGSVC_URL")
    pinned, sealed = (split_list(environ.get(name, "")) for name in ("CONFIGSVC_KMS_KEYS", "CONFIGSVC_SEALED_KEYS"))
    return AdminSettings(url, api_keys, find_region(environ, url), parse_pin(pinned), parse_key_patterns(sealed))


def parse_service_url(text: str, name: str) -> Url:
    """Parse the URL of a service, stage included; `name` is the variable or option that it comes from.

    Raises:
        Misconfigured: not a URL, or one that includes the API's version.
    """
    url = parse_url(text, name)
    if url.path.endswith("/v1"):
        raise Misconfigured(f"{name} ends in /v1. Remove that: it must be the URL of the stage.")
    return url


def build_admin(
    settings: AdminSettings, ports: AdminPorts, close: Callable[[], None] = lambda: None, policy: Policy = NO_POLICY
) -> Admin:
    """Builds an Admin with the given ports."""
    clock, chance = ports.clock, ports.chance
    api = AdminApi(settings.url, settings.api_keys, settings.region, ports)
    kms = RetryingKms(ports.kms, ports.credentials, clock, chance)
    keyring = Keyring(kms, settings.pin, clock, _DATA_KEY_SECONDS)
    keyrings = Keyrings(api, kms, keyring, settings.pin, clock, retired=policy.retired_kids)
    reader, rules = Reader(api), FormRules(policy, settings.sealed_keys)
    sealer = ValueSealer(keyrings, kms, settings.pin, clock, chance)
    opener = Opener(
        keyring, settings.pin, lambda namespace: [each.data_key for each in keyrings.list(namespace)], clock,
        settings.sealed_keys,
    )  # fmt: skip
    writer = Writer(api, sealer.seal, reader.known, clock, chance, forget=keyrings.forget)
    access, namespaces, history = CallerAccess(api), Namespaces(api), History(api)
    change_sets = ChangeSets(writer, rules, Activations(reader, rules), namespaces)
    values = Values(reader, opener, writer, change_sets, rules)
    sources = RollbackSources(namespaces, history, reader, keyrings, opener)
    rotator = Rotator(access, keyrings, reader, opener, writer)
    nouns = AdminNouns(
        values, change_sets, namespaces, DataKeys(keyrings, Rewrapper(kms, settings.pin, clock), rotator), Grants(api),
        access, history, Rollback(sources, values, writer, rules),
        FallbackFile(reader, opener, settings.url, clock),
    )  # fmt: skip
    return Admin(nouns, ports.gateway, clock, close)


_REGION = re.compile(r"[a-z0-9-]+")
_CACHE_SECONDS = 60.0
"""Seconds for which botocore's credentials are cached. It renews them minutes before they expire."""


def find_region(environ: Mapping[str, str], url: Url) -> str:
    """Finds the region for signatures: AWS_REGION, AWS_DEFAULT_REGION, that of the API's host name, or the profile's.

    Raises:
        Misconfigured: none of them is set, or a value is not a region.
    """
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        named = environ.get(name)
        if named and not _REGION.fullmatch(named):
            raise Misconfigured(f"{name} is {named!r}, which is not a region like eu-central-1.")
        if named:
            return resolve_pseudo_region(named)
    found = find_api_region(url.name) or load_profile(environ).get("region", "")
    if not found:
        raise Misconfigured("The AWS region is unknown. Set AWS_REGION to the API's region.")
    if not _REGION.fullmatch(found):
        raise Misconfigured(f"region in your AWS profile is {found!r}, which is not a region like eu-central-1.")
    return resolve_pseudo_region(found)


class OwnCredentials:
    """AWS credentials from the variables as they are now, or from botocore's chain, cached for a whole command.

    Each request to KMS and to the API is signed, and each look-up by botocore may run a process or call AWS.

    Args:
        environ: the variables.
        chain: botocore's chain.
        monotonic: a clock that never goes back.
    """

    def __init__(
        self, environ: Mapping[str, str], chain: FindCredentials, monotonic: Callable[[], float] = time.monotonic
    ) -> None:  # fmt: skip
        self._variables = hide_environ(environ)
        self._chain = chain
        self._monotonic = monotonic
        self._cached: tuple[Credentials, float] | None = None

    def __repr__(self) -> str:
        return "OwnCredentials(***)"

    def find(self, deadline: float) -> Credentials:
        """Finds the credentials to sign with now.

        Raises:
            Misconfigured: no credentials were found.
            Unavailable: AWS did not answer in time.
        """
        given = read_variables(self._variables)
        if given is not None:
            return given
        kept = self._cached
        if kept is None or self._monotonic() >= kept[1]:
            found = self._chain(deadline)
            kept = self._cached = found, self._monotonic() + _CACHE_SECONDS
        return kept[0]

    def forget(self) -> None:
        """Drops cached credentials that AWS refused, so that the next call asks botocore again."""
        self._cached = None


def make_own_credentials(environ: Mapping[str, str]) -> OwnCredentials:
    """Makes the credentials of the caller, which sign requests to KMS and to the API."""
    chain = BotocoreChain(environ.get("AWS_PROFILE") or None, environ.get("AWS_REGION") or None)
    return OwnCredentials(environ, chain.find)
