"""AWS, simulated: the table, the function's environments in front of it, and KMS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from configsvc.adapters.caches import RecentGrants, RenderedSnapshots
from configsvc.adapters.clock import Elapsed, moment
from configsvc.adapters.json_schemas import JsonSchemas
from configsvc.adapters.memory import MemoryRepository
from configsvc.bootstrap import build_app
from configsvc.model.encoding import base64std
from configsvc.model.errors import Internal, Unavailable
from configsvc.service import ports
from configsvc.service.ports import Action, Ports, Repository, StoreUnavailable
from configsvc.service.records import Address, Record
from configsvc.web.log import Level, Logged
from configsvc_client import _cipher
from configsvc_client._kms import Decrypted
from configsvc_client._ports import Clock
from tests.client.fakes import KMS_KEY, FakeKms, wrap
from tests.simulation.scheduler import Killed, Process, Signal, VirtualTime
from tests.simulation.weather import Weather
from tests.web.apps import asks_for_proof

LAMBDA_SECONDS = 15.0
FUNCTIONS = 6
COLD_SECONDS = 0.4
TABLE_SECONDS = 0.006
PATIENCE = 2.5
"""Seconds after which a call to the table that is not answered is given up."""

_PAGE = 2
ADMIN = "arn:aws:iam::123456789012:role/Admin"
Wrap = Callable[[Repository], Repository]


class Table:
    """The table itself: what it holds, and who watches what is written to it."""

    def __init__(self, time: VirtualTime, weather: Weather, watch: Callable[[Sequence[Action]], None]) -> None:
        self.time, self.weather, self.watch = time, weather, watch
        self.memory = MemoryRepository()

    def apply(self, actions: Sequence[Action]) -> None:
        """A transaction."""
        self.memory.commit(actions)
        self.watch(actions)

    def apply_late(self, actions: Sequence[Action]) -> None:
        """A transaction whose sender has given up."""
        try:
            self.apply(actions)
        except ports.LostRace:
            self.time.note("table", "a late commit loses its race")
        else:
            self.time.note("table", "a late commit lands")


class TableClient:
    """The table as one environment reaches it; a `Repository`."""

    def __init__(self, table: Table, process: Process) -> None:
        self.table, self.process = table, process
        self._weather, self.time = table.weather, table.time

    def get(self, addresses: Sequence[Address]) -> dict[Address, Record]:
        """Each record at a moment of its own: a large batch takes a while."""
        self._ask()
        found = self.table.memory.get(addresses[:1])
        if len(addresses) > 1:
            self._travel()
            found |= self.table.memory.get(addresses[1:])
        self._travel()
        return found

    def query(
        self,
        partition: str,
        prefix: str,
        *,
        after: str = "",
        limit: int | None = None,
        values: bool = True,
        reverse: bool = False,
    ) -> Iterator[Record]:
        """Pages of a few records."""
        self._ask()
        rows = self.table.memory.query(partition, prefix, after=after, limit=limit, values=values, reverse=reverse)
        for number, record in enumerate(rows):
            if number and number % _PAGE == 0:
                self._travel()
            yield record
        self._travel()

    def commit(self, actions: Sequence[Action]) -> None:
        """A transaction; it may be done although nobody hears of it, and after its sender has given up."""
        self._ask()
        climate = self._weather.climate
        if self._weather.happens(climate.late):
            self.time.call(self._weather.between(0.0, 25.0), lambda: self.table.apply_late(actions))
            self._silence("a commit")
        self.table.apply(actions)
        if self._weather.happens(climate.unanswered):
            self._silence("the answer to a commit")
        self._travel()

    def _ask(self) -> None:
        climate = self._weather.climate
        if self._weather.happens(climate.died):
            self.time.note(self.process.name, "dies")
            self.time.kill(self.process)
            raise Killed
        if self._weather.happens(climate.frozen):
            self.time.note(self.process.name, "freezes")
            self.process.freeze(self._weather.between(1.0, 40.0))
        if self._weather.happens(climate.silent):
            self._silence("a call")
        self._travel()
        if self._weather.happens(climate.throttled):
            raise StoreUnavailable("throttled", retry_after=1)

    def _travel(self) -> None:
        self.process.pause(self._weather.takes(TABLE_SECONDS / 2))

    def _silence(self, what: str) -> None:
        self.time.note(self.process.name, f"{what} is not answered")
        self.process.pause(PATIENCE)
        raise StoreUnavailable("did not answer", retry_after=1)


class _Clock:
    """The service's own clock port."""

    def __init__(self, process: Process) -> None:
        self.monotonic, self.sleep = process.monotonic, process.pause
        self._process = process

    def now(self) -> ports.Moment:
        return moment(self._process.wall())


