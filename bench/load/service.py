"""The service under load: its real zip in several awslambdaric processes behind the loopback gateway."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, NamedTuple
from zipfile import ZipFile

from bench.load.counted import CountedDynamoDb
from bench.load.plan import Plan
from bench.stub_dynamodb import serve
from configsvc.bootstrap import app
from infra.packaging.service_zip import Package
from local.gateway.gateway import Target
from local.runtime.function import Runtime
from tests.support.complete.packed import build_lambda_variables, build_variables, read_configuration
from tests.support.journeys.api import Api
from tests.support.journeys.local_stage import new_cast, stage_before
from tests.support.journeys.sealing import DataKey
from tests.support.journeys.stage import Stage, api_key_principal, iam_principal
from tests.support.journeys.story import Story
from tests.support.web.apps import PROOF_PARAMETERS

_NAMESPACES = "load.*"
_VALUE = "x" * 64


class Filled(NamedTuple):
    """A namespace with sealed values, each at version 1."""

    story: Story
    data_key: DataKey
    keys: list[str]


class Service(NamedTuple):
    """The running service, with the table's counts."""

    stage: Stage
    table: CountedDynamoDb


@contextmanager
def run_service(built: Package, scratch: Path, processes: int) -> Iterator[Service]:
    """The service while it runs, its people granted what they need.

    Args:
        built: the service's zip and template.
        scratch: an empty folder: the unpacked zip, and the log.
        processes: execution environments.
    """
    with ZipFile(built.zip) as packed:
        packed.extractall(scratch / "task")
    table, cast = CountedDynamoDb(), new_cast()
    refs = {
        "ConfigTable": "load",
        "Admins": cast.admin.arn,
        "LogLevel": "info",
        "ChangeLogDays": "0",
        **PROOF_PARAMETERS,
    }
    with (
        serve(table) as dynamodb,
        Runtime(
            directory=scratch / "task",
            log=scratch / "log",
            variables=build_variables(built.template, refs) | build_lambda_variables(dynamodb),
            processes=processes,
            **read_configuration(built.template),
        ) as runtime,
        stage_before(_wait_for_environment(runtime.invoke, processes), app.routes, cast) as stage,
    ):
        _grant(stage)
        yield Service(stage, table)


def fill_namespaces(stage: Stage, plan: Plan) -> list[Filled]:
    """The namespaces of the run."""
    return [_fill_namespace(stage, f"load.n{number:02}", plan.entries) for number in range(plan.namespaces)]


def _fill_namespace(stage: Stage, namespace: str, entries: int) -> Filled:
    story = Story(Api(stage.url, stage.region), stage, namespace)
    story.create()
    found = Filled(story, story.add_data_key(), [f"key.{number:02}" for number in range(entries)])
    for key in found.keys:
        story.seal(found.data_key, key, 1, _VALUE).json()
    return found


def _wait_for_environment(target: Target, processes: int) -> Target:
    """An event waits for a free environment, where Lambda would start one more: this computer has no more to give."""
    free = BoundedSemaphore(processes)

    def run(event: dict[str, Any]) -> dict[str, Any]:
        with free:
            return target(event)

    return run


def _grant(stage: Stage) -> None:
    api = Api(stage.url, stage.region)
    readers = [api_key_principal(each) for each in (stage.reader, stage.writer, stage.admin)]
    granted = {principal: ["read"] for principal in readers} | {
        iam_principal(stage.writer): ["write"],
        iam_principal(stage.admin): ["admin", "write"],
    }
    for principal, actions in granted.items():
        body = {"grants": [{"actions": actions, "namespaces": [_NAMESPACES]}]}
        api.send("PUT", "/v1/grants", stage.admin, body, query={"principal": principal}).json()
