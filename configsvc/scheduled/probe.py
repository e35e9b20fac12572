"""The probe: reads `configsvc.probe` through the public URL, as a consumer would, and opens nothing.

A failed check is not an error of the function: its line and the metric `ProbeFailed` report it. Importing this module
creates no client and needs no region.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from configsvc.adapters.metrics import JsonLog, Unit, measure
from configsvc.model.errors import InvalidRequest, Misconfigured
from configsvc.scheduled.probe_checks import ADVICE, NAMESPACE, Answer, ProbeFailed, Seen, check_age, check_answer
from configsvc.scheduled.probe_fetch import Url, fetch, parse_url
from configsvc.scheduled.probe_key import HeldApiKey, read_from_api_gateway
from configsvc.web.handling import locate

TASK: Final = "probe"
SECONDS = 8.0
"""One limit for everything that a run does: the API key, DNS, TCP, TLS and the response."""

WARNING_DAYS = 21.0
"""The line is a warning when the certificate expires sooner. ACM renews weeks earlier (ACM user guide, "Managed
certificate renewal")."""

_PATH = f"/v1/namespaces/{NAMESPACE}/snapshot"
_DAY_SECONDS = 86_400
_FORBIDDEN = 403
_MAX_AGE_SECONDS = "900"

Fetch = Callable[[Url, str, Mapping[str, str], float], Answer]


class ProbeSettings(NamedTuple):
    """CONFIGSVC_URL, CONFIGSVC_PROBE_API_KEY_ID and CONFIGSVC_PROBE_MAX_AGE_SECONDS."""

    url: Url
    api_key_id: str
    max_age: float


@dataclass
class Report:
    """The findings of a run; None where it did not get that far.

    Args:
        code: of the failed check, one of `ADVICE`; None when all passed.
        detail: what happened and what to do.
        where: the places of an unexpected error.
        age: of the heartbeat, in seconds.
        duration_ms: of the last request, from DNS to the last byte.
        certificate_days: until the certificate expires.
    """

    code: str | None = None
    detail: str | None = None
    where: tuple[str, ...] = ()
    revision: int | None = None
    age: float | None = None
    duration_ms: float | None = None
    certificate_days: float | None = None

    @property
    def level(self) -> str:
        """The level of its log line."""
        if self.code is not None:
            return "error"
        return "warning" if self.certificate_days is not None and self.certificate_days < WARNING_DAYS else "info"


class Probe:
    """Probes one stack, and remembers the API key and the highest revision from run to run.

    Args:
        settings: the stack.
        key: its API key.
        fetch: sends a request.
        now: seconds of the wall clock.
        monotonic: seconds of the clock that deadlines are in.
    """

    def __init__(
        self,
        settings: ProbeSettings,
        key: HeldApiKey,
        fetch: Fetch = fetch,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._key = key
        self._fetch = fetch
        self._now = now
        self._monotonic = monotonic
        self._seen: Seen | None = None

    def run(self, report: Report, seconds: float = SECONDS) -> None:
        """Makes all checks within `seconds`, and adds what it finds to the report as it goes.

        Raises:
            ProbeFailed: a check failed.
        """
        until = self._monotonic() + seconds
        answer = self._ask(report, until)
        if answer.status == _FORBIDDEN:  # the key may have been replaced since it was read
            self._key.forget()
            answer = self._ask(report, until)
        found = check_answer(answer, self._seen)
        self._seen = found.seen
        report.revision, report.age = found.seen.revision, round(self._now() - found.written_at, 3)
        check_age(report.age, self._settings.max_age)

    def _ask(self, report: Report, until: float) -> Answer:
        headers = {"x-api-key": self._key.get(until - self._monotonic()), "User-Agent": "configsvc-probe"}
        began = self._monotonic()
        try:
            answer = self._fetch(self._settings.url, _PATH, headers, until)
        finally:
            report.duration_ms = round((self._monotonic() - began) * 1000, 3)
        if answer.expires is not None:
            report.certificate_days = round((answer.expires - self._now()) / _DAY_SECONDS, 2)
        return answer


def read_settings(environ: Mapping[str, str]) -> ProbeSettings:
    """Reads the settings from environment variables.

    Raises:
        Misconfigured: a variable is missing or wrong.
    """
    key_id = environ.get("CONFIGSVC_PROBE_API_KEY_ID", "")
    if not (key_id.isascii() and key_id.isalnum()):
        raise Misconfigured("CONFIGSVC_PROBE_API_KEY_ID must be the id of an API key.")
    seconds = environ.get("CONFIGSVC_PROBE_MAX_AGE_SECONDS", "").strip() or _MAX_AGE_SECONDS
    if not (seconds.isascii() and seconds.isdecimal() and int(seconds) > 0):
        raise Misconfigured("CONFIGSVC_PROBE_MAX_AGE_SECONDS must be a number of seconds above 0.")
    return ProbeSettings(parse_url(environ.get("CONFIGSVC_URL", "")), key_id, float(seconds))


def check_task(event: object) -> None:
    """Checks what the function was started with.

    Raises:
        InvalidRequest: not `{"task": "probe"}`.
    """
    if not isinstance(event, Mapping) or event.get("task") != TASK:
        raise InvalidRequest('The probe is started with {"task": "probe"}; send that.')


def observe(make: Callable[[], Probe], seconds: float = SECONDS) -> Report:
    """Runs the probe and reports whatever happens, with no text of an error that was not foreseen."""
    report = Report()
    try:
        make().run(report, seconds)
    except ProbeFailed as failure:
        report.code, report.detail = failure.code, failure.detail
    except Misconfigured as error:
        report.code, report.detail = "settings", f"{error.detail} {ADVICE['settings']}"
    except Exception as error:  # noqa: BLE001  # silence would look the same as health
        report.code, report.detail = "internal", f"Unexpected error: {type(error).__name__}. {ADVICE['internal']}"
        report.where = tuple(locate(error.__traceback__))
    return report


def describe(report: Report) -> dict[str, object]:
    """The members of a report's log line; those that are unknown are left out."""
    members = {
        "task": TASK, "namespace": NAMESPACE, "code": report.code, "detail": report.detail,
        "where": list(report.where) or None, "revision": report.revision,
    }  # fmt: skip
    return {name: found for name, found in members.items() if found is not None}


def list_metrics(report: Report) -> dict[str, tuple[float, Unit]]:
    """The metrics of a report; what it did not come to has none."""
    found: dict[str, tuple[float | None, Unit]] = {
        "ProbeFailed": (0 if report.code is None else 1, "Count"),
        "ProbeAge": (None if report.age is None else max(0.0, report.age), "Seconds"),
        "ProbeDuration": (report.duration_ms, "Milliseconds"),
        "CertificateDays": (report.certificate_days, "Count"),
    }
    return {name: (value, unit) for name, (value, unit) in found.items() if value is not None}


@cache
def _load_probe() -> Probe:
    settings = read_settings(os.environ)
    return Probe(settings, HeldApiKey(read_from_api_gateway(settings.api_key_id)))


def handler(event: object, _context: object = None) -> dict[str, object]:
    """Probes once, logs one line with the metrics, and returns its members.

    Raises:
        InvalidRequest: not `{"task": "probe"}`.
    """
    check_task(event)
    report = observe(_load_probe)
    service = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", TASK)
    members = describe(report)
    metrics = measure(service, time.time_ns() // 1_000_000, list_metrics(report))
    JsonLog(sys.stdout, "debug").line(report.level, **members, **metrics)
    return members
