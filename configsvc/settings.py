"""The stage's settings, from environment variables. All errors are reported together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeGuard

from configsvc.model import limits
from configsvc.model.errors import InvalidName, Misconfigured
from configsvc.model.grants import Principal, parse_admin_pattern, parse_api_key_id
from configsvc.model.snapshot import Charset

LogLevel = Literal["debug", "info", "warning", "error"]

_LEVELS: tuple[LogLevel, ...] = ("debug", "info", "warning", "error")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PROOFS = 2
_MODES = {"enforce": True, "observe": False}
_UNESCAPED = frozenset(f"AWS_Lambda_python3.{minor}" for minor in (12, 13, 14, 15))
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}")


class StageSettings(NamedTuple):
    """The settings that differ between stages.

    Args:
        table: CONFIGSVC_TABLE, the DynamoDB table's name.
        proofs: CONFIGSVC_PROOF_SHA256, SHA-256 of the gateway's proof and, during a rotation, of the previous one.
        proof_enforced: CONFIGSVC_PROOF_MODE, whether requests without the proof are refused (`enforce`) or only
            logged (`observe`).
        admins: CONFIGSVC_ADMINS, ARN patterns of the first administrators; empty means nobody.
        log_level: CONFIGSVC_LOG_LEVEL; unchanged polls are logged at `debug`.
        change_log_days: CONFIGSVC_CHANGE_LOG_DAYS, the default for new namespaces; None (0) keeps everything.
        charset: from AWS_EXECUTION_ENV, the characters that awslambdaric of that runtime leaves unescaped.
    """

    table: str
    proofs: tuple[str, ...]
    proof_enforced: bool = True
    admins: tuple[str, ...] = ()
    log_level: LogLevel = "info"
    change_log_days: int | None = None
    charset: Charset = "ascii"


class UpkeepSettings(NamedTuple):
    """The settings of the scheduled upkeep.

    Args:
        stack: CONFIGSVC_STACK, the stack's name, for receivers of events.
        table: CONFIGSVC_TABLE, the DynamoDB table's name.
        probe: CONFIGSVC_PROBE_API_KEY_ID, the principal of the probe's API key; None (empty) if there is no probe.
        rotation_days: CONFIGSVC_ROTATION_DAYS, how many days before its date a value is reported.
        log_level: CONFIGSVC_LOG_LEVEL.
        charset: from AWS_EXECUTION_ENV, as for the service.
    """

    stack: str
    table: str
    probe: Principal | None = None
    rotation_days: int = 14
    log_level: LogLevel = "info"
    charset: Charset = "ascii"


def read_upkeep_settings(environ: Mapping[str, str]) -> UpkeepSettings:
    """Reads the settings of the scheduled upkeep from environment variables.

    Raises:
        Misconfigured: names every variable that is missing or wrong.
    """
    table, level = environ.get("CONFIGSVC_TABLE", ""), parse_log_level(environ)
    faults = [] if _TABLE.fullmatch(table) else ["CONFIGSVC_TABLE must be the name of the DynamoDB table"]
    stack = environ.get("CONFIGSVC_STACK", "").strip()
    faults += [] if stack else ["CONFIGSVC_STACK must be the name of the stack"]
    key, probe = environ.get("CONFIGSVC_PROBE_API_KEY_ID", "").strip(), None
    try:
        probe = parse_api_key_id(key) if key else None
    except InvalidName:
        faults.append("CONFIGSVC_PROBE_API_KEY_ID must be the id of an API key, or empty")
    days = _parse_days(environ.get("CONFIGSVC_ROTATION_DAYS", "").strip() or "14")
    if days is None:
        faults.append(f"CONFIGSVC_ROTATION_DAYS must be 0 to {limits.RETENTION_DAYS}")
    if level is None:
        faults.append(f"CONFIGSVC_LOG_LEVEL must be one of {', '.join(_LEVELS)}")
    if faults or level is None or days is None:
        raise Misconfigured(f"Set these variables of the function: {'; '.join(faults)}.")
    return UpkeepSettings(stack, table, probe, days, level, choose_charset(environ))


def read_settings(environ: Mapping[str, str]) -> StageSettings:
    """Reads the settings from environment variables.

    Raises:
        Misconfigured: names every variable that is missing or wrong.
    """
    table, level = environ.get("CONFIGSVC_TABLE", ""), parse_log_level(environ)
    admins = tuple(filter(None, (each.strip() for each in environ.get("CONFIGSVC_ADMINS", "").split(","))))
    faults = [] if _TABLE.fullmatch(table) else ["CONFIGSVC_TABLE must be the name of the DynamoDB table"]
    proofs, mode = environ.get("CONFIGSVC_PROOF_SHA256", "").split(","), environ.get("CONFIGSVC_PROOF_MODE", "enforce")
    faults += _find_proof_faults(proofs, mode)
    faults += [fault for each in admins if (fault := _find_admin_fault(each))]
    days = _parse_days(environ.get("CONFIGSVC_CHANGE_LOG_DAYS", "").strip() or "0")
    if days is None:
        faults.append(f"CONFIGSVC_CHANGE_LOG_DAYS must be 0 to {limits.RETENTION_DAYS}")
    if level is None:
        faults.append(f"CONFIGSVC_LOG_LEVEL must be one of {', '.join(_LEVELS)}")
    if faults or level is None or days is None:
        raise Misconfigured(f"Set these variables of the function: {'; '.join(faults)}.")
    return StageSettings(table, tuple(proofs), _MODES[mode], admins, level, days or None, choose_charset(environ))


def _parse_days(text: str) -> int | None:
    """A number of days within the limit; None if it is not one."""
    number = int(text) if text.isascii() and text.isdecimal() else limits.RETENTION_DAYS + 1
    return number if number <= limits.RETENTION_DAYS else None


def choose_charset(environ: Mapping[str, str]) -> Charset:
    """The charset of the runtime's responses. An unknown runtime, such as a container image, escapes."""
    return "utf8" if environ.get("AWS_EXECUTION_ENV") in _UNESCAPED else "ascii"


def parse_log_level(environ: Mapping[str, str]) -> LogLevel | None:
    """The log level, by default `info`; None if it is not one of the four."""
    text = environ.get("CONFIGSVC_LOG_LEVEL", "").strip().lower() or "info"
    return text if _is_level(text) else None


def _is_level(text: str) -> TypeGuard[LogLevel]:
    return text in _LEVELS


def _find_proof_faults(proofs: list[str], mode: str) -> list[str]:
    faults = []
    if not 1 <= len(proofs) <= _PROOFS or not all(_DIGEST.fullmatch(each) for each in proofs):
        faults.append("CONFIGSVC_PROOF_SHA256 must be one or two SHA-256 digests of the gateway's proof, in hex")
    if mode not in _MODES:
        faults.append(f"CONFIGSVC_PROOF_MODE must be one of {', '.join(_MODES)}")
    return faults


def _find_admin_fault(text: str) -> str | None:
    try:
        parse_admin_pattern(text)
    except InvalidName as error:
        return f"{error.detail.rstrip('.')}, not {text[:100]!r}"
    return None
