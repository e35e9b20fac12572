"""The fixed part: what a stage costs with nobody reading it, counted from its expanded template."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from configsvc.adapters import metrics
from infra.costs.model import Service
from infra.costs.prices import Use, add, times

Template = Mapping[str, Any]

_MINUTES = 24 * 60
_HEARTBEAT_MINUTES = 5
_PROBE_MS, _UPKEEP_MS = Decimal(100), Decimal(10_000)
_EMF_BYTES = 400
_ROUTES, _METRICS_A_ROUTE = 4, 5
_CODES = 5
_SCANNED_GB = Decimal(1)
_STORED_GB = Decimal("0.1")
_REQUEST_METRICS = (
    metrics.PROBLEMS, metrics.DENIED, metrics.COLD_STARTS, metrics.UNPROVEN, metrics.CONTENDED, metrics.STORE_BUSY,
    metrics.REFUSED, metrics.FAILED,
)  # fmt: skip
PROBE_METRICS = ("ProbeFailed", "ProbeAge", "ProbeDuration", "CertificateDays")
UPKEEP_METRICS = ("UpkeepFailed", "RotationDue", "RotationOverdue", "DataKeysDue", "UpkeepAge")


class Part(NamedTuple):
    """A line of the fixed part."""

    about: str
    use: Use


def count_alarm_metrics(expanded: Template) -> Mapping[str, int]:
    """Return the number of metrics that each alarm watches: a metric-math alarm pays for every metric in it."""
    return {
        name: sum("MetricStat" in query for query in alarm["Properties"].get("Metrics", [])) or 1
        for name, alarm in _of_type(expanded, "AWS::CloudWatch::Alarm").items()
    }


def list_parts(expanded: Template, service: Service) -> list[Part]:
    """List what a stage uses a month before anybody reads it."""
    return [
        *_kept(expanded),
        _alarms(expanded),
        *_watched(expanded),
        *_scheduled(expanded, service),
        Part("a GB of logs scanned by the dashboard and saved queries", {"log_gb_scanned": _SCANNED_GB}),
    ]


def standing(template: Template) -> Use:
    """The parts that no metric shows: keys, dashboards, alarms, metrics. The template may be a SAM template."""
    return add(*(part.use for part in (*_kept(template), _alarms(template), *_watched(template))))


def fixed(expanded: Template, service: Service) -> Use:
    """The sum of the parts."""
    return add(*(part.use for part in list_parts(expanded, service)))


def by_version(expanded: Template) -> Use:
    """The part of the fixed part that judges new versions: metrics in the alarms of a canary, and two by version."""
    alarms = count_alarm_metrics(expanded).items()
    watched = sum(many for name, many in alarms if name.startswith("Canary"))
    return {"alarm_metrics": Decimal(watched), "custom_metrics": Decimal(2)}


def _kept(expanded: Template) -> list[Part]:
    keys = len(_of_type(expanded, "AWS::KMS::Key"))
    boards = len(_of_type(expanded, "AWS::CloudWatch::Dashboard"))
    stored = {"table_gb": _STORED_GB, "table_backup_gb": _STORED_GB}
    return [
        Part(f"KMS keys: {keys}", {"kms_keys": Decimal(keys)}),
        Part(f"dashboards: {boards}", {"dashboards": Decimal(boards)}),
        Part(f"table: {_STORED_GB} GB, and its point-in-time recovery", stored),
    ]


def _alarms(expanded: Template) -> Part:
    watched = count_alarm_metrics(expanded)
    many = sum(watched.values())
    return Part(f"alarms: {len(watched)}, which watch {many} metrics", {"alarm_metrics": Decimal(many)})


def _watched(expanded: Template) -> list[Part]:
    """Custom metrics, as if each were written in every hour, and API Gateway's metrics by route."""
    filters = len(_of_type(expanded, "AWS::Logs::MetricFilter"))
    probe = len(PROBE_METRICS) if "Probe" in expanded["Resources"] else 0
    own = len(_REQUEST_METRICS) + _CODES + 2 + filters + probe + len(UPKEEP_METRICS)
    detailed = detailed_metrics(expanded)
    parts = [Part(f"custom metrics: at most {own}", {"custom_metrics": Decimal(own)})]
    return parts + [
        Part(f"detailed metrics of {_ROUTES} routes: {many}", {name: many}) for name, many in detailed.items()
    ]


def detailed_metrics(expanded: Template) -> Use:
    """API Gateway's metrics by route, if the stage of the API has them."""
    settings = [each for stage in expanded["Resources"].values() for each in _list_settings(stage)]
    if any(each.get("MetricsEnabled") is True for each in settings):
        return {"custom_metrics": Decimal(_ROUTES * _METRICS_A_ROUTE)}
    return {}


def _list_settings(resource: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The settings by method of the API's stage, which SAM keeps with the API."""
    found: list[Mapping[str, Any]] = resource.get("Properties", {}).get("MethodSettings", [])
    return found


def _scheduled(expanded: Template, service: Service) -> list[Part]:
    """The probe every minute, which asks for a snapshot; a heartbeat every five minutes, a write; upkeep once a day."""
    days, probes = service.of.days, _MINUTES * service.of.days
    beats, resources = probes // _HEARTBEAT_MINUTES, expanded["Resources"]
    found: list[Part] = []
    if _is_on(resources, "ProbeSchedule"):
        probe = add(service.snapshot(), _run(service, resources["Probe"], _PROBE_MS))
        found.append(Part(f"probe: {probes:,} runs", times(probe, probes)))
    if _is_on(resources, "HeartbeatSchedule"):
        beat = add(service.commit(), _run(service, resources["Upkeep"], _PROBE_MS))
        found.append(Part(f"heartbeat: {beats:,} writes", times(beat, beats)))
    if _is_on(resources, "UpkeepSchedule"):
        upkeep = add(_run(service, resources["Upkeep"], _UPKEEP_MS), {"events": Decimal(1)})
        found.append(Part(f"upkeep: {days} runs of {_UPKEEP_MS / 1000:f} s", times(upkeep, days)))
    return found


def _is_on(resources: Mapping[str, Any], rule: str) -> bool:
    return rule in resources and bool(resources[rule]["Properties"]["State"] == "ENABLED")


def _run(service: Service, function: Mapping[str, Any], milliseconds: Decimal) -> Use:
    return add(service.invoked(milliseconds, function["Properties"]["MemorySize"]), service.logged(_EMF_BYTES))


def _of_type(template: Template, kind: str) -> dict[str, Any]:
    return {name: each for name, each in template["Resources"].items() if each["Type"] == kind}
