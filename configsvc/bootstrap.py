"""The composition root, which wires all parts together.

Importing it reads the log level and creates no client. Settings and DynamoDB are loaded by the first request that needs
them, so packaging and health checks need no region, no credentials and no table. On Lambda, DynamoDB's client is
created at once: most of a cold start is botocore, and a function that is started in advance has that done already.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from configsvc import settings
from configsvc.adapters.caches import RecentGrants, RenderedSnapshots
from configsvc.adapters.json_schemas import JsonSchemas
from configsvc.adapters.metrics import JsonLog, Metrics
from configsvc.adapters.system import Aside, Elapsed, SystemClock, SystemRandomness
from configsvc.service.engine.ports import ServicePorts, StoreUnavailable
from configsvc.service.engine.records import RetentionSettings
from configsvc.web import routes
from configsvc.web.api import RestApi
from configsvc.web.arrival import Proof
from configsvc.web.handling import Log, RequestHandler

if TYPE_CHECKING:
    from configsvc.adapters.dynamo import DynamoRepository


_INIT_SECONDS = 5.0
"""Lambda allows ten seconds (AWS Lambda developer guide, "Lambda execution environment lifecycle")."""


def build_app(
    ports: Callable[[float], ServicePorts],
    log: Log,
    proof: Callable[[], Proof],
    monotonic: Callable[[], float] = time.monotonic,
    elapsed: Callable[[], float] | None = None,
) -> RestApi:
    """Builds the API over these ports.

    Args:
        ports: returns the ports for the verbs; called with the seconds that a request has left.
        log: receives one line per request.
        proof: returns the proof that the gateway must send; called with the first request.
        monotonic: seconds of a clock that never goes back.
        elapsed: elapsed seconds, including the time that the process was frozen.
    """
    api = RestApi(RequestHandler(log, monotonic), ports, proof, monotonic)
    routes.declare(api, elapsed or Elapsed())
    return api


@cache
def _load_stage() -> settings.StageSettings:
    return settings.read_settings(os.environ)


@cache
def _load_proof() -> Proof:
    return Proof(_load_stage().proofs, _load_stage().proof_enforced)


@cache
def _open_store() -> Aside[DynamoRepository]:
    """Creates the client in a thread, because asking a credential provider may take too long for the request."""

    def make() -> DynamoRepository:
        from configsvc.adapters.dynamo import DynamoRepository
        from configsvc.adapters.dynamo_calls import translate_errors
        from configsvc.adapters.dynamo_client import connect

        with translate_errors():
            return DynamoRepository(connect(), table)

    table = _load_stage().table
    return Aside(make)


@cache
def _build_lasting_ports(repository: DynamoRepository) -> ServicePorts:
    stage = _load_stage()
    grants, snapshots = RecentGrants(), RenderedSnapshots()
    retention = RetentionSettings(log_days=stage.change_log_days)
    return ServicePorts(
        repository, SystemClock(), SystemRandomness(), grants, snapshots, stage.admins, JsonSchemas(), retention,
        stage.charset,
    )  # fmt: skip


def _build_ports(seconds: float) -> ServicePorts:
    deadline = time.monotonic() + seconds
    try:
        repository = _open_store().result(seconds)
    except TimeoutError:
        raise StoreUnavailable(
            "The service does not have credentials for its table yet. Try again.", retry_after=1
        ) from None
    return _build_lasting_ports(repository)._replace(repository=repository.within(deadline), deadline=deadline)


def _build_log() -> JsonLog:
    function = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")  # set by Lambda; there are no metrics elsewhere
    version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
    metrics = Metrics(function, lambda: time.time_ns() // 1_000_000, version) if function else None
    return JsonLog(sys.stdout, settings.parse_log_level(os.environ) or "info", metrics)


def _prepare() -> None:
    """Opens the store in advance. If that fails or is slow, the first request tries again and reports the error."""
    if os.environ.get("AWS_LAMBDA_FUNCTION_NAME"):
        with suppress(Exception):
            _open_store().result(_INIT_SECONDS)


app = build_app(_build_ports, _build_log(), _load_proof)
_prepare()
