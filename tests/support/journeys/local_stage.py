"""The stage that tests make for themselves: the app in process, a table in memory, the loopback gateway in front."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from configsvc.adapters.caches import RecentGrants, RenderedSnapshots
from configsvc.adapters.json_schemas import JsonSchemas
from configsvc.adapters.memory import MemoryRepository
from configsvc.adapters.metrics import JsonLog
from configsvc.adapters.system import SystemClock, SystemRandomness
from configsvc.bootstrap import build_app
from configsvc.service.engine.ports import ServicePorts
from configsvc.web.api import RestApi
from local.gateway.access import Access, Identity
from local.gateway.event import Routes
from local.gateway.gateway import Gateway, LoopbackGateway, Target
from local.people import ApiKey, Person
from tests.support.journeys.stage import Stage
from tests.support.journeys.texts import Texts
from tests.support.web.apps import ask_for_proof
from tests.support.web.events import VARIABLES

_ALL_BUT_GRANTS = ("*/v1/namespaces*", "*/v1/whoami")


class Cast(NamedTuple):
    """The people of a stage before it has a URL."""

    admin: Person
    writer: Person
    stranger: Person
    reader: ApiKey

    @property
    def keys(self) -> dict[str, str]:
        """The id of each API key, by its value."""
        people = {person.api_key: person.api_key_id for person in (self.admin, self.writer, self.stranger)}
        return people | {self.reader.value: self.reader.identifier}

    @property
    def identities(self) -> dict[str, Identity]:
        """Who may invoke what, by access key."""
        found = {each.access_key: Identity(each.secret_key, each.arn) for each in (self.admin, self.stranger)}
        found[self.writer.access_key] = Identity(self.writer.secret_key, self.writer.arn, _ALL_BUT_GRANTS)
        return found


def new_cast() -> Cast:
    """The same four every time."""
    admin, writer, stranger = (_person(name) for name in ("admin", "writer", "stranger"))
    return Cast(admin, writer, stranger, ApiKey("idofreader", "value-of-the-readers-key"))


@contextmanager
def stage_before(target: Target, routes: Routes, cast: Cast) -> Iterator[Stage]:
    """A separate stage: the loopback gateway in front of whatever answers its events."""
    with LoopbackGateway(Gateway(target, routes, Access(cast.keys, cast.identities), VARIABLES)) as gateway:
        yield Stage(gateway.url, *cast)


def memory_app(log: Texts, cast: Cast) -> RestApi:
    """The API over a table in memory; what it logs goes to `log`."""
    ports = ServicePorts(
        MemoryRepository(), SystemClock(), SystemRandomness(), RecentGrants(), RenderedSnapshots(), (cast.admin.arn,),
        JsonSchemas(),
    )  # fmt: skip
    return build_app(ports.within, JsonLog(log, "debug"), ask_for_proof)


@contextmanager
def local_stage(log: Texts) -> Iterator[Stage]:
    """A separate stage; the service's log goes to `log`."""
    cast = new_cast()
    app = memory_app(log, cast)
    with stage_before(lambda event: app(event, None), app.routes, cast) as stage:
        yield stage


def _person(name: str) -> Person:
    arn = f"arn:aws:iam::123456789012:user/{name}"
    return Person(name, arn, f"AKIA{name.upper()}", f"secret-of-{name}", f"idof{name}", f"value-of-the-{name}s-key")
