"""What is logged of a request: one line, and never a value."""

from __future__ import annotations

from types import TracebackType
from typing import Literal, Protocol

from configsvc.model import names
from configsvc.model.errors import ConfigsvcError, InvalidName

Level = Literal["debug", "info", "warning", "error"]
Logged = str | int | float | bool | list[str] | None

_NOT_MODIFIED, _REFUSED, _FAILED = 304, 400, 500


class Log(Protocol):
    """Where log lines go."""

    def takes(self, level: Level) -> bool:
        """Whether lines of this level go anywhere; if not, none need be made."""

    def line(self, level: Level, /, **members: Logged) -> None:
        """Write one line with these members."""


def level_of(status: int, *, cold: bool, suspect: bool = False) -> Level:
    """Unchanged polls are the many: they are logged for debugging only, unless it was a cold start or is suspect."""
    if suspect and status < _FAILED:
        return "warning"
    if status == _NOT_MODIFIED and not cold:
        return "debug"
    return "error" if status >= _FAILED else "warning" if status >= _REFUSED else "info"


def fault(error: BaseException) -> dict[str, Logged]:
    """What an unexpected error was and where; not its text, which may hold a value. Ours hold none and are told."""
    members: dict[str, Logged] = {
        "fault": type(error).__name__,
        "causes": _causes(error),
        "where": _where(error.__traceback__),
    }
    return members | {"detail": error.detail} if isinstance(error, ConfigsvcError) else members


def namespace_of(text: str) -> str | None:
    """A namespace for the log, if it is one: what is misspelt may be anything."""
    try:
        return names.namespace(text)
    except InvalidName:
        return None


def _causes(error: BaseException) -> list[str]:
    kinds: list[str] = []
    cause = error.__cause__ or error.__context__
    while cause is not None:
        kinds.append(_kind(cause))
        cause = cause.__cause__ or cause.__context__
    return kinds


def _kind(error: BaseException) -> str:
    if isinstance(error, ConfigsvcError):
        return f"{type(error).__name__}: {error.detail}"
    response = getattr(error, "response", None)  # AWS's answer, whose code says more than the kind of the exception
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return f"{type(error).__name__} {code}" if code else type(error).__name__


def _where(traceback: TracebackType | None) -> list[str]:
    places = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        places.append(f"{'/'.join(code.co_filename.split('/')[-2:])}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return places
