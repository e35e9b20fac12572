"""The service behind the stub: its real zip under awslambdaric, with a table that answers at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from zipfile import ZipFile

from bench.client.wire import Asked, Told
from bench.stub_dynamodb import StubDynamoDb
from bench.stub_dynamodb import serve as dynamodb
from configsvc.adapters.caches import RecentGrants, RenderedSnapshots
from configsvc.adapters.json_schemas import JsonSchemas
from configsvc.adapters.memory import MemoryRepository
from configsvc.adapters.system import SystemClock, SystemRandomness
from configsvc.bootstrap import app
from configsvc.model.change_set import ChangeSet, Put
from configsvc.model.grants import Grant
from configsvc.model.snapshot import SealedSnapshot
from configsvc.service.engine.ports import Caller, ServicePorts
from configsvc.service.verbs.change_sets import commit_change_set
from configsvc.service.verbs.data_keys import add_data_key
from configsvc.service.verbs.grants import set_grants
from configsvc.service.verbs.namespaces import NamespaceWanted, create_namespace
from infra.packaging.platforms import find_local
from infra.packaging.service_zip import package
from local.gateway.access import Access
from local.gateway.gateway import Gateway
from local.gateway.signature import Request
from local.paths import ROOT
from local.runtime.function import Runtime
from tests.support.complete.packed import build_lambda_variables, build_variables, read_configuration
from tests.support.web.apps import PROOF_PARAMETERS
from tests.support.web.events import VARIABLES

_ADMIN = "arn:aws:iam::123456789012:role/Bench"
_CALLER = Caller("api-key:bench", _ADMIN, _ADMIN, "127.0.0.1", "bench", "bench")


class Behind:
    """API Gateway in front of the function, whose environment is warm or is started for the next request.

    Args:
        gateway: in front of the runtime.
        runtime: of one environment.
    """

    def __init__(self, gateway: Gateway, runtime: Runtime) -> None:
        self._gateway, self._runtime = gateway, runtime

    def cool(self) -> None:
        """The next request finds no environment, as after a deployment or some idle minutes."""
        self._runtime.cool()

    def answer(self, asked: Asked) -> Told:
        """Return the service's answer. Raises RuntimeError on an error, which would be measured instead."""
        headers = {name: [value] for name, value in asked.headers.items()}
        made = self._gateway.answer(Request(asked.method, asked.path, "", headers, asked.body))
        if made.status != HTTPStatus.OK:
            raise RuntimeError(f"The service answered {made.status}: {made.body[:500]!r}")
        return Told(made.status, dict(made.headers), made.body)


@contextmanager
def behind(scratch: Path, api_key: str, snapshot: SealedSnapshot) -> Iterator[Behind]:
    """The service with one namespace, which the API key may read."""
    built = package(ROOT, scratch / "built", find_local())
    with ZipFile(built.zip) as packed:
        packed.extractall(scratch / "service")
    refs = {"ConfigTable": "bench", "Admins": _ADMIN, "LogLevel": "info", "ChangeLogDays": "0", **PROOF_PARAMETERS}
    with (
        dynamodb(StubDynamoDb(_fill_repository(snapshot))) as url,
        Runtime(
            directory=scratch / "service",
            log=scratch / "service.log",
            variables=build_variables(built.template, refs) | build_lambda_variables(url),
            **read_configuration(built.template),
        ) as runtime,
    ):
        yield Behind(Gateway(runtime.invoke, app.routes, Access({api_key: "bench"}, {}), VARIABLES), runtime)


def _fill_repository(snapshot: SealedSnapshot) -> MemoryRepository:
    repository = MemoryRepository()
    ports = ServicePorts(
        repository, SystemClock(), SystemRandomness(), RecentGrants(3600), RenderedSnapshots(), (_ADMIN,), JsonSchemas()
    )
    for principal, grant in (("api-key:bench", Grant(("read",), ("*",))), (_ADMIN, Grant(("write",), ("*",)))):
        set_grants(ports, _CALLER, principal, (grant,), None)
        ports.grants.forget(principal)
    create_namespace(ports, _CALLER, snapshot.namespace, NamespaceWanted(), None)
    for data_key in snapshot.data_keys:
        add_data_key(ports, _CALLER, snapshot.namespace, data_key, None)
    puts = tuple(Put(each.key, each.form, each.content_type, each.value) for each in snapshot.entries)
    commit_change_set(ports, _CALLER, snapshot.namespace, ChangeSet(puts), None)
    return repository
