"""DynamoDB's client in one environment: remote, throttled, silent and late.

It replaces botocore's low-level client, so the service's real repository calls it, with its deadlines and retries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from botocore.exceptions import ClientError, ReadTimeoutError

from configsvc.adapters.dynamo_calls import Calls
from configsvc.adapters.items import build_key, from_item, to_item
from configsvc.adapters.memory import MemoryRepository
from configsvc.service.engine.ports import LostRace, Remove, ServiceChance, ServiceClock, StampCheck, Write, WriteAction
from configsvc.service.engine.records import RecordAddress, address_of
from tests.simulation.scheduler import Killed, Process, VirtualTime
from tests.simulation.weather import Weather

TABLE = "config"
TABLE_SECONDS = 0.006
PAGE = 2
"""Records per page, and per moment of a batch read: few, so that writes come between."""

Answer = TypeVar("Answer")
Item = Mapping[str, Any]


class Table:
    """The table itself: its records, and the observer of writes."""

    def __init__(self, time: VirtualTime, weather: Weather, watch: Callable[[Sequence[WriteAction]], None]) -> None:
        self.time, self.weather, self._watch = time, weather, watch
        self.memory = MemoryRepository()
        self.applied, self.under_way = set[str](), set[str]()

    def apply(self, actions: Sequence[WriteAction], token: str) -> bool:
        """Applies a transaction once per token; returns whether this was the first time.

        Raises:
            LostRace: a condition failed.
        """
        if token in self.applied:
            return False
        self.memory.commit(actions)
        self.applied.add(token)
        self._watch(actions)
        return True

    def apply_late(self, actions: Sequence[WriteAction], token: str) -> None:
        """Applies a transaction whose sender has given up."""
        self.under_way.discard(token)
        try:
            if self.apply(actions, token):
                self.time.note("table", "a late commit lands")
        except LostRace:
            self.time.note("table", "a late commit loses its race")


class TimedCalls(Calls):
    """The service's calls, which pass their time limits to the client, in seconds of the one clock."""

    def __init__(
        self, client: Client, clock: ServiceClock, chance: ServiceChance, deadline: float | None = None
    ) -> None:
        super().__init__(clock, chance, deadline)
        self._client = client

    def within(self, deadline: float) -> TimedCalls:
        """The same calls, with a deadline."""
        return TimedCalls(self._client, self.clock, self.chance, deadline)

    def _send(
        self, seconds: float, until: float, send: Callable[[], Answer], addresses: Sequence[RecordAddress] = ()
    ) -> Answer:
        self._client.until = min(self.clock.monotonic() + seconds, until)
        return super()._send(seconds, until, send, addresses)


