"""Health: whether the service runs and, asked for it, whether it can read its table."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from configsvc.model.errors import ConfigsvcError, InvalidRequest, Throttled, Unavailable
from configsvc.service.engine import records
from configsvc.service.engine.ports import ServicePorts
from configsvc.web import reply
from configsvc.web.api import RestApi
from configsvc.web.description import DEEP, Description
from configsvc.web.reply import Reply
from configsvc.web.request import Request

SECONDS = 5.0
"""How long one look at the table counts. The route is open to anyone, so this bounds what asking it costs."""

_CODES = {
    "AccessDeniedException": "table_denied",
    "ResourceNotFoundException": "table_missing",
}
_SAID = {
    "misconfigured": "Its settings are missing or wrong",
    "table_denied": "IAM does not let its role read the table",
    "table_missing": "There is no such table in the region that it asks",
    "table_unavailable": "The table is throttled or does not answer",
    "table_unreachable": "The table cannot be reached",
}


class _TableCheck(NamedTuple):
    """The last look at the table: until when it counts, in seconds elapsed, and what was in the way."""

    until: float
    reason: str | None = None
    fault: Exception | None = None


def declare(api: RestApi, elapsed: Callable[[], float]) -> None:
    """The route of health; `elapsed` gives seconds passed, also while Lambda kept the process frozen."""
    check = _make_checker(api.ports, elapsed)

    @api.open(
        "/v1/health",
        Description(
            "See that the service runs", "open", {200: "Health"},
            details=(
                "It does not look at the table, and says so. With `deep=true` it reads one small record of it, once in "
                f"{SECONDS:.0f} seconds for each warm instance; 503 with a `reason` if it cannot."
            ),
            query=(DEEP,),
        ),
    )  # fmt: skip
    def get_health(request: Request) -> Reply:
        if not _is_deep(request.text(DEEP)):
            return reply.answer_json({"status": "ok", "table": "not_checked"})
        check()
        return reply.answer_json({"status": "ok", "table": "readable"})


def _is_deep(asked: str | None) -> bool:
    if asked not in (None, "true", "false"):
        raise InvalidRequest("deep is true or false.", field="deep")
    return asked == "true"


def _make_checker(ports: Callable[[], ServicePorts], elapsed: Callable[[], float]) -> Callable[[], None]:
    """What looks at the table, and for some seconds answers as it did: also where it could not even begin to look."""
    last = _TableCheck(float("-inf"))

    def check() -> None:
        nonlocal last
        if elapsed() >= last.until:
            reason, fault = _read_table(ports)
            last = _TableCheck(elapsed() + SECONDS, reason, fault)
        if last.reason:
            raise _make_unready(last.reason) from last.fault

    return check


def _read_table(ports: Callable[[], ServicePorts]) -> tuple[str | None, Exception | None]:
    """Why the table could not be read, and the error that says more."""
    try:
        repository = ports().repository
    except Unavailable as error:  # no credentials in time
        return "table_unreachable", error.with_traceback(None)
    except Exception as error:  # noqa: BLE001  # the settings, or what botocore says of its own
        return "misconfigured", error.with_traceback(None)
    try:
        repository.get([records.GRANTS_HEAD])
    except Exception as error:  # noqa: BLE001  # whatever it is, the table was not read
        return _name_reason(error), error.with_traceback(None)
    return None, None


def _name_reason(fault: Exception) -> str:
    if isinstance(fault, Throttled | Unavailable):
        return "table_unavailable"
    response = getattr(fault.__cause__, "response", None)  # AWS's answer
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    if isinstance(fault, ConfigsvcError) and code:
        return _CODES.get(code, "table_unreachable")
    return "table_unreachable"


def _make_unready(reason: str) -> Unavailable:
    return Unavailable(
        f"The service runs, but it cannot serve: {_SAID[reason]}. Its log says more.",
        reason=reason, retry_after=int(SECONDS),
    )  # fmt: skip
