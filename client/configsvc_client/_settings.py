"""What a Config needs to know: arguments first, then `CONFIGSVC_*` variables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from configsvc.model import names
from configsvc.model.errors import InvalidName, Misconfigured
from configsvc_client._pin import Pin, pin
from configsvc_client._url import Url, parse

_REQUIRED = ("CONFIGSVC_URL", "CONFIGSVC_API_KEY", "CONFIGSVC_NAMESPACES")


class Given(NamedTuple):
    """What was passed as arguments; None takes the variable."""

    namespaces: tuple[str, ...] = ()
    url: str | None = None
    api_key: str | None = None
    kms_keys: Iterable[str] | None = None
    poll_seconds: float | None = None
    start_seconds: float | None = None
    refresh_seconds: float | None = None

    def __repr__(self) -> str:
        return f"Given(namespaces={self.namespaces!r}, url={self.url!r}, api_key=***)"


class Settings(NamedTuple):
    """Complete and checked; times in seconds."""

    url: Url
    api_key: str
    namespaces: tuple[names.Namespace, ...]
    pin: Pin
    poll_seconds: float = 60.0
    start_seconds: float = 8.0
    refresh_seconds: float = 0.8
    data_key_ttl: float = 3600.0

    def __repr__(self) -> str:
        return f"Settings(url={self.url.origin}{self.url.path}, namespaces={self.namespaces!r}, api_key=***)"


def settings(given: Given, environ: Mapping[str, str]) -> Settings:
    """The settings of a Config.

    Raises:
        Misconfigured: required ones are missing, all named at once, or one is wrong.
    """
    texts = _texts(given, environ)
    missing = [name for name in _REQUIRED if not texts[name]]
    if missing:
        raise Misconfigured(
            f"Not set: {', '.join(missing)}. `configsvc env` prints the lines a consumer needs.", missing=missing
        )
    return Settings(
        url=parse(texts["CONFIGSVC_URL"], "CONFIGSVC_URL"),
        api_key=_api_key(texts["CONFIGSVC_API_KEY"]),
        namespaces=_namespaces(_split(texts["CONFIGSVC_NAMESPACES"])),
        pin=pin(_split(texts["CONFIGSVC_KMS_KEYS"])),
        poll_seconds=_seconds("CONFIGSVC_POLL_SECONDS", given.poll_seconds, environ, 60.0),
        start_seconds=_seconds("CONFIGSVC_START_SECONDS", given.start_seconds, environ, 8.0),
        refresh_seconds=_seconds("CONFIGSVC_REFRESH_SECONDS", given.refresh_seconds, environ, 0.8),
    )


def _texts(given: Given, environ: Mapping[str, str]) -> dict[str, str]:
    arguments = {
        "CONFIGSVC_URL": given.url,
        "CONFIGSVC_API_KEY": given.api_key,
        "CONFIGSVC_NAMESPACES": ",".join(given.namespaces) or None,
        "CONFIGSVC_KMS_KEYS": None if given.kms_keys is None else ",".join(given.kms_keys),
    }
    return {
        name: (environ.get(name, "") if argument is None else argument).strip() for name, argument in arguments.items()
    }


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _api_key(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise Misconfigured("CONFIGSVC_API_KEY holds characters that no API key has.")
    return text


def _namespaces(texts: Iterable[str]) -> tuple[names.Namespace, ...]:
    try:
        found = tuple(names.namespace(text) for text in texts)
    except InvalidName as error:
        raise Misconfigured(f"CONFIGSVC_NAMESPACES: {error.detail}") from None
    if len(set(found)) != len(found):
        raise Misconfigured("CONFIGSVC_NAMESPACES names a namespace twice. The first that has a key wins.")
    return found


def _seconds(name: str, argument: float | None, environ: Mapping[str, str], default: float) -> float:
    given: str | float = environ.get(name) or default if argument is None else argument
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise Misconfigured(f"{name} is a number of seconds above 0, like {default:g}.")
    return seconds
