"""The service as deployed, with faults: gateway, the real zip in several processes, a faulty store."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4
from zipfile import ZipFile

import boto3

from configsvc.adapters.caches import RecentGrants, RenderedSnapshots
from configsvc.adapters.dynamo import DynamoRepository
from configsvc.adapters.json_schemas import JsonSchemas
from configsvc.adapters.memory import MemoryRepository
from configsvc.adapters.metrics import JsonLog
from configsvc.adapters.system import SystemClock, SystemRandomness
from configsvc.bootstrap import app, build_app
from configsvc.service.engine.ports import Repository, ServicePorts
from infra.packaging.service_zip import Package
from local.clients import make_client_arguments
from local.emulator.launcher import Emulator
from local.emulator.microburst import Microburst
from local.gateway.access import Access
from local.gateway.gateway import Gateway, LoopbackGateway, Target
from local.runtime.function import Runtime
from tests.support.complete.packed import build_lambda_variables, build_variables, list_functions, make_table
from tests.support.journeys.local_stage import Cast, new_cast, stage_before
from tests.support.journeys.texts import Texts
from tests.support.web.apps import PROOF_PARAMETERS, ask_for_proof
from tests.support.web.events import VARIABLES

Alter = Callable[[Path], None]
Tamper = Callable[[Target], Target]


class Stand(NamedTuple):
    """The running parts.

    Args:
        url: of the gateway, with its stage.
        cast: the people with access.
        pids: the live processes of the function.
        rules: sets the faults of the store.
        table: the table itself, bypassing those faults.
    """

    url: str
    cast: Cast
    pids: Callable[[], list[int]]
    rules: Callable[..., None]
    table: Repository


class Parts(NamedTuple):
    """The parts of a rig. `alter` changes the unpacked zip; `tamper` wraps the function for the gateway.

    Args:
        package: the built service.
        emulator: holds the table.
        scratch: an empty folder.
        environments: processes of the function.
    """

    package: Package
    emulator: Emulator
    scratch: Path
    environments: int
    alter: Alter = lambda _: None
    tamper: Tamper = lambda target: target


@contextmanager
def set_up(parts: Parts) -> Iterator[Stand]:
    """Runs everything until the block ends. No rule of the proxy is set yet."""
    cast, table, log = new_cast(), f"storms-{uuid4().hex[:12]}", parts.scratch / "function.log"
    make_table(parts.emulator.url, parts.package.template, table)
    client = boto3.client("dynamodb", **make_client_arguments(parts.emulator.url))
    with ExitStack() as opened:
        store = opened.enter_context(Microburst(parts.emulator.url, log=parts.scratch / "microburst.log"))
        runtime = opened.enter_context(_make_runtime(parts, store, log, table, cast))
        gateway = Gateway(parts.tamper(runtime.invoke), app.routes, _grant_access(cast), VARIABLES)
        listening = opened.enter_context(LoopbackGateway(gateway))
        yield Stand(listening.url, cast, runtime.pids, store.rules, DynamoRepository(client, table))


@contextmanager
def set_up_in_process(table: MemoryRepository, tamper: Tamper) -> Iterator[Stand]:
    """Runs the app in this process over a table in memory: fast, without faults of the store or processes to kill."""
    cast = new_cast()
    ports = ServicePorts(
        table, SystemClock(), SystemRandomness(), RecentGrants(), RenderedSnapshots(), (cast.admin.arn,), JsonSchemas()
    )
    api = build_app(ports.within, JsonLog(Texts(), "error"), ask_for_proof)
    with stage_before(tamper(lambda event: api(event, None)), api.routes, cast) as stage:
        yield Stand(stage.url, cast, list, lambda *_: None, table)


def _make_runtime(parts: Parts, store: Microburst, log: Path, table: str, cast: Cast) -> Runtime:
    directory = parts.scratch / "zip"
    with ZipFile(parts.package.zip) as packed:
        packed.extractall(directory)
    parts.alter(directory)
    refs = {"ConfigTable": table, "Admins": cast.admin.arn, "LogLevel": "info", "ChangeLogDays": "0"}
    given = build_variables(parts.package.template, refs | PROOF_PARAMETERS) | build_lambda_variables(store.url)
    handler = list_functions(parts.package.template)["APIHandler"]["Handler"]
    return Runtime(
        directory=directory, handler=handler, log=log, variables=given, processes=parts.environments, timeout=15.0
    )


def _grant_access(cast: Cast) -> Access:
    return Access(cast.keys, cast.identities)
