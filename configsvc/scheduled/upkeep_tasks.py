"""The tasks of the function Upkeep, over ports: `upkeep` every day, `heartbeat` every few minutes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from configsvc.adapters.metrics import JsonLog
from configsvc.adapters.system import to_moment
from configsvc.model.errors import ConfigsvcError, Internal
from configsvc.model.grants import Principal
from configsvc.model.names import PROBE_NAMESPACE, UPKEEP_KEY, Namespace
from configsvc.scheduled import upkeep_report as report
from configsvc.scheduled.upkeep_report import TaskFailed
from configsvc.service.engine.ports import Announcer, Caller, ServiceClock, ServicePorts, WallMoment
from configsvc.service.engine.retention import DAY
from configsvc.service.verbs import heartbeat
from configsvc.service.verbs.due import DueDays
from configsvc.service.verbs.upkeep_everywhere import (
    CALL_SECONDS,
    UpkeepRun,
    UpkeepTally,
    make_caller,
    run_upkeep_everywhere,
)
from configsvc.web.handling import describe_fault

RESERVE_SECONDS = 60.0
"""With fewer seconds left of the invocation, no new work begins: a call may take half of that."""

HEARTBEAT_SECONDS = 20.0
"""Seconds for a heartbeat: it takes 20 ms, and the next one comes in five minutes."""

FAULT_LINES = 20
"""Lines about single namespaces that one run writes; beyond that they are only in the report."""


class LambdaContext(Protocol):
    """The needed part of Lambda's context object (AWS Lambda developer guide, "Lambda context object in Python")."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Returns the milliseconds before Lambda ends the invocation."""


class UpkeepWorld(NamedTuple):
    """Everything that the tasks may use.

    Args:
        within: returns the ports for a call that must end within so many seconds.
        announcer: returns what sends the due rotations in an attempt of the invocation with that request id.
        clock: of the ports.
        log: takes the lines.
        service: the function's name, the dimension of the metrics.
        probe: the principal of the probe's API key, if there is one.
        rotation_days: how many days before its date a value is reported.
    """

    within: Callable[[float], ServicePorts]
    announcer: Callable[[str], Announcer]
    clock: ServiceClock
    log: JsonLog
    service: str
    probe: Principal | None
    rotation_days: int


def run_task(world: UpkeepWorld, event: object, context: LambdaContext) -> dict[str, object]:
    """Runs the task that the event names; answers `{"task", "failed"}`, of interest to those who invoke it by hand.

    Raises:
        TaskFailed: it failed, and has written its line; or there is no such task.
    """
    task = event.get("task") if isinstance(event, Mapping) else None
    if task == "upkeep":
        return _run_upkeep(world, context)
    if task == "heartbeat":
        return _run_heartbeat(world, context)
    world.log.line("error", task=None, code="unknown_task")
    raise TaskFailed('The input names no task of this function. Send {"task": "upkeep"} or {"task": "heartbeat"}.')


def choose_days(now: WallMoment, rotation_days: int) -> DueDays:
    """Returns today and the last day that is near, in UTC."""
    return DueDays(now.text[:10], to_moment(now.seconds + rotation_days * DAY).text[:10])


def _run_upkeep(world: UpkeepWorld, context: LambdaContext) -> dict[str, object]:
    began, caller = world.clock.monotonic(), make_caller(context.aws_request_id)
    run = UpkeepRun(
        world.within, world.announcer(context.aws_request_id),
        lambda: context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS,
        choose_days(world.clock.now(), world.rotation_days), caller, FaultLines(world.log, "upkeep").note,
    )  # fmt: skip
    tally = run_upkeep_everywhere(run)
    _leave_mark(run, tally, world.clock.now(), caller)
    level, spent = "error" if tally.failures else "info", round((world.clock.monotonic() - began) * 1000)
    about = {"task": "upkeep", **report.describe_tally(tally), "duration_ms": spent, **_name_request(context)}
    metrics = report.measure_tally(world.service, _get_milliseconds(world), tally)
    world.log.line(level, **about, **metrics)
    if tally.failures:
        raise TaskFailed(
            f"{tally.failures} of {tally.namespaces} namespaces failed or were left. The report line names them."
        )
    return {"task": "upkeep", "failed": 0}


def _leave_mark(run: UpkeepRun, tally: UpkeepTally, now: WallMoment, caller: Caller) -> None:
    """Records that an upkeep completed: it went through all namespaces, though some may have failed."""
    if tally.left or None in tally.failed:
        return
    try:
        done = {"at": now.text, "failed": len(tally.failed)}
        heartbeat.leave_mark(run.within(CALL_SECONDS), caller, UPKEEP_KEY, done)
    except Exception as error:  # noqa: BLE001  # the report must be written
        tally.failed.setdefault(PROBE_NAMESPACE, _get_code(error))
        run.note_fault(PROBE_NAMESPACE, error)


def _run_heartbeat(world: UpkeepWorld, context: LambdaContext) -> dict[str, object]:
    caller = make_caller(context.aws_request_id)
    try:
        age = heartbeat.beat(world.within(HEARTBEAT_SECONDS), caller, world.probe)
    except Exception as error:  # noqa: BLE001  # whatever it is, the line is written and the invocation fails
        line = {"task": "heartbeat", "namespace": PROBE_NAMESPACE, "code": _get_code(error)}
        world.log.line("error", **line, **describe_fault(error), **_name_request(context))
        failed = TaskFailed(f"The heartbeat could not be written: {_get_code(error)}. The log line says why.")
    else:
        metrics = report.measure_age(world.service, _get_milliseconds(world), age)
        world.log.line("info", task="heartbeat", **_name_request(context), **metrics)
        return {"task": "heartbeat", "failed": 0}
    raise failed  # outside of the handler: Lambda prints an error with its context, whose text may have a value


class FaultLines:
    """Writes a line for each namespace that fails, up to a limit."""

    def __init__(self, log: JsonLog, task: str) -> None:
        self._log, self._task = log, task
        self._left = FAULT_LINES

    def note(self, namespace: Namespace | None, error: Exception) -> None:
        """Writes the line, if there is room for another."""
        self._left -= 1
        if self._left >= 0:
            line = {"task": self._task, "namespace": namespace, "code": _get_code(error)}
            self._log.line("error", **line, **describe_fault(error))


def _get_code(error: Exception) -> str:
    return error.code if isinstance(error, ConfigsvcError) else Internal.code


def _get_milliseconds(world: UpkeepWorld) -> int:
    return int(world.clock.now().seconds * 1000)


def _name_request(context: LambdaContext) -> dict[str, object]:
    return {"request_id": context.aws_request_id}
