"""The function Upkeep over the table in memory, with a clock moved by hand, and the lines and events it makes."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from configsvc.adapters.caches import FixedGrants
from configsvc.adapters.events import AttemptedRuns, Entry, EventBridge
from configsvc.adapters.metrics import JsonLog
from configsvc.model.grants import UPKEEP, UPKEEP_GRANTS, parse_api_key_id
from configsvc.scheduled.upkeep_report import TaskFailed
from configsvc.scheduled.upkeep_tasks import UpkeepWorld, run_task
from configsvc.service.engine.ports import ServiceClock, ServicePorts
from tests.support.service.fakes import FakeChance

PROBE = parse_api_key_id("probekey")
SERVICE = "configsvc-tests-upkeep"
MILLISECONDS = 900_000


class Bus:
    """EventBridge's client: keeps what it accepts, and refuses what the test asks it to."""

    def __init__(self) -> None:
        self.calls: list[list[Entry]] = []
        self.accepted: list[Entry] = []
        self.refusals: list[Exception | set[int]] = []

    def put_events(self, *, Entries: Sequence[Entry]) -> Mapping[str, Any]:  # noqa: N803  # boto3's name
        self.calls.append(list(Entries))
        refused = self.refusals.pop(0) if self.refusals else set[int]()
        if isinstance(refused, Exception):
            raise refused
        answers = [
            {"ErrorCode": "ThrottlingException"} if number in refused else {"EventId": str(number)}
            for number, _ in enumerate(Entries)
        ]
        self.accepted += [entry for number, entry in enumerate(Entries) if number not in refused]
        return {"FailedEntryCount": len(refused), "Entries": answers}

    def details(self) -> list[dict[str, Any]]:
        return [json.loads(each["Detail"]) for each in self.accepted]


class Invocation:
    """Lambda's context: the time that is left, by the clock of the test."""

    def __init__(self, clock: ServiceClock, milliseconds: float = MILLISECONDS, number: int = 0) -> None:
        self.aws_request_id = f"7f1f9a6c-0000-4000-8000-{number:012}"
        self._clock, self._end = clock, clock.monotonic() * 1000 + milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self._end - self._clock.monotonic() * 1000)


class Upkeep:
    """The function, beside a service with these ports."""

    def __init__(self, ports: ServicePorts, rotation_days: int = 14) -> None:
        self.bus, self.text = Bus(), io.StringIO()
        self.ports = ports._replace(grants=FixedGrants(UPKEEP, UPKEEP_GRANTS), admins=())
        self._rotation_days = rotation_days
        self._number = 0
        self._attempts = AttemptedRuns(lambda: EventBridge(self.bus, "configsvc-tests", ports.clock, FakeChance()))

    def invoke(self, task: object, milliseconds: float = MILLISECONDS) -> dict[str, object]:
        self._number += 1
        return self.repeat(task, milliseconds)

    def repeat(self, task: object, milliseconds: float = MILLISECONDS) -> dict[str, object]:
        """Invokes a task under the last request id, as Lambda does after a failure."""
        return run_task(self._make(), {"task": task}, Invocation(self.ports.clock, milliseconds, self._number))

    def fail(self, task: object, milliseconds: float = MILLISECONDS) -> str:
        """Invokes a task that fails; returns the error's text."""
        try:
            self.invoke(task, milliseconds)
        except TaskFailed as error:
            return str(error)
        raise AssertionError("it did not fail")

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(each) for each in self.text.getvalue().splitlines()]

    def report(self) -> dict[str, Any]:
        """Returns the last line."""
        return self.lines()[-1]

    def _make(self) -> UpkeepWorld:
        clock = self.ports.clock
        return UpkeepWorld(
            self._limit, self._attempts.open, clock, JsonLog(self.text, "info"), SERVICE, PROBE, self._rotation_days
        )

    def _limit(self, seconds: float) -> ServicePorts:
        return self.ports.within(seconds)
