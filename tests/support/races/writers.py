"""Many writers on one namespace, each of whom retries refused writes with the same Idempotency-Key."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from configsvc.adapters.caches import RecentGrants, RenderedSnapshots
from configsvc.adapters.json_schemas import JsonSchemas
from configsvc.adapters.system import SystemClock, SystemRandomness
from configsvc.model import names
from configsvc.model.change_set import Put
from configsvc.model.errors import Contended, Unavailable
from configsvc.model.grants import Grant
from configsvc.service.engine.ports import Caller, Idempotency, Repository, ServicePorts, WriteOutcome
from configsvc.service.verbs.grants import set_grants
from configsvc.service.verbs.keys import put_key
from configsvc.service.verbs.namespaces import NamespaceWanted, create_namespace
from tests.support.service.world import ADMIN, DEVELOPER, NS, READER, ROLES

WRITERS = 8
WRITES = 50
TRIES = 100


def make_service(repository: Repository) -> ServicePorts:
    """Makes a separate service on a shared table, like another warm Lambda function."""
    admins = (ROLES + "Admin",)
    return ServicePorts(
        repository, SystemClock(), SystemRandomness(), RecentGrants(), RenderedSnapshots(), admins, JsonSchemas()
    )


def prepare(repository: Repository) -> None:
    ports = make_service(repository)
    set_grants(ports, ADMIN, ROLES + "Developer", (Grant(("write",), ("*",)),), None)
    set_grants(ports, ADMIN, "api-key:readerkey", (Grant(("read",), ("*",)),), None)
    create_namespace(ports, ADMIN, NS, NamespaceWanted(), None)


def run_writers(repository: Callable[[], Repository], keys: int) -> list[WriteOutcome]:
    """Runs all writers over `keys` keys that they share, and returns the answers."""
    start = Barrier(WRITERS)

    def writer(number: int) -> list[WriteOutcome]:
        ports = make_service(repository())
        start.wait()
        return [_write(ports, number, each, keys) for each in range(WRITES)]

    with ThreadPoolExecutor(WRITERS) as pool:
        return [outcome for outcomes in pool.map(writer, range(WRITERS)) for outcome in outcomes]


def _write(ports: ServicePorts, writer: int, number: int, keys: int) -> WriteOutcome:
    name = f"{writer}-{number}"
    wanted = Put(names.parse_key(f"k{number % keys}"), "plain", "text/plain", name)
    return _put_persistently(ports, DEVELOPER, wanted, Idempotency(name, "PUT", "/", name))


def _put_persistently(ports: ServicePorts, who: Caller, wanted: Put, once: Idempotency) -> WriteOutcome:
    for _ in range(TRIES):
        try:
            return put_key(ports, who, NS, wanted, "", once)
        except (Contended, Unavailable):
            continue
    raise AssertionError(f"unavailable {TRIES} times")


__all__ = ["NS", "READER", "WRITERS", "WRITES", "make_service", "prepare", "run_writers"]
