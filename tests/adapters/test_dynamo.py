"""Translation of DynamoDB's errors, which botocore's Stubber returns."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.stub import Stubber
from mypy_boto3_dynamodb import DynamoDBClient

from configsvc.adapters.dynamo import DynamoRepository
from configsvc.adapters.dynamo_calls import COMMIT_LEAST, Calls, translate_errors
from configsvc.adapters.items import build_key, to_item
from configsvc.model.errors import Internal, Unavailable
from configsvc.service.engine import records
from configsvc.service.engine.ports import LostRace, StampCheck, StoreBusy, StoreUnavailable, Write
from tests.support.contracts import tables
from tests.support.contracts.samples import NS, PARTITION, make_head, make_state
from tests.support.service.fakes import FakeChance, FakeClock

TABLE = "configsvc-test"
AT = [records.head(NS), records.key(NS, "a")]


@pytest.fixture
def client() -> DynamoDBClient:
    return tables.make_client()


@pytest.fixture
def stubber(client: DynamoDBClient) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def repository(client: DynamoDBClient) -> DynamoRepository:
    """With time for one attempt and no pause."""
    clock = FakeClock()
    calls = Calls(clock, FakeChance())
    return DynamoRepository(client, TABLE, calls).within(clock.monotonic() + COMMIT_LEAST)


def make_cancellation(stubber: Stubber, *reasons: str) -> None:
    stubber.add_client_error(
        "transact_write_items",
        "TransactionCanceledException",
        modeled_fields={"CancellationReasons": [{"Code": reason} for reason in reasons]},
    )


@pytest.mark.parametrize("reason", ["ConditionalCheckFailed", "TransactionConflict"])
def test_a_cancelled_transaction_is_a_lost_race_with_its_addresses(
    stubber: Stubber, repository: DynamoRepository, reason: str
) -> None:
    make_cancellation(stubber, "None", reason)
    with pytest.raises(LostRace) as lost:
        repository.commit([Write(make_head(2), 1), StampCheck(AT[1], 3)])
    assert lost.value.addresses == (AT[1],)


def test_a_lost_race_beside_a_throttled_item_is_a_lost_race(stubber: Stubber, repository: DynamoRepository) -> None:
    make_cancellation(stubber, "ThrottlingError", "ConditionalCheckFailed")
    with pytest.raises(LostRace):
        repository.commit([Write(make_head(2), 1), StampCheck(AT[1], 3)])


@pytest.mark.parametrize("reason", ["ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"])
def test_a_transaction_cancelled_by_throttling_wrote_nothing(
    stubber: Stubber, repository: DynamoRepository, reason: str
) -> None:
    make_cancellation(stubber, "None", reason)
    with pytest.raises(StoreBusy) as busy:
        repository.commit([Write(make_head(2), 1)])
    assert busy.value.members["retry_after"] == 1
    assert "Nothing was written" in busy.value.detail


def test_a_transaction_cancelled_for_another_reason_is_a_fault(stubber: Stubber, repository: DynamoRepository) -> None:
    make_cancellation(stubber, "ItemCollectionSizeLimitExceeded")
    with pytest.raises(Internal):
        repository.commit([Write(make_head(2), 1)])


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("ProvisionedThroughputExceededException", 400, StoreBusy),
        ("ThrottlingException", 400, StoreBusy),
        ("RequestLimitExceeded", 400, StoreBusy),
        ("TransactionInProgressException", 400, StoreUnavailable),
        ("InternalServerError", 500, StoreUnavailable),
        ("Unheard", 503, StoreUnavailable),
        ("ResourceNotFoundException", 400, Internal),
        ("AccessDeniedException", 400, Internal),
        ("ValidationException", 400, Internal),
    ],
)
def test_dynamodb_errors_become_ours_and_reveal_nothing_about_the_table(
    stubber: Stubber, repository: DynamoRepository, code: str, status: int, error: type[Exception]
) -> None:
    repository = repository.within(FakeClock().monotonic() + 0.01)  # too short for a pause
    tries = 2 if error is StoreUnavailable else 1  # omitted keys are requested again at once
    for operation in [each for each in ("get_item", "batch_get_item", "query") for _ in range(tries)]:
        stubber.add_client_error(operation, code, f"{TABLE} is not well", http_status_code=status)
    with pytest.raises(error) as one:
        repository.get(AT[:1])
    with pytest.raises(error):
        repository.get(AT)
    with pytest.raises(error):
        list(repository.query(PARTITION, "K#"))
    assert TABLE not in str(one.value)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (ConnectionClosedError(endpoint_url="http://127.0.0.1"), Unavailable),
        (ReadTimeoutError(endpoint_url="http://127.0.0.1"), Unavailable),
        (ConnectTimeoutError(endpoint_url="http://127.0.0.1"), Unavailable),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1", error="refused"), Unavailable),
        (SSLError(endpoint_url="http://127.0.0.1", error=OSError("broken off")), Unavailable),
        (ProxyConnectionError(proxy_url="http://127.0.0.1", error="refused"), Unavailable),
        (NoCredentialsError(), Internal),
    ],
)
def test_a_broken_connection_is_unavailable_and_missing_credentials_are_a_fault(
    fault: Exception, error: type[Exception]
) -> None:
    with pytest.raises(error), translate_errors():
        raise fault


def test_keys_that_a_batch_omits_are_requested_again(stubber: Stubber, repository: DynamoRepository) -> None:
    items = [to_item(make_head()), to_item(make_state("a"))]
    left = {TABLE: {"Keys": [build_key(AT[1])], "ConsistentRead": True}}
    stubber.add_response(
        "batch_get_item",
        {"Responses": {TABLE: items[:1]}, "UnprocessedKeys": left},
        {"RequestItems": {TABLE: {"Keys": [build_key(at) for at in AT], "ConsistentRead": True}}},
    )
    stubber.add_response(
        "batch_get_item", {"Responses": {TABLE: items[1:]}, "UnprocessedKeys": {}}, {"RequestItems": left}
    )
    assert repository.get(AT) == {AT[0]: make_head(), AT[1]: make_state("a")}


def test_every_read_is_strongly_consistent_and_one_record_is_one_get_item(
    stubber: Stubber, repository: DynamoRepository
) -> None:
    stubber.add_response(
        "get_item",
        {"Item": to_item(make_head())},
        {"TableName": TABLE, "Key": build_key(AT[0]), "ConsistentRead": True},
    )
    assert repository.get([AT[0]]) == {AT[0]: make_head()}
