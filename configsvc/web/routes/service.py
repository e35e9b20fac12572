"""The service itself: its health, its OpenAPI document, and whom it takes the caller for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from configsvc.model.errors import ConfigsvcError, InvalidRequest, Throttled, Unavailable
from configsvc.service.engine import records
from configsvc.service.engine.ports import ServicePorts
from configsvc.web import reply
from configsvc.web.api import RestApi
from configsvc.web.description import DEEP, Description
from configsvc.web.reply import Reply
from configsvc.web.request import Request

DOCUMENT = Path(__file__).parents[1] / "openapi.json"
"""Written by `make api-docs`, and served as it is."""

SECONDS = 5.0
"""How long one read of the table counts. The route is open to anyone, so this limits the cost of calling it."""

_CODES = {
    "AccessDeniedException": "table_denied",
    "ResourceNotFoundException": "table_missing",
}
_REASONS = {
    "misconfigured": "its settings are missing or wrong",
    "table_denied": "IAM does not allow its role to read the table",
    "table_missing": "the table does not exist in its region",
    "table_unavailable": "the table is throttled or does not respond",
    "table_unreachable": "the table cannot be reached",
}


class _TableCheck(NamedTuple):
    """The last read of the table: until when it counts, in elapsed seconds, and why it failed."""

    until: float
    reason: str | None = None
    fault: Exception | None = None


_HEALTH = Description(
    "Check that the service runs",
    "open",
    {200: "Health"},
    details=(
        "By default it does not read the table. With `deep=true` it reads one small record, at most once every "
        f"{SECONDS:.0f} seconds per warm instance, and answers 503 with a `reason` if it cannot."
    ),
    query=(DEEP,),
    subject="health",
)
_OPENAPI = Description(
    "Get this API as an OpenAPI 3.1 document",
    "open",
    {200: "OpenApi"},
    details="It changes only with a deployment.",
    subject="openapi",
)
_WHOAMI = Description(
    "Show the permissions of your API key",
    "any",
    {200: "WhoamiByKey"},
    details="The request is not signed, so `iam` is null.",
    subject="whoami",
)
_WHOAMI_SIGNED = Description(
    "Show the permissions of your API key and your IAM identity",
    "any",
    {200: "Whoami"},
    details="This request changes nothing.",
    subject="whoami",
)


def declare(api: RestApi, elapsed: Callable[[], float]) -> None:
    """Declares the routes. `elapsed` returns elapsed seconds, including time that the process was frozen."""
    _declare_health(api, elapsed)

    @api.open("/v1/openapi.json", _OPENAPI)
    def get_openapi(_request: Request) -> Reply:
        return reply.answer_static(_read_document())

    @api.read("/v1/whoami", _WHOAMI)
    def whoami(request: Request) -> Reply:
        from configsvc.service.verbs.grants import describe_caller

        return reply.answer_json(describe_caller(api.ports(), request.caller))

    @api.signed("POST", "/v1/whoami", _WHOAMI_SIGNED)
    def whoami_signed(request: Request) -> Reply:
        return whoami(request)


@cache
def _read_document() -> str:
    return DOCUMENT.read_text(encoding="utf-8")


def _declare_health(api: RestApi, elapsed: Callable[[], float]) -> None:
    check = _make_checker(api.ports, elapsed)

    @api.open("/v1/health", _HEALTH)
    def get_health(request: Request) -> Reply:
        if not _is_deep(request.text(DEEP)):
            return reply.answer_json({"status": "ok", "table": "not_checked"})
        check()
        return reply.answer_json({"status": "ok", "table": "readable"})


def _is_deep(asked: str | None) -> bool:
    if asked not in (None, "true", "false"):
        raise InvalidRequest("deep must be true or false.", field="deep")
    return asked == "true"


def _make_checker(ports: Callable[[], ServicePorts], elapsed: Callable[[], float]) -> Callable[[], None]:
    """Makes a function that reads the table and repeats its result for some seconds, also if it could not start."""
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
    """The reason why the table could not be read, and the error with the details; None if it could."""
    try:
        repository = ports().repository
    except Unavailable as error:  # no credentials in time
        return "table_unreachable", error.with_traceback(None)
    except Exception as error:  # noqa: BLE001  # wrong settings, or an error of botocore
        return "misconfigured", error.with_traceback(None)
    try:
        repository.get([records.GRANTS_HEAD])
    except Exception as error:  # noqa: BLE001  # whatever the error, the table was not read
        return _name_reason(error), error.with_traceback(None)
    return None, None


def _name_reason(fault: Exception) -> str:
    if isinstance(fault, Throttled | Unavailable):
        return "table_unavailable"
    response = getattr(fault.__cause__, "response", None)  # AWS's response
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    if isinstance(fault, ConfigsvcError) and code:
        return _CODES.get(code, "table_unreachable")
    return "table_unreachable"


def _make_unready(reason: str) -> Unavailable:
    return Unavailable(
        f"The service runs, but cannot serve requests: {_REASONS[reason]}. See its log for details.",
        reason=reason, retry_after=int(SECONDS),
    )  # fmt: skip
