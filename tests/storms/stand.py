"""The service as it is deployed, within reach of faults: gateway, the real zip in several processes, a faulty store."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4
from zipfile import ZipFile

import boto3

from configsvc.adapters.dynamo import DynamoRepository
from configsvc.bootstrap import app
from infra.package import Package
from local.clients import client_arguments
from local.emulator import Emulator
from local.gateway import Gateway, LoopbackGateway, Target
from local.gateway_access import Access
from local.microburst import Microburst
from local.runtime import Runtime
from tests.complete.packed import functions, given_by_lambda, make_table, variables
from tests.journeys.local_stage import Cast, new_cast
from tests.web.apps import PROOF_PARAMETERS
from tests.web.events import VARIABLES

Alter = Callable[[Path], None]
Tamper = Callable[[Target], Target]


class Stand(NamedTuple):
    """What runs.

    Args:
        url: of the gateway, with its stage.
        cast: who may ask it.
        runtime: the execution environments.
        store: the proxy between them and the table.
        table: the table itself, past the proxy.
        log: what the environments wrote.
    """

    url: str
    cast: Cast
    runtime: Runtime
    store: Microburst
    table: DynamoRepository
    log: Path


class Parts(NamedTuple):
    """What a stand is made of; `alter` changes the unpacked zip, `tamper` stands between gateway and function.

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
def stand(parts: Parts) -> Iterator[Stand]:
    """It runs until the block ends; no rule of the proxy is set yet."""
    cast, table, log = new_cast(), f"storms-{uuid4().hex[:12]}", parts.scratch / "function.log"
    make_table(parts.emulator.url, parts.package.template, table)
    client = boto3.client("dynamodb", **client_arguments(parts.emulator.url))
    with ExitStack() as opened:
        store = opened.enter_context(Microburst(parts.emulator.url, log=parts.scratch / "microburst.log"))
        runtime = opened.enter_context(_runtime(parts, store, log, table, cast))
        gateway = Gateway(parts.tamper(runtime.invoke), app.routes, _access(cast), VARIABLES)
        listening = opened.enter_context(LoopbackGateway(gateway))
        yield Stand(listening.url, cast, runtime, store, DynamoRepository(client, table), log)


def _runtime(parts: Parts, store: Microburst, log: Path, table: str, cast: Cast) -> Runtime:
    directory = parts.scratch / "zip"
    with ZipFile(parts.package.zip) as packed:
        packed.extractall(directory)
    parts.alter(directory)
    refs = {"ConfigTable": table, "Admins": cast.admin.arn, "LogLevel": "info", "ChangeLogDays": "0"}
    given = variables(parts.package.template, refs | PROOF_PARAMETERS) | given_by_lambda(store.url)
    handler = functions(parts.package.template)["APIHandler"]["Handler"]
    return Runtime(
        directory=directory, handler=handler, log=log, variables=given, processes=parts.environments, timeout=15.0
    )


def _access(cast: Cast) -> Access:
    return Access(cast.keys, cast.identities)
