"""The probe's API key, which it reads from API Gateway. It is kept in memory only, and never in a text for people."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from configsvc.adapters.system import Aside
from configsvc.scheduled.probe_checks import ProbeFailed

_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS = 2, 3, 2
_SENDABLE = re.compile(r"[!-~]{1,128}")

ReadApiKey = Callable[[], Mapping[str, object]]
"""Returns API Gateway's GetApiKey: `value` and `enabled` are read."""


class HeldApiKey:
    """The value of one API key.

    Args:
        read: gets the key with its value; any exception of botocore.
    """

    def __init__(self, read: ReadApiKey) -> None:
        self._read = read
        self._value: str | None = None

    def __repr__(self) -> str:
        return "HeldApiKey(***)"

    def get(self, seconds: float) -> str:
        """The value, from memory or within `seconds` from API Gateway.

        Raises:
            ProbeFailed: `api_key`.
        """
        if self._value is None:
            self._value = self._fetch(seconds)
        return self._value

    def forget(self) -> None:
        """Have it read again."""
        self._value = None

    def _fetch(self, seconds: float) -> str:
        try:
            found = Aside(self._read).result(seconds)
        except Exception as error:  # noqa: BLE001  # botocore's many; all mean that there is no key
            raise ProbeFailed("api_key", f"The API key cannot be read ({_name(error)}).") from None
        if not found.get("enabled", True):
            raise ProbeFailed("api_key", "The API key is disabled.")
        value = str(found.get("value", ""))
        if not _SENDABLE.fullmatch(value):
            raise ProbeFailed("api_key", "The API key has no value that can be sent.")
        return value


def read_from_api_gateway(key_id: str) -> ReadApiKey:
    """Returns what gets the key (API Gateway REST API, GetApiKey; needs `apigateway:GET` on it)."""

    def read() -> Mapping[str, object]:
        import boto3
        from botocore.config import Config

        limits = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
        )
        return boto3.client("apigateway", config=limits).get_api_key(apiKey=key_id, includeValue=True)

    return read


def _name(error: Exception) -> str:
    """AWS's error code, or the type. Messages may contain what was sent."""
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return str(code or type(error).__name__)
