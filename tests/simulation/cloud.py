"""AWS, simulated: the table, the function's environments in front of it, and KMS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from configsvc.adapters.caches import RecentGrants, RenderedSnapshots
from configsvc.adapters.dynamo import DynamoRepository
from configsvc.adapters.json_schemas import JsonSchemas
from configsvc.adapters.system import Elapsed, to_moment
from configsvc.bootstrap import build_app
from configsvc.model.encoding import to_base64std
from configsvc.model.errors import Internal, Unavailable
from configsvc.service.engine import ports
from configsvc.service.engine.ports import Repository, ServicePorts
from configsvc.web import arrival
from configsvc.web.handling import Level, Logged
from configsvc_client._aws.kms import Decrypted
from configsvc_client._opening import cipher
from configsvc_client._ports import Clocks
from tests.simulation.dynamodb import TABLE, Client, Table, TimedCalls
from tests.simulation.scheduler import Process, Signal, VirtualTime
from tests.simulation.weather import Weather
from tests.support.client.fakes import KMS_KEY, FakeKms, wrap
from tests.support.machines.planted import Through
from tests.support.web.apps import ask_for_proof

LAMBDA_SECONDS = 15.0
FUNCTIONS = 6
COLD_SECONDS = 0.4
LITTLE = 0.001
ADMIN = "arn:aws:iam::123456789012:role/Admin"
Wrap = Callable[[Repository], Repository]


class TableClient(Through):
    """The real repository of one environment, over a simulated client.

    `table`, `process` and `time` are for planted faults.
    """

    def __init__(self, table: Table, process: Process, clock: ports.ServiceClock) -> None:
        self.table, self.process, self.time = table, process, table.time
        client: Any = Client(table, process)
        self._lasting = DynamoRepository(client, TABLE, TimedCalls(client, clock, _Chance(table.weather)))
        super().__init__(self._lasting)

    def begin(self, until: float) -> None:
        """Begins a request, with its deadline."""
        self.inner = self._lasting.within(until)


class _Clock:
    """The clock port of the service."""

    def __init__(self, process: Process) -> None:
        self.monotonic, self.sleep = process.monotonic, process.pause
        self._process = process

    def now(self) -> ports.WallMoment:
        return to_moment(self._process.wall())


class _Chance:
    def __init__(self, weather: Weather) -> None:
        self._weather = weather

    def tag(self) -> str:
        return self._weather.draw.randbytes(8).hex()

    def uniform(self, most: float) -> float:
        return self._weather.draw.random() * most


class _Log:
    """Notes only failures of the service itself."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def takes(self, level: Level) -> bool:
        return level == "error"

    def line(self, level: Level, /, **members: Logged) -> None:
        if members.get("code") == Internal.code:
            self._process.time.note(self._process.name, f"{level}: {members.get('fault')} at {members.get('where')}")


class Context:
    """The context that Lambda passes to a handler."""

    def __init__(self, process: Process, seconds: float) -> None:
        self._process, self._end = process, process.time.now + seconds

    def get_remaining_time_in_millis(self) -> int:
        """The remaining time of this invocation."""
        return max(1, round(1000 * (self._end - self._process.time.now)))


class Environment(Process):
    """An execution environment of the function: the real service over a remote table."""

    def __init__(self, name: str, table: Table, altered: Wrap) -> None:
        super().__init__(table.time, name, table.weather.draw_between(-3600.0, 3600.0))
        self.busy = False
        clock = _Clock(self)
        self._client = TableClient(table, self, clock)
        grants = RecentGrants(timer=Elapsed(self.monotonic, self.wall))
        self._ports = ServicePorts(
            altered(self._client), clock, _Chance(table.weather), grants, RenderedSnapshots(), (ADMIN,), JsonSchemas()
        )
        self.app = build_app(self._within, _Log(self), ask_for_proof, self.monotonic)

    def _within(self, seconds: float) -> ServicePorts:
        made = self._ports.within(seconds)
        self._client.begin(made.deadline)
        return made


class Exchange:
    """A request to the function, and its response; None if the function ended without one."""

    def __init__(self, time: VirtualTime, event: Mapping[str, Any]) -> None:
        self.event, self.done = event, Signal(time)
        self.answer: dict[str, Any] | None = None


THROTTLED: dict[str, Any] = {"statusCode": 0}
"""Lambda's refusal to run the function, which API Gateway turns into a 500."""


class Fleet:
    """Lambda: an environment serves one request at a time, and at most `FUNCTIONS` run at once.

    Args:
        table: the table that all environments share.
        altered: wraps the table of an environment.
        failed: called with failures that must never happen in an environment.
    """

    def __init__(self, table: Table, altered: Wrap, failed: Callable[[str], None]) -> None:
        self.failed = failed
        self.table, self._altered, self._time = table, altered, table.time
        self._environments: list[Environment] = []
        self._made = 0
        self.routes = Environment("none", table, altered).app.routes

    def serve(self, exchange: Exchange) -> None:
        """Runs in a separate task. A response after Lambda's timeout is lost."""
        environment = self._free()
        if environment is None:
            exchange.answer = THROTTLED
            exchange.done.set()
            return
        environment.busy = True
        self._time.own(environment)
        self._time.call(LAMBDA_SECONDS, lambda: self._expire(environment, exchange))
        try:
            exchange.answer = self._answer(environment, exchange.event)
            environment.busy = False
        finally:
            exchange.done.set()

    def _answer(self, environment: Environment, event: Mapping[str, Any]) -> dict[str, Any]:
        began, most = environment.monotonic(), arrival.limit_seconds(event["httpMethod"], None)
        answer = environment.app(event, Context(environment, LAMBDA_SECONDS))
        took = environment.monotonic() - began
        if answer["statusCode"] == Internal.status:
            self.failed(f"{environment.name} meets an unexpected error")
        if took > most + LITTLE:
            self.failed(f"{environment.name} answers {event['httpMethod']} after {took:.3f} s")
        return answer

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
    """KMS as one process reaches it: slow, throttling, and sometimes down."""

    def __init__(self, weather: Weather, clock: Clocks, made: dict[str, bytes]) -> None:
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
        self._made[cipher.derive_kid(plaintext)] = plaintext
        blob = wrap(str(members["KeyId"]), context, plaintext)
        return {"KeyId": KMS_KEY, "Plaintext": to_base64std(plaintext), "CiphertextBlob": to_base64std(blob)}

    def _ask(self, deadline: float) -> None:
        takes, left = self._weather.takes(0.02), max(0.0, deadline - self._clock.monotonic())
        self._clock.pause(min(takes, left))
        if takes > left:
            raise Unavailable("KMS did not answer in time.", reason="deadline")
        if self._weather.happens(self._weather.climate.kms_down):
            raise Unavailable("KMS throttles.")
