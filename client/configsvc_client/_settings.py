"""What a Config needs to know: arguments first, then `CONFIGSVC_*` variables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from configsvc.model import names
from configsvc.model.errors import Misconfigured
from configsvc.model.record import Record
from configsvc_client import _spelling
from configsvc_client._freshness import Pace
from configsvc_client._pin import Pin, pin
from configsvc_client._secret import Secret
from configsvc_client._url import Url, parse

_REQUIRED = ("CONFIGSVC_URL", "CONFIGSVC_API_KEY", "CONFIGSVC_NAMESPACES")
_NO_FLOORS: Mapping[names.Namespace, int] = MappingProxyType({})
_START, _START_WITH_FALLBACK = 8.0, 2.0


class Given(Record):
    """What was passed as arguments; None takes the variable."""

    namespaces: tuple[str, ...] = ()
    url: str | None = None
    api_key: Secret | None = None
    kms_keys: Iterable[str] | None = None
    poll_seconds: float | None = None
    start_seconds: float | None = None
    refresh_seconds: float | None = None
    max_stale_seconds: float | None = None
    data_key_seconds: float | None = None
    fallback: str | None = None
    min_revision: int | Mapping[str, int] | None = None
    sealed_keys: Iterable[str] | None = None

    def __repr__(self) -> str:
        return f"Given(namespaces={self.namespaces!r}, url={self.url!r}, api_key=***)"


class ClientSettings(Record):
    """Complete and checked; times in seconds."""

    url: Url
    api_keys: tuple[Secret, ...]
    namespaces: tuple[names.Namespace, ...]
    pin: Pin
    poll_seconds: float = 60.0
    start_seconds: float = _START
    refresh_seconds: float = 0.8
    data_key_seconds: float = 3600.0
    max_stale_seconds: float = math.inf
    fallback: str | None = None
    floors: Mapping[names.Namespace, int] = _NO_FLOORS
    sealed_keys: _spelling.KeyPatterns | None = None

    def __repr__(self) -> str:
        return f"ClientSettings(url={self.url.origin}{self.url.path}, namespaces={self.namespaces!r}, api_keys=***)"

    @property
    def pace(self) -> Pace:
        """How often to ask, and how long what is held may serve."""
        return Pace(self.poll_seconds, self.max_stale_seconds)


def settings(given: Given, environ: Mapping[str, str]) -> ClientSettings:
    """The settings of a Config.

    Raises:
        Misconfigured: required ones are missing, all named at once, or one is wrong.
    """
    texts = _texts(given, environ)
    api_keys = _spelling.api_keys(given.api_key or Secret(environ.get("CONFIGSVC_API_KEY", "")))
    missing = [name for name in _REQUIRED if not texts.get(name, api_keys)]
    if missing:
        raise Misconfigured(
            f"Not set: {', '.join(missing)}. `configsvc env` prints the lines a consumer needs.", missing=missing
        )
    namespaces = _spelling.namespaces(_spelling.split(texts["CONFIGSVC_NAMESPACES"]))
    floors = environ.get("CONFIGSVC_MIN_REVISION", "") if given.min_revision is None else given.min_revision
    found = ClientSettings(
        url=parse(texts["CONFIGSVC_URL"], "CONFIGSVC_URL"),
        api_keys=api_keys,
        namespaces=namespaces,
        pin=pin(_spelling.split(texts["CONFIGSVC_KMS_KEYS"])),
        fallback=texts["CONFIGSVC_FALLBACK"] or None,
        floors=_spelling.floors(floors, namespaces),
        sealed_keys=_spelling.key_pattern(_spelling.split(texts["CONFIGSVC_SEALED_KEYS"])),
    )
    return _timed(found, given, environ)


def _timed(found: ClientSettings, given: Given, environ: Mapping[str, str]) -> ClientSettings:
    def seconds(name: str, argument: float | None, default: float) -> float:
        text = (environ.get(name) or None) if argument is None else argument
        return default if text is None else _spelling.seconds(name, text)

    start = _START_WITH_FALLBACK if found.fallback else _START
    timed = found._replace(
        poll_seconds=seconds("CONFIGSVC_POLL_SECONDS", given.poll_seconds, 60.0),
        start_seconds=seconds("CONFIGSVC_START_SECONDS", given.start_seconds, start),
        refresh_seconds=seconds("CONFIGSVC_REFRESH_SECONDS", given.refresh_seconds, 0.8),
        max_stale_seconds=seconds("CONFIGSVC_MAX_STALE_SECONDS", given.max_stale_seconds, math.inf),
        data_key_seconds=seconds("CONFIGSVC_DATA_KEY_SECONDS", given.data_key_seconds, 3600.0),
    )
    if timed.max_stale_seconds < timed.poll_seconds:
        raise Misconfigured(
            f"CONFIGSVC_MAX_STALE_SECONDS is less than CONFIGSVC_POLL_SECONDS ({timed.poll_seconds:g}): what is held "
            "would expire before it is due. Raise the one or lower the other."
        )
    return timed


def _texts(given: Given, environ: Mapping[str, str]) -> dict[str, str]:
    arguments = {
        "CONFIGSVC_URL": given.url,
        "CONFIGSVC_NAMESPACES": ",".join(given.namespaces) or None,
        "CONFIGSVC_KMS_KEYS": None if given.kms_keys is None else ",".join(given.kms_keys),
        "CONFIGSVC_FALLBACK": given.fallback,
        "CONFIGSVC_SEALED_KEYS": None if given.sealed_keys is None else ",".join(given.sealed_keys),
    }
    return {
        name: (environ.get(name, "") if argument is None else argument).strip() for name, argument in arguments.items()
    }
