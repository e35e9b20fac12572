"""The client's settings, one row each: arguments first, then `CONFIGSVC_*` variables.

To add one, add a row to `SETTINGS`, a field to `ClientSettings` and a parameter to `Config`, whose signature is written
out for editors and type checkers. A test compares these with the table, and the table with docs/CLIENT.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from configsvc.model import names
from configsvc.model.errors import Misconfigured
from configsvc.model.record import Record
from configsvc_client import _setting_parsers
from configsvc_client._freshness import Pace
from configsvc_client._pin import Pin, parse_pin
from configsvc_client._secret import Secret
from configsvc_client._transport.url import Url, parse_url

_NO_FLOORS: Mapping[names.Namespace, int] = MappingProxyType({})
_START, _START_WITH_FALLBACK = 8.0, 2.0


class Given:
    """The arguments that were passed, by the names of the settings; None means the variable."""

    __slots__ = ("arguments", "namespaces")

    def __init__(self, namespaces: tuple[str, ...] = (), **arguments: object) -> None:
        self.namespaces = namespaces
        self.arguments: Mapping[str, Any] = {**arguments, "namespaces": namespaces or None}

    def without(self, *names: str) -> Given:
        """Returns the same without some arguments, whose variables then apply."""
        kept = {name: each for name, each in self.arguments.items() if name not in {*names, "namespaces"}}
        return Given(self.namespaces, **kept)

    def __repr__(self) -> str:
        return f"Given(namespaces={self.namespaces!r}, url={self.arguments.get('url')!r}, api_key=***)"


class ClientSettings(Record):
    """All settings of a Config, complete and checked; times in seconds."""

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
    sealed_keys: _setting_parsers.KeyPatterns | None = None

    def __repr__(self) -> str:
        return f"ClientSettings(url={self.url.origin}{self.url.path}, namespaces={self.namespaces!r}, api_keys=***)"

    @property
    def pace(self) -> Pace:
        """How often to poll, and how long values are served without a refresh."""
        return Pace(self.poll_seconds, self.max_stale_seconds)


class ClientSetting(Record):
    """One setting.

    `parse` takes the variable's name, the value, and the settings of the rows above. `default` is a value, a function
    of the rows above, or None for a required setting; `shown` is the default in words.
    """

    name: str
    variable: str
    parse: Callable[[str, Any, Mapping[str, Any]], object]
    default: object
    shown: str
    doc: str
    field: str = ""
    required: bool = False


def _parse_seconds(variable: str, given: Any, _: Mapping[str, Any]) -> float:  # noqa: ANN401  # text or a number
    return _setting_parsers.parse_seconds(variable, given)


def _split_list(given: str | Iterable[str]) -> list[str]:
    return _setting_parsers.split_list(given if isinstance(given, str) else ",".join(given))


SETTINGS = (
    ClientSetting(
        name="url", variable="CONFIGSVC_URL", required=True, default=None, shown="required",
        parse=lambda variable, given, _: parse_url(given.strip(), variable),
        doc="URL of the service, with its stage. http is allowed for loopback only. A dot at the end of the host "
        "matters to DNS only",
    ),
    ClientSetting(
        name="api_key", field="api_keys", variable="CONFIGSVC_API_KEY", required=True, default=None, shown="required",
        parse=lambda _, given, __: _setting_parsers.parse_api_keys(given),
        doc="identifies the reader. May hold two keys, comma separated, during a rotation; see "
        "[Two API keys](#two-api-keys)",
    ),
    ClientSetting(
        name="namespaces", variable="CONFIGSVC_NAMESPACES", required=True, default=None, shown="required",
        parse=lambda _, given, __: _setting_parsers.parse_namespaces(_split_list(given)),
        doc="comma separated; the first that has a key wins",
    ),
    ClientSetting(
        name="kms_keys", field="pin", variable="CONFIGSVC_KMS_KEYS", default=Pin(()), shown="none",
        parse=lambda _, given, __: parse_pin(_split_list(given)),
        doc="ARNs of the KMS keys that are trusted, or `*`; without it nothing sealed opens",
    ),
    ClientSetting(
        name="fallback", variable="CONFIGSVC_FALLBACK", default=None, shown="none",
        parse=lambda _, given, __: given.strip(),
        doc="path of a fallback file",
    ),
    ClientSetting(
        name="poll_seconds", variable="CONFIGSVC_POLL_SECONDS", default=60.0, shown="60", parse=_parse_seconds,
        doc="seconds between polls, each varied at random by up to a tenth",
    ),
    ClientSetting(
        name="max_stale_seconds", variable="CONFIGSVC_MAX_STALE_SECONDS", default=math.inf, shown="none",
        parse=_parse_seconds,
        doc="older than this, reads raise `Expired`; at least one poll",
    ),
    ClientSetting(
        name="start_seconds", variable="CONFIGSVC_START_SECONDS", shown="8; 2 with a fallback", parse=_parse_seconds,
        default=lambda found: _START_WITH_FALLBACK if found["fallback"] else _START,
        doc="deadline of the first load, including name resolution and waiting for another thread. Opening a "
        "fallback file may take as long again",
    ),
    ClientSetting(
        name="refresh_seconds", variable="CONFIGSVC_REFRESH_SECONDS", default=0.8, shown="0.8", parse=_parse_seconds,
        doc="deadline of a refresh, and how long a reader waits for one, another thread's included. After a timeout "
        "the next may take longer; see [Refreshes](#refreshes)",
    ),
    ClientSetting(
        name="data_key_seconds", variable="CONFIGSVC_DATA_KEY_SECONDS", default=3600.0, shown="3600",
        parse=_parse_seconds,
        doc="how long an unwrapped data key is held",
    ),
    ClientSetting(
        name="min_revision", field="floors", variable="CONFIGSVC_MIN_REVISION", default=_NO_FLOORS, shown="none",
        parse=lambda _, given, found: _setting_parsers.parse_min_revisions(given, found["namespaces"]),
        doc="`payments.prod=41,shared.prod=7`; one number where there is one namespace. At most 9 × 10⁹. A lower "  # noqa: RUF001
        "revision is refused. A process that starts also refuses one above 10⁹, or above this setting plus 10⁶ if "
        "that is more",
    ),
    ClientSetting(
        name="sealed_keys", variable="CONFIGSVC_SEALED_KEYS", default=None, shown="none",
        parse=lambda _, given, __: _setting_parsers.parse_key_patterns(_split_list(given)),
        doc="keys that must have been sealed: `db.password`, `db.*`, `*.token`, `*`. The command line and `Admin` "
        "store none of them in the clear",
    ),
)  # fmt: skip
"""Every setting, in the order in which they are parsed."""


def parse_settings(given: Given, environ: Mapping[str, str]) -> ClientSettings:
    """Parses the settings of a Config.

    Raises:
        Misconfigured: required ones are missing, all named at once, or one is wrong.
    """
    values = {row.name: _find_value(row, given, environ) for row in SETTINGS}
    missing = [row.variable for row in SETTINGS if row.required and _is_empty(row, values[row.name])]
    if missing:
        raise Misconfigured(
            f"Not set: {', '.join(missing)}. `configsvc env` prints the lines a consumer needs.", missing=missing
        )
    found: dict[str, Any] = {}
    for row in SETTINGS:
        value = values[row.name]
        if not _is_empty(row, value):
            parsed = row.parse(row.variable, value, found)
        else:
            parsed = row.default(found) if callable(row.default) else row.default
        found[row.field or row.name] = parsed
    return _check_pace(ClientSettings(**found))


def _find_value(row: ClientSetting, given: Given, environ: Mapping[str, str]) -> object:
    argument = given.arguments.get(row.name)
    if argument is not None:
        return argument
    if row.name == "api_key":  # in one expression, so that no frame has it in the clear
        return Secret(environ.get(row.variable, ""))
    return environ.get(row.variable) or None


def _is_empty(row: ClientSetting, value: object) -> bool:
    if value is None:
        return True
    if row.parse is _parse_seconds:  # blanks are an error: not a number of seconds
        return False
    if isinstance(value, Secret):
        return not _setting_parsers.parse_api_keys(value)
    if isinstance(value, tuple | list):
        return not "".join(value).strip()
    return isinstance(value, str) and not value.strip()


def _check_pace(found: ClientSettings) -> ClientSettings:
    if found.max_stale_seconds < found.poll_seconds:
        raise Misconfigured(
            f"CONFIGSVC_MAX_STALE_SECONDS is less than CONFIGSVC_POLL_SECONDS ({found.poll_seconds:g}): values would "
            "expire before they are refreshed. Raise the first or lower the second."
        )
    return found
