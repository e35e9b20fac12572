"""Calls are retried until a deadline and not beyond it. Only sleeping and responding move the clock."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from mypy_boto3_dynamodb import DynamoDBClient

from configsvc.adapters.dynamo import DynamoRepository
from configsvc.adapters.dynamo_calls import ALONE, BACKOFF, COMMIT_LEAST, Calls
from configsvc.adapters.items import build_key, to_item
from configsvc.service.engine import records
from configsvc.service.engine.ports import LostRace, StoreBusy, StoreUnavailable, Write
from configsvc.service.engine.records import RecordAddress
from tests.support.contracts.samples import NS, PARTITION, make_head, make_state
from tests.support.service.fakes import FakeChance, FakeClock

TABLE = "configsvc-test"
AT = [records.head(NS), records.key(NS, "a")]
SECONDS = 8.0

Step = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class Client:
    """A DynamoDB client that plays its steps in order and repeats the last one; each takes a moment."""

    def __init__(self, clock: FakeClock, *steps: Step) -> None:
        self._clock = clock
        self._steps = list(steps)
        self.asked: list[Mapping[str, Any]] = []

    def _answer(self, **request: Any) -> Mapping[str, Any]:  # noqa: ANN401  # a request's members
        self.asked.append(request)
        self._clock.pass_by(0.004)
        return (self._steps.pop(0) if len(self._steps) > 1 else self._steps[0])(request)

    get_item = batch_get_item = query = transact_get_items = transact_write_items = _answer


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def make_repository(clock: FakeClock, *steps: Step) -> tuple[DynamoRepository, Client]:
    client = Client(clock, *steps)
    repository = DynamoRepository(cast("DynamoDBClient", client), TABLE, Calls(clock, FakeChance()))
    return repository.within(clock.monotonic() + SECONDS), client


def fail_with(error: Exception) -> Step:
    def step(_request: Mapping[str, Any]) -> Mapping[str, Any]:
        raise error

    return step


def refuse_with(code: str, *reasons: str) -> Step:
    answer: Any = {"Error": {"Code": code}, "CancellationReasons": [{"Code": reason} for reason in reasons]}
    return fail_with(ClientError(answer, "operation"))


def cancel_with(*reasons: str) -> Step:
    return refuse_with("TransactionCanceledException", *reasons)


def answer_with(answer: Mapping[str, Any]) -> Step:
    return lambda _request: answer


THROTTLED = refuse_with("ThrottlingException")
BROKEN = fail_with(ConnectionClosedError(endpoint_url="http://127.0.0.1"))
DONE = answer_with({})


def stay_silent(clock: FakeClock, seconds: float) -> Step:
    def step(_request: Mapping[str, Any]) -> Mapping[str, Any]:
        clock.pass_by(seconds)
        raise ReadTimeoutError(endpoint_url="http://127.0.0.1")

    return step


def read_one(repository: DynamoRepository) -> object:
    return repository.get(AT[:1])


def read_two(repository: DynamoRepository) -> object:
    return repository.get(AT)


def read_keys(repository: DynamoRepository) -> object:
    return list(repository.query(PARTITION, "K#"))


def write(repository: DynamoRepository) -> None:
    repository.commit([Write(make_head(2), 1)])


def read_together(repository: DynamoRepository) -> object:
    return repository.get_together(AT)


VERBS = [read_one, read_two, read_keys, read_together, write]


@pytest.mark.parametrize("call", VERBS)
def test_s31_throttled_calls_are_retried_with_growing_pauses_until_the_deadline(
    clock: FakeClock, call: Callable[[DynamoRepository], object]
) -> None:
    began = clock.monotonic()
    repository, client = make_repository(clock, THROTTLED)
    with pytest.raises(StoreBusy):
        call(repository)
    assert SECONDS - 2 * BACKOFF.most - COMMIT_LEAST < clock.monotonic() - began <= SECONDS
    assert clock.slept[:4] == pytest.approx([0.0125, 0.025, 0.05, 0.1])
    assert max(clock.slept) == BACKOFF.most / 2
    assert len(client.asked) == len(clock.slept) + 1


@pytest.mark.parametrize("call", VERBS)
def test_s51_a_call_without_a_response_ends_by_the_deadline(
    clock: FakeClock, call: Callable[[DynamoRepository], object]
) -> None:
    began = clock.monotonic()
    repository, client = make_repository(clock, stay_silent(clock, 1.0))
    with pytest.raises(StoreUnavailable):
        call(repository)
    assert clock.monotonic() - began <= SECONDS + 1.0  # a real attempt ends with the deadline: see test_dynamo_wire
    assert len(client.asked) > 5


@pytest.mark.parametrize("call", VERBS)
def test_after_the_deadline_nothing_is_sent(clock: FakeClock, call: Callable[[DynamoRepository], object]) -> None:
    repository, client = make_repository(clock, DONE)
    clock.pass_by(SECONDS)
    with pytest.raises((StoreBusy, StoreUnavailable)):
        call(repository)
    assert client.asked == []


def test_a_broken_connection_is_replaced_at_once_and_then_with_pauses(clock: FakeClock) -> None:
    repository, client = make_repository(clock, BROKEN, BROKEN, answer_with({"Item": to_item(make_head())}))
    assert repository.get(AT[:1]) == {AT[0]: make_head()}
    assert len(client.asked) == 3
    assert clock.slept == pytest.approx([0.025])


def test_the_pages_of_a_query_share_one_deadline(clock: FakeClock) -> None:
    began = clock.monotonic()

    def page(_request: Mapping[str, Any]) -> Mapping[str, Any]:
        clock.pass_by(1.0)
        return {"Items": [to_item(make_state("a"))], "LastEvaluatedKey": build_key(AT[1])}

    repository, client = make_repository(clock, page)
    with pytest.raises(StoreUnavailable):
        list(repository.query(PARTITION, "K#"))
    assert len(client.asked) == SECONDS
    assert clock.monotonic() - began < SECONDS + 1.0


def test_s31_a_throttled_page_is_read_again_from_where_it_began(clock: FakeClock) -> None:
    first = {"Items": [to_item(make_state("a"))], "LastEvaluatedKey": build_key(AT[1])}
    repository, client = make_repository(
        clock, answer_with(first), THROTTLED, answer_with({"Items": [to_item(make_state("b"))]})
    )
    assert [each.key for each in repository.query(PARTITION, "K#")] == ["a", "b"]  # type: ignore[union-attr]
    assert client.asked[1] == client.asked[2]


def test_s52_retries_of_a_commit_share_its_token(clock: FakeClock) -> None:
    repository, client = make_repository(clock, BROKEN, THROTTLED, cancel_with("ThrottlingError", "None"), DONE)
    write(repository)
    write(repository)
    tokens = [request["ClientRequestToken"] for request in client.asked]
    assert tokens == [tokens[0]] * 4 + [tokens[4]]
    assert tokens[0] != tokens[4]
    assert all(1 <= len(token) <= 36 for token in tokens)  # DynamoDB's bounds


def test_s32_a_conflict_is_a_lost_race(clock: FakeClock) -> None:
    repository, client = make_repository(clock, cancel_with("TransactionConflict"))
    with pytest.raises(LostRace):
        write(repository)
    assert len(client.asked) == 1


def test_records_in_a_transaction_are_not_read_together(clock: FakeClock) -> None:
    repository, client = make_repository(clock, cancel_with("None", "TransactionConflict"))
    with pytest.raises(LostRace):
        read_together(repository)
    assert len(client.asked) == 1


@pytest.mark.parametrize("reason", ["ThrottlingError", "ProvisionedThroughputExceeded"])
def test_throttled_records_are_read_together_again(clock: FakeClock, reason: str) -> None:
    repository, client = make_repository(
        clock, cancel_with("None", reason), answer_with({"Responses": [{"Item": to_item(make_head())}, {}]})
    )
    assert repository.get_together(AT) == {AT[0]: make_head()}
    assert client.asked[0] == client.asked[1]


@pytest.mark.parametrize("then", ["TransactionConflict", "TransactionInProgressException"])
def test_s52_a_commit_that_may_conflict_with_itself_is_sent_again(clock: FakeClock, then: str) -> None:
    collision = cancel_with(then) if then == "TransactionConflict" else refuse_with(then)
    repository, client = make_repository(clock, BROKEN, collision, DONE)
    write(repository)
    assert len({request["ClientRequestToken"] for request in client.asked}) == 1
    assert len(client.asked) == 3


def test_a_failed_condition_after_a_lost_response_is_a_lost_race(
    clock: FakeClock,
) -> None:
    repository, _ = make_repository(clock, BROKEN, cancel_with("ConditionalCheckFailed"))
    with pytest.raises(LostRace):
        write(repository)


@pytest.mark.parametrize("last", [THROTTLED, cancel_with("TransactionConflict")])
def test_s52_a_commit_stays_unknown_after_one_attempt_without_a_response(clock: FakeClock, last: Step) -> None:
    repository, _ = make_repository(clock, BROKEN, last)
    with pytest.raises(StoreUnavailable) as unknown:
        write(repository)
    assert unknown.value.detail == (
        "The store did not confirm this write in time: it may or may not have happened. Send it again with the same "
        "Idempotency-Key."
    )
    assert unknown.value.members == {"retry_after": 1}


@pytest.mark.parametrize("code", ["ExpiredTokenException", "429"])
def test_a_refused_retry_does_not_say_whether_the_lost_attempt_wrote(clock: FakeClock, code: str) -> None:
    repository, client = make_repository(clock, BROKEN, refuse_with(code), DONE)
    with pytest.raises(StoreUnavailable, match="may or may not"):
        write(repository)
    assert len(client.asked) == 2


def test_a_commit_is_not_sent_shortly_before_the_deadline(clock: FakeClock) -> None:
    repository, client = make_repository(clock, DONE)
    clock.pass_by(SECONDS - COMMIT_LEAST / 2)
    with pytest.raises(StoreUnavailable, match="too slow"):  # not StoreBusy: nothing throttles, and it must be noticed
        write(repository)
    assert client.asked == []


class Table:
    """Processes `each` of the keys of a batch, like a busy table. Only `there` has an item."""

    def __init__(self, each: Sequence[int], there: Sequence[RecordAddress]) -> None:
        self._each = list(each)
        self._there = there

    def __call__(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        keys = request["RequestItems"][TABLE]["Keys"]
        number = self._each.pop(0) if len(self._each) > 1 else self._each[0]
        there = [build_key(at) for at in self._there]
        found = [to_item(make_state(key["sk"]["S"][2:])) for key in keys[:number] if key in there]
        left = {TABLE: {"Keys": keys[number:]}} if keys[number:] else {}
        return {"Responses": {TABLE: found}, "UnprocessedKeys": left}


KEYS = [records.key(NS, f"k{number:02}") for number in range(12)]


def test_s40_a_batch_continues_while_keys_are_processed_without_items(clock: FakeClock) -> None:
    repository, client = make_repository(clock, Table([5, 4, 12], there=KEYS[-1:]))
    assert list(repository.get(KEYS)) == KEYS[-1:]
    assert len(client.asked) == 3
    assert clock.slept == pytest.approx([0.0125, 0.0125])


def test_a_batch_without_progress_is_retried_with_growing_pauses_then_given_up(clock: FakeClock) -> None:
    began = clock.monotonic()
    repository, _ = make_repository(clock, Table([0], there=KEYS))
    with pytest.raises(StoreBusy):
        repository.get(KEYS)
    assert clock.slept[:3] == pytest.approx([0.025, 0.05, 0.1])
    assert clock.monotonic() - began <= SECONDS


def test_s40_a_batch_is_complete_after_a_while_without_progress(clock: FakeClock) -> None:
    repository, _ = make_repository(clock, Table([0, 0, 0, 1, 0, 12], there=KEYS))
    assert sorted(repository.get(KEYS)) == KEYS


def test_without_a_deadline_each_call_has_its_own(clock: FakeClock) -> None:
    client = Client(clock, THROTTLED)
    repository = DynamoRepository(cast("DynamoDBClient", client), TABLE, Calls(clock, FakeChance()))
    for _ in range(2):
        began = clock.monotonic()
        with pytest.raises(StoreBusy):
            read_one(repository)
        assert ALONE - 2 * BACKOFF.most < clock.monotonic() - began <= ALONE