class Client:
    """The client that `DynamoRepository` calls. `until` is when an exchange ends, in monotonic seconds."""

    def __init__(self, table: Table, process: Process) -> None:
        self.table, self.process, self.until = table, process, 0.0
        self._weather, self._time = table.weather, table.time

    def get_item(self, *, Key: Item, **_: object) -> Item:  # noqa: N803  # DynamoDB's name
        """Reads one record."""
        self._ask()
        self._throttle()
        found = [*self.table.memory.get([_read_address(Key)]).values()]
        self._travel()
        return {"Item": to_item(found[0])} if found else {}

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> Item:  # noqa: N803
        """Reads a few records at a time, each group at a different moment. A busy table omits some."""
        self._ask()
        keys = RequestItems[TABLE]["Keys"]
        most = len(keys) // 2 if self._weather.happens(self._weather.climate.throttled) else len(keys)
        items = list[Item]()
        for start in range(0, most, PAGE):
            found = self.table.memory.get([_read_address(key) for key in keys[start : min(start + PAGE, most)]])
            items += [to_item(record) for record in found.values()]
            self._travel()
        left = {TABLE: {"Keys": keys[most:]}} if most < len(keys) else {}
        return {"Responses": {TABLE: items}, "UnprocessedKeys": left}

    def query(self, **request: Any) -> Item:  # noqa: ANN401  # a request's members
        """Reads a page."""
        self._ask()
        self._throttle()
        texts = request["ExpressionAttributeValues"]
        after = request.get("ExclusiveStartKey", {}).get("sk", {"S": ""})["S"]
        prefix = texts.get(":prefix", {"S": ""})["S"]
        most = min(request.get("Limit", PAGE), PAGE)
        rows = self.table.memory.query(
            texts[":pk"]["S"], prefix, after=after, limit=most, reverse=not request["ScanIndexForward"]
        )
        records = list(rows)
        self._travel()
        page: dict[str, Any] = {"Items": [_project(to_item(record), request) for record in records]}
        return page | ({"LastEvaluatedKey": build_key(address_of(records[-1]))} if len(records) == most else {})

    def transact_get_items(self, *, TransactItems: Sequence[Item]) -> Item:  # noqa: N803
        """Reads records at one moment."""
        self._ask()
        self._cancel(len(TransactItems))
        wanted = [_read_address(each["Get"]["Key"]) for each in TransactItems]
        found = self.table.memory.get_together(wanted)
        self._travel()
        return {"Responses": [{"Item": to_item(found[at])} if at in found else {} for at in wanted]}

    def transact_write_items(self, *, TransactItems: Sequence[Item], ClientRequestToken: str) -> Item:  # noqa: N803
        """Writes a transaction. It may be done without a response, and after its sender has given up."""
        self._ask()
        actions, climate = [_read_action(each) for each in TransactItems], self._weather.climate
        self._cancel(len(actions))
        if ClientRequestToken in self.table.under_way:
            raise _error("TransactionInProgressException", "TransactWriteItems")
        if self._weather.happens(climate.late):
            self._delay(actions, ClientRequestToken)
        try:
            self.table.apply(actions, ClientRequestToken)
        except LostRace as lost:
            self._travel()
            at = [address_of(each.record) if isinstance(each, Write) else each.address for each in actions]
            raise _make_cancellation(
                ["ConditionalCheckFailed" if each in lost.addresses else "None" for each in at]
            ) from None
        if self._weather.happens(climate.unanswered):
            self._silence("the answer to a commit")
        self._travel()
        return {}

    def _delay(self, actions: Sequence[WriteAction], token: str) -> None:
        """Applies a transaction later. Half of the time DynamoDB already knows it; else it is still on its way."""
        if self._weather.happens(0.5):
            self.table.under_way.add(token)
        self._time.call(self._weather.draw_between(0.0, 25.0), lambda: self.table.apply_late(actions, token))
        self._silence("a commit")

    def _ask(self) -> None:
        climate, name = self._weather.climate, self.process.name
        if self._weather.happens(climate.died):
            self._time.note(name, "dies")
            self._time.kill(self.process)
            raise Killed
        if self._weather.happens(climate.frozen):
            self._time.note(name, "freezes")
            self.process.freeze(self._weather.draw_between(1.0, 20.0))
        if self._weather.happens(climate.silent):
            self._silence("a call")
        self._travel()

    def _throttle(self) -> None:
        if self._weather.happens(self._weather.climate.throttled):
            raise _error("ProvisionedThroughputExceededException", "Query")

    def _cancel(self, actions: int) -> None:
        """Cancels transactions if the table is busy or they conflict."""
        if self._weather.happens(self._weather.climate.throttled):
            reason = self._weather.draw.choice(("ThrottlingError", "TransactionConflict"))
            raise _make_cancellation([reason] * actions)

    def _travel(self) -> None:
        """Travels half the way. An exchange that takes too long is given up."""
        takes, left = self._weather.takes(TABLE_SECONDS / 2), self.until - self.process.monotonic()
        self.process.pause(min(takes, left))
        if takes > left:
            raise ReadTimeoutError(endpoint_url="dynamodb")

    def _silence(self, what: str) -> None:
        self._time.note(self.process.name, f"{what} is not answered")
        self.process.pause(self.until - self.process.monotonic())
        raise ReadTimeoutError(endpoint_url="dynamodb")


def _read_address(key: Item) -> RecordAddress:
    return RecordAddress(key["pk"]["S"], key["sk"]["S"])


def _read_action(written: Item) -> WriteAction:
    ((kind, members),) = written.items()
    texts = members.get("ExpressionAttributeValues")
    expected = int(texts[":expected"]["N"]) if texts else None
    if kind == "Put":
        return Write(from_item(members["Item"]), expected)
    at = _read_address(members["Key"])
    return StampCheck(at, expected) if expected is None or kind == "ConditionCheck" else Remove(at, expected)


def _project(item: Item, request: Item) -> Item:
    if "ProjectionExpression" not in request:
        return item
    names = request["ExpressionAttributeNames"]
    wanted = {names[alias.strip()] for alias in request["ProjectionExpression"].split(",")}
    return {name: value for name, value in item.items() if name in wanted}


def _error(code: str, operation: str, **members: object) -> ClientError:
    answer: Any = {"Error": {"Code": code}, **members}
    return ClientError(answer, operation)


def _make_cancellation(reasons: Sequence[str]) -> ClientError:
    told = [{"Code": reason} for reason in reasons]
    return _error("TransactionCanceledException", "TransactWriteItems", CancellationReasons=told)
