"""The composition root of the function Upkeep, whose handler is `configsvc.scheduled.upkeep.handler`.

Its rules send `{"task": "upkeep"}` every day and `{"task": "heartbeat"}` every few minutes. Importing it creates no
client and reads no setting: both wait for the first invocation.
"""

from __future__ import annotations

import os
import sys
import time
from functools import cache, partial
from typing import TYPE_CHECKING

from configsvc import settings
from configsvc.adapters.caches import FixedGrants, RenderedSnapshots
from configsvc.adapters.json_schemas import JsonSchemas
from configsvc.adapters.metrics import JsonLog
from configsvc.adapters.system import SystemClock, SystemRandomness
from configsvc.model.grants import UPKEEP, UPKEEP_GRANTS
from configsvc.scheduled.upkeep_tasks import LambdaContext, UpkeepWorld, run_task
from configsvc.service.engine.ports import Announcer, ServicePorts

if TYPE_CHECKING:
    from configsvc.adapters.dynamo import DynamoRepository


def handler(event: object, context: LambdaContext) -> dict[str, object]:
    """Runs the task that the input names.

    Raises:
        TaskFailed: it failed, and the log has the reason.
        Misconfigured: a variable of the function is missing or wrong.
    """
    return run_task(_open_world(), event, context)


@cache
def _open_world() -> UpkeepWorld:
    from configsvc.adapters.events import AttemptedRuns

    stage = settings.read_upkeep_settings(os.environ)
    service = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
    repository = _open_repository(stage.table)
    ports = _build_ports(stage, repository)
    log = JsonLog(sys.stdout, stage.log_level)
    announcer = AttemptedRuns(partial(_open_events, stage.stack)).open
    return UpkeepWorld(
        partial(_limit_ports, ports, repository), announcer, ports.clock, log, service, stage.probe, stage.rotation_days
    )


def _build_ports(stage: settings.UpkeepSettings, repository: DynamoRepository) -> ServicePorts:
    """Builds the ports of the verbs. There are no administrators: the grants of `system:upkeep` are all it has."""
    grants = FixedGrants(UPKEEP, UPKEEP_GRANTS)
    return ServicePorts(
        repository, SystemClock(), SystemRandomness(), grants, RenderedSnapshots(), (), JsonSchemas(),
        charset=stage.charset,
    )  # fmt: skip


def _open_repository(table: str) -> DynamoRepository:
    from configsvc.adapters.dynamo import DynamoRepository
    from configsvc.adapters.dynamo_calls import translate_errors
    from configsvc.adapters.dynamo_client import connect

    with translate_errors():
        return DynamoRepository(connect(), table)


def _limit_ports(ports: ServicePorts, repository: DynamoRepository, seconds: float) -> ServicePorts:
    deadline = time.monotonic() + seconds
    return ports._replace(repository=repository.within(deadline), deadline=deadline)


def _open_events(stack: str) -> Announcer:
    import boto3
    from botocore.config import Config

    from configsvc.adapters.events import EventBridge

    config = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1})  # EventBridge retries
    return EventBridge(boto3.client("events", config=config), stack, SystemClock(), SystemRandomness())
