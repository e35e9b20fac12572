"""The report line of the scheduled upkeep, with its metrics, and the error that makes Lambda count a failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from configsvc.adapters.metrics import Unit, measure
from configsvc.service.verbs.upkeep_everywhere import UpkeepTally

LISTED = 15
"""Items of each list of a line: beyond that they are only counted, so that a line with all its items has at most 200
fields (CloudWatch Logs user guide, "Supported logs and discovered fields"). Queries see no others."""

Item = TypeVar("Item")


class TaskFailed(Exception):
    """The task failed and has written its line. Lambda counts the invocation in its metric `Errors`."""


def describe_tally(tally: UpkeepTally) -> dict[str, object]:
    """Returns the members of the report line: counts, then what failed, what is due, and which data keys."""
    failed = [{"namespace": name, "code": code} for name, code in sorted(tally.failed.items(), key=_order)]
    days = sorted(tally.days, key=lambda each: (each.rotate_by, each.namespace))
    rotations = [
        {"namespace": each.namespace, "rotate_by": each.rotate_by, "keys": each.number, "first": each.first}
        for each in days
    ]
    data_keys = [{"namespace": each.namespace, "kid": each.kid, "why": list(each.why)} for each in tally.data_keys]
    return {
        "namespaces": tally.namespaces, "skipped": tally.skipped, "left": tally.left,
        "log_pruned": tally.log_pruned, "keys_purged": tally.keys_purged, "versions_pruned": tally.versions_pruned,
        "rotation_due": tally.rotation_due, "rotation_overdue": tally.rotation_overdue,
        "data_keys_due": len(data_keys),
        **_cut("failed", failed), **_cut("rotations", rotations), **_cut("data_keys", data_keys),
    }  # fmt: skip


def _order(item: tuple[str | None, str]) -> str:
    return item[0] or ""


def _cut(name: str, items: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """Returns the first items, and how many are not listed, if any."""
    more = {f"{name}_not_listed": len(items) - LISTED} if len(items) > LISTED else {}
    return {name: list(items[:LISTED]), **more}


def measure_tally(service: str, milliseconds: int, tally: UpkeepTally) -> dict[str, object]:
    """Returns the metrics of an upkeep."""
    counts: dict[str, tuple[float, Unit]] = {
        "UpkeepFailed": (tally.failures, "Count"),
        "RotationDue": (tally.rotation_due, "Count"),
        "RotationOverdue": (tally.rotation_overdue, "Count"),
        "DataKeysDue": (len(tally.data_keys), "Count"),
    }
    return measure(service, milliseconds, counts)


def measure_age(service: str, milliseconds: int, seconds: float) -> dict[str, object]:
    """Returns the metric of a heartbeat: seconds since the last completed upkeep."""
    return measure(service, milliseconds, {"UpkeepAge": (round(seconds, 3), "Seconds")})
