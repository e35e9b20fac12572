"""The service in process behind the loopback gateway, with a KMS beside it: what an Admin and the CLI talk to here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from configsvc.adapters.caches import RecentGrants, RenderedSnapshots
from configsvc.adapters.json_schemas import JsonSchemas
from configsvc.adapters.memory import MemoryRepository
from configsvc.adapters.metrics import JsonLog
from configsvc.adapters.system import SystemClock, SystemRandomness, to_moment
from configsvc.bootstrap import build_app
from configsvc.model import errors
from configsvc.service.engine.ports import ServicePorts, WallMoment
from configsvc_client.admin import Admin, Grant, from_environ
from local.gateway.access import Access, Identity
from local.gateway.gateway import Gateway, LoopbackGateway
from tests.support.admin.kms_server import KMS_KEY, KmsServer, kms_server
from tests.support.journeys.texts import Texts
from tests.support.web.apps import ask_for_proof
from tests.support.web.events import VARIABLES

REGION = "us-east-1"
PEOPLE = ("admin", "writer", "reader", "owner")
FOUNDER = "founder"  # an administrator by the stage's setting, without a grant


class WrongClock(SystemClock):
    """The system's clock, some seconds behind."""

    behind = 0.0

    def now(self) -> WallMoment:
        return to_moment(super().now().seconds - self.behind)


class Loopback(NamedTuple):
    """A running service. `requests` are those that passed the gateway; `log` is what the service logged, `table`
    what it stores: whoever has the rights on the table writes there. `keys` and `identities` are whom the gateway lets
    in: the id of each API key by its value, and IAM identities by access key.
    """

    url: str
    kms: KmsServer
    requests: list[str]
    log: Texts
    failing: list[Callable[[], None]]
    opened: list[Admin]
    clock: WrongClock
    table: MemoryRepository
    keys: dict[str, str]
    identities: dict[str, Identity]

    def environ(self, who: str, *namespaces: str) -> dict[str, str]:
        """Returns the environment of a person's shell."""
        return {
            "CONFIGSVC_URL": self.url,
            "CONFIGSVC_API_KEY": f"value-of-{who}",
            "CONFIGSVC_NAMESPACES": ",".join(namespaces),
            "CONFIGSVC_KMS_KEYS": KMS_KEY,
            "AWS_ENDPOINT_URL_KMS": self.kms.url,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": f"AKIA{who.upper()}",
            "AWS_SECRET_ACCESS_KEY": f"secret-of-{who}",
        }

    def admin(self, who: str = "writer") -> Admin:
        """An Admin with a person's keys."""
        return self.from_environ(self.environ(who))

    def from_environ(self, environ: Mapping[str, str]) -> Admin:
        """An Admin that the end of the test closes."""
        self.opened.append(from_environ(environ))
        return self.opened[-1]

    def close(self) -> None:
        """Close every Admin that was made."""
        while self.opened:
            self.opened.pop().close()

    @staticmethod
    def until_after(at: str) -> None:
        """Wait until a time (RFC 3339) is past, in milliseconds as the change log tells them."""
        bound = time.monotonic() + 5
        while datetime.now(UTC) - timedelta(milliseconds=1) <= datetime.fromisoformat(at):
            if time.monotonic() > bound:
                raise TimeoutError(at)
            time.sleep(0.002)

    def namespace(self, name: str) -> str:
        """A new namespace with a data key."""
        admin = self.admin("admin")
        admin.namespaces.create(name)
        admin.data_keys.add(name, KMS_KEY)
        return name


def arn(who: str) -> str:
    """The IAM principal of a person."""
    return f"arn:aws:iam::123456789012:user/{who}"


@contextmanager
def loopback() -> Iterator[Loopback]:
    """A service with an administrator, a writer, a reader and an owner, who writes and administers; all read."""
    admins = (arn("admin"), arn(FOUNDER))
    clock, table = WrongClock(), MemoryRepository()
    ports = ServicePorts(table, clock, SystemRandomness(), RecentGrants(), RenderedSnapshots(), admins, JsonSchemas())
    log, requests, failing = Texts(), list[str](), list[Callable[[], None]]()
    app = build_app(ports.within, JsonLog(log, "debug"), ask_for_proof)

    def target(event: Mapping[str, Any]) -> dict[str, Any]:
        requests.append(f"{event['httpMethod']} {event['path']}")
        answer: dict[str, Any] = app(event, None)
        if failing and event["httpMethod"] != "GET":  # the write is done, the answer is lost
            failing.pop()()
        return answer

    keys = {f"value-of-{who}": f"id{who}" for who in (*PEOPLE, FOUNDER)}
    identities = {f"AKIA{who.upper()}": Identity(f"secret-of-{who}", arn(who)) for who in (*PEOPLE, FOUNDER)}
    gateway = Gateway(target, app.routes, Access(keys, identities), VARIABLES)
    with kms_server() as kms, LoopbackGateway(gateway) as running:
        made = Loopback(running.url, kms, requests, log, failing, [], clock, table, keys, identities)
        _grant(made)
        try:
            yield made
        finally:
            made.close()


def lost() -> None:
    """An answer that does not arrive."""
    raise errors.Unavailable("lost")


def _grant(made: Loopback) -> None:
    admin = made.admin("admin")
    for who in PEOPLE:
        admin.grants.set(f"api-key:id{who}", [Grant(("read",), ("*",))])
    admin.grants.set(arn("writer"), [Grant(("write",), ("*",))])
    admin.grants.set(arn("owner"), [Grant(("write", "admin"), ("*",))])
    made.requests.clear()
