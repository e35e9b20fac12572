"""The stage that tests make for themselves: the app in process, a table in memory, the loopback gateway in front."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from configsvc.adapters.caches import RecentGrants, RenderedSnapshots
from configsvc.adapters.chance import SystemChance
from configsvc.adapters.clock import SystemClock
from configsvc.adapters.log import JsonLog
from configsvc.adapters.memory import MemoryRepository
from configsvc.bootstrap import build_app
from configsvc.service.ports import Ports
from local.gateway import Gateway, LoopbackGateway
from local.gateway_access import Access, Identity
from local.people import ApiKey, Person
from tests.journeys.stage import Stage
from tests.journeys.texts import Texts

_ALL_BUT_GRANTS = ("*/v1/namespaces*", "*/v1/whoami")


@contextmanager
def local_stage(log: Texts) -> Iterator[Stage]:
    """A stage of its own; what the service logs goes to `log`."""
    admin, writer, stranger = (_person(name) for name in ("admin", "writer", "stranger"))
    reader = ApiKey("idofreader", "value-of-the-readers-key")
    keys = {person.api_key: person.api_key_id for person in (admin, writer, stranger)} | {
        reader.value: reader.identifier
    }
    identities = {each.access_key: Identity(each.secret_key, each.arn) for each in (admin, stranger)}
    identities[writer.access_key] = Identity(writer.secret_key, writer.arn, _ALL_BUT_GRANTS)
    ports = Ports(MemoryRepository(), SystemClock(), SystemChance(), RecentGrants(), RenderedSnapshots(), (admin.arn,))
    app = build_app(lambda: ports, JsonLog(log, "debug"))
    with LoopbackGateway(Gateway(lambda event: app(event, None), app.routes, Access(keys, identities))) as gateway:
        yield Stage(gateway.url, admin, writer, stranger, reader)


def _person(name: str) -> Person:
    arn = f"arn:aws:iam::123456789012:user/{name}"
    return Person(name, arn, f"AKIA{name.upper()}", f"secret-of-{name}", f"idof{name}", f"value-of-the-{name}s-key")