class _Chance:
    def __init__(self, weather: Weather) -> None:
        self._weather = weather

    def tag(self) -> str:
        return self._weather.draw.randbytes(8).hex()

    def uniform(self, most: float) -> float:
        return self._weather.draw.random() * most


class _NoLog:
    def takes(self, level: Level) -> bool:
        del level
        return False

    def line(self, level: Level, /, **members: Logged) -> None:
        raise AssertionError((level, members))


class Environment(Process):
    """An execution environment of the function: the real service over a table that is far away."""

    def __init__(self, name: str, table: Table, altered: Wrap) -> None:
        super().__init__(table.time, name, table.weather.between(-3600.0, 3600.0))
        self.busy = False
        repository = altered(TableClient(table, self))
        grants = RecentGrants(timer=Elapsed(self.monotonic, self.wall))
        made = Ports(
            repository, _Clock(self), _Chance(table.weather), grants, RenderedSnapshots(), (ADMIN,), JsonSchemas()
        )
        self.app = build_app(lambda: made, _NoLog(), asks_for_proof, self.monotonic)


class Exchange:
    """A request that came to the function, and its answer; None where the function ended without one."""

    def __init__(self, time: VirtualTime, event: Mapping[str, Any]) -> None:
        self.event, self.done = event, Signal(time)
        self.answer: dict[str, Any] | None = None


THROTTLED: dict[str, Any] = {"statusCode": 0}
"""Stands for Lambda's refusal to run the function, which API Gateway makes a 500 of."""


class Fleet:
    """Lambda: an environment serves one request at a time, and at most `FUNCTIONS` run at once.

    Args:
        table: what all of them work on.
        altered: what stands between an environment and its table.
        failed: called with what never may happen in an environment.
    """

    def __init__(self, table: Table, altered: Wrap, failed: Callable[[str], None]) -> None:
        self.failed = failed
        self.table, self._altered, self._time = table, altered, table.time
        self._environments: list[Environment] = []
        self._made = 0
        self.routes = Environment("none", table, altered).app.routes

    def serve(self, exchange: Exchange) -> None:
        """Runs in a task of its own. An answer later than Lambda's timeout is none."""
        environment = self._free()
        if environment is None:
            exchange.answer = THROTTLED
            exchange.done.set()
            return
        environment.busy = True
        self._time.own(environment)
        self._time.call(LAMBDA_SECONDS, lambda: self._expire(environment, exchange))
        try:
            exchange.answer = environment.app(exchange.event, None)
            environment.busy = False
            if exchange.answer["statusCode"] == Internal.status:
                self.failed(f"{environment.name} meets an unexpected error")
        finally:
            exchange.done.set()

    def _free(self) -> Environment | None:
        self._environments = [each for each in self._environments if each.alive]
        for each in self._environments:
            if not each.busy:
                return each
        if len(self._environments) >= FUNCTIONS:
            return None
        self._made += 1
        made = Environment(f"function-{self._made}", self.table, self._altered)
        made.busy = True
        self._environments.append(made)
        self._time.pause(self.table.weather.takes(COLD_SECONDS))
        return made

    def _expire(self, environment: Environment, exchange: Exchange) -> None:
        if not exchange.done.is_set:
            self._time.note(environment.name, "is ended by Lambda's timeout")
            self._time.kill(environment)


class Kms(FakeKms):
    """KMS as one process reaches it: it takes its time, throttles, and is down now and then."""

    def __init__(self, weather: Weather, clock: Clock, made: dict[str, bytes]) -> None:
        super().__init__()
        self._weather, self._clock, self._made = weather, clock, made

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str], key_id: str | None, deadline: float) -> Decrypted:
        """See `Kms.decrypt`."""
        self._ask(deadline)
        return super().decrypt(ciphertext, context, key_id, deadline)

    def call(self, operation: str, members: Mapping[str, object], deadline: float) -> Mapping[str, object]:
        """GenerateDataKey, and Encrypt of a value."""
        self._ask(deadline)
        context = members["EncryptionContext"]
        assert isinstance(context, Mapping)
        if operation == "Encrypt":
            raise NotImplementedError(operation)
        plaintext = self._weather.draw.randbytes(32)
        self._made[_cipher.kid_of(plaintext)] = plaintext
        blob = wrap(str(members["KeyId"]), context, plaintext)
        return {"KeyId": KMS_KEY, "Plaintext": base64std(plaintext), "CiphertextBlob": base64std(blob)}

    def _ask(self, deadline: float) -> None:
        takes, left = self._weather.takes(0.02), max(0.0, deadline - self._clock.monotonic())
        self._clock.pause(min(takes, left))
        if takes > left:
            raise Unavailable("KMS did not answer in time.", reason="deadline")
        if self._weather.happens(self._weather.climate.kms_down):
            raise Unavailable("KMS throttles.")
