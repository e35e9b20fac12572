"""The composition root of the write side: from the environment to an `Admin`. Nothing is sent here."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Mapping
from typing import NamedTuple

from configsvc.model.envelope import NONCE
from configsvc.model.errors import Misconfigured
from configsvc_client import _spelling, _world
from configsvc_client._gateway import ApiGateway
from configsvc_client._hidden import hidden
from configsvc_client._http import Connection
from configsvc_client._keyring import Keyring
from configsvc_client._kms import ENDPOINT_URLS, endpoint
from configsvc_client._pin import Pin, pin
from configsvc_client._secret import Secret
from configsvc_client._spelling import KeyPatterns, key_pattern, split
from configsvc_client._url import Url, parse
from configsvc_client.admin import _session
from configsvc_client.admin._access import Access
from configsvc_client.admin._activations import Activations
from configsvc_client.admin._admin import Admin, Nouns
from configsvc_client.admin._api import Api
from configsvc_client.admin._change_sets import ChangeSets
from configsvc_client.admin._data_keys import DataKeys
from configsvc_client.admin._fallback_file import FallbackFile
from configsvc_client.admin._grants import Grants
from configsvc_client.admin._history import History
from configsvc_client.admin._keyrings import Keyrings
from configsvc_client.admin._namespaces import Namespaces
from configsvc_client.admin._observed import Told, connection
from configsvc_client.admin._opening import Opener
from configsvc_client.admin._patience import PatientKms
from configsvc_client.admin._ports import Ports
from configsvc_client.admin._protection import Policy, Rules
from configsvc_client.admin._reader import Reader
from configsvc_client.admin._rewrapping import Rewrapper
from configsvc_client.admin._rollback import Rollback, Sources
from configsvc_client.admin._rotation import Rotator
from configsvc_client.admin._sealer import ValueSealer
from configsvc_client.admin._values import Values
from configsvc_client.admin._writer import Writer

_REQUIRED = ("CONFIGSVC_URL", "CONFIGSVC_API_KEY")
_TTL = 3600.0
NO_POLICY = Policy()

_ADVICE = {"CONFIGSVC_URL": "Run configsvc init, or set it.", "CONFIGSVC_API_KEY": ""}


class Settings(NamedTuple):
    """What an Admin needs to know; `pin` may be empty while nothing sealed is touched."""

    url: Url
    api_keys: tuple[Secret, ...]
    region: str
    pin: Pin
    sealed_keys: KeyPatterns | None = None

    def __repr__(self) -> str:
        return f"Settings(url={self.url.origin}{self.url.path}, region={self.region!r}, api_keys=***)"


class SystemChance:
    """The operating system's randomness."""

    fraction = staticmethod(_world.chance)

    @staticmethod
    def nonce() -> bytes:
        """12 bytes."""
        return os.urandom(NONCE)

    @staticmethod
    def idempotency_key() -> str:
        """A random UUID (RFC 9562, version 4)."""
        return str(uuid.uuid4())


def from_environ(environ: Mapping[str, str], told: Told | None = None, *, policy: Policy = NO_POLICY) -> Admin:
    """An Admin from CONFIGSVC_URL, CONFIGSVC_API_KEY, CONFIGSVC_KMS_KEYS, and AWS's own variables and profiles.

    CONFIGSVC_SEALED_KEYS counts for writes as it does for reads: those keys are never stored in the clear.

    Args:
        environ: the variables.
        told: hears of each request to the service and to KMS, without what was in it.
        policy: which keys may be stored in the clear. Without one everything is sealed that is not asked for as plain.

    Raises:
        Misconfigured: names every variable that is missing, or the one that is wrong.
    """
    environ = hidden(environ)
    settings = settings_in(environ)
    credentials = _session.own_credentials(environ)
    api = connection(settings.url, environ, told)

    def connect(url: Url) -> Connection:
        return connection(url, environ, told)

    if any(environ.get(name) for name in ENDPOINT_URLS):
        endpoint(settings.region, environ)  # so that a wrong variable is said at once, whatever the command
    kms = _world.RegionalKms(
        settings.pin, environ, connect, credentials.find, forget=credentials.forget, region=settings.region
    )  # fmt: skip

    def close() -> None:
        api.close()
        kms.close()

    gateway = ApiGateway(api, *settings.api_keys)
    return admin(
        settings, Ports(api, kms, credentials.find, _world.SystemClocks(), SystemChance(), gateway), close, policy
    )


def settings_in(environ: Mapping[str, str]) -> Settings:
    """The settings in the environment.

    Raises:
        Misconfigured: as `from_environ`.
    """
    url_text, api_keys = (
        environ.get("CONFIGSVC_URL", "").strip(),
        _spelling.api_keys(Secret(environ.get(_REQUIRED[1], ""))),
    )
    missing = [name for name, given in zip(_REQUIRED, (url_text, api_keys), strict=True) if not given]
    if missing:
        advice = " ".join(_ADVICE[name] for name in missing)
        raise Misconfigured(f"Not set: {', '.join(missing)}. {advice}".rstrip(), missing=missing)
    url = service_url(url_text, "CONFIGSVC_URL")
    pinned, sealed = (split(environ.get(name, "")) for name in ("CONFIGSVC_KMS_KEYS", "CONFIGSVC_SEALED_KEYS"))
    return Settings(url, api_keys, _session.region_of(environ, url), pin(pinned), key_pattern(sealed))


def service_url(text: str, name: str) -> Url:
    """The URL of a service, stage included; `name` is what it was given by.

    Raises:
        Misconfigured: not a URL, or one with the API's version.
    """
    url = parse(text, name)
    if url.path.endswith("/v1"):
        raise Misconfigured(f"{name} ends in /v1. Leave that out: it is the URL of the stage.")
    return url


def admin(
    settings: Settings, ports: Ports, close: Callable[[], None] = lambda: None, policy: Policy = NO_POLICY
) -> Admin:
    """An Admin with ports of the caller's choice."""
    clock, chance = ports.clock, ports.chance
    api = Api(settings.url, settings.api_keys, settings.region, ports)
    kms = PatientKms(ports.kms, ports.credentials, clock, chance)
    keyring = Keyring(kms, settings.pin, clock, _TTL)
    keyrings = Keyrings(api, kms, keyring, settings.pin, clock, retired=policy.retired_kids)
    reader, rules = Reader(api), Rules(policy, settings.sealed_keys)
    sealer = ValueSealer(keyrings, kms, settings.pin, clock, chance)
    opener = Opener(
        keyring, settings.pin, lambda namespace: [each.data_key for each in keyrings.list(namespace)], clock,
        settings.sealed_keys,
    )  # fmt: skip
    writer = Writer(api, sealer.seal, reader.known, clock, chance, forget=keyrings.forget)
    access, namespaces, history = Access(api), Namespaces(api), History(api)
    change_sets = ChangeSets(writer, rules, Activations(reader, rules), namespaces)
    values = Values(reader, opener, writer, change_sets, rules)
    sources = Sources(namespaces, history, reader, keyrings, opener)
    rotator = Rotator(access, keyrings, reader, opener, writer)
    nouns = Nouns(
        values, change_sets, namespaces, DataKeys(keyrings, Rewrapper(kms, settings.pin, clock), rotator), Grants(api),
        access, history, Rollback(sources, values, writer, rules),
        FallbackFile(reader, opener, settings.url, clock),
    )  # fmt: skip
    return Admin(nouns, ports.gateway, clock, close)
