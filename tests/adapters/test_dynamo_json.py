"""The service's own client sends what botocore's client sends, and reads what botocore reads."""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, cast

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError, HTTPClientError
from botocore.httpsession import URLLib3Session
from botocore.parsers import create_parser
from hypothesis import given
from hypothesis import strategies as st

from configsvc.adapters.dynamo import DynamoRepository
from configsvc.adapters.dynamo_calls import Calls
from configsvc.adapters.dynamo_client import DynamoJsonClient, read_response
from configsvc.adapters.dynamo_endpoint import DynamoEndpoint
from configsvc.adapters.items import to_item
from configsvc.service.engine import records
from configsvc.service.engine.ports import Remove, StampCheck, Write
from configsvc.service.engine.records import address_of
from tests.support.contracts.samples import EVERY_KIND, NS, PARTITION
from tests.support.service.fakes import FakeChance, FakeClock

REGION, HOST = "eu-north-1", "dynamodb.eu-north-1.amazonaws.com"
MODEL = botocore.session.Session().get_service_model("dynamodb")
ANSWERS: Mapping[str, Mapping[str, object]] = {
    "GetItem": {},
    "BatchGetItem": {"Responses": {}, "UnprocessedKeys": {}},
    "Query": {"Items": []},
    "TransactGetItems": {"Responses": []},
    "TransactWriteItems": {},
}


class Recorder:
    """An HTTP session that keeps the requests and answers with nothing found."""

    def __init__(self) -> None:
        self.sent: list[AWSPreparedRequest] = []

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        self.sent.append(request)
        operation = read_header(request, "X-Amz-Target").rpartition(".")[2]
        return Complete(request.url, 200, json.dumps(ANSWERS[operation]).encode())


class Complete(AWSResponse):
    def __init__(self, url: str, status: int, body: bytes) -> None:
        super().__init__(url, status, cast("Any", {}), cast("Any", None))
        self.whole = body

    @property
    def content(self) -> bytes:
        return self.whole


def read_header(request: AWSPreparedRequest, name: str) -> str:
    found = request.headers[name]
    return found.decode() if isinstance(found, bytes) else str(found)


def record_ours() -> tuple[Any, Recorder]:
    recorder = Recorder()
    credentials = ReadOnlyCredentials("AKIDEXAMPLE", "secret", "session")
    endpoint = DynamoEndpoint(f"https://{HOST}", REGION)
    return DynamoJsonClient(cast("URLLib3Session", recorder), endpoint, lambda: credentials), recorder


def record_botocores() -> tuple[Any, Recorder]:
    recorder = Recorder()
    client: Any = botocore.session.Session().create_client(
        "dynamodb", REGION, aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="secret", aws_session_token="session"
    )
    client.meta.events.register("before-send.dynamodb", lambda request, **_: recorder.send(request))
    return client, recorder


def use_every_call(client: Any) -> None:  # noqa: ANN401  # either client
    repository = DynamoRepository(client, "table", Calls(FakeClock(), FakeChance()))
    repository.get([records.head(NS)])
    repository.get([address_of(record) for record in EVERY_KIND])
    list(repository.query(PARTITION, "K#", after="K#a", limit=3, values=False, reverse=True))
    list(repository.query(PARTITION, ""))
    repository.get_together([records.head(NS)])
    repository.commit([Write(record, None) for record in EVERY_KIND])
    repository.commit([Remove(records.head(NS), 3), StampCheck(records.key(NS, "a"), 4)])


def test_each_request_is_the_one_that_botocores_client_sends() -> None:
    (ours, mine), (botocores, theirs) = record_ours(), record_botocores()
    use_every_call(ours)
    use_every_call(botocores)

    assert len(mine.sent) == len(theirs.sent) == 7
    for one, other in zip(mine.sent, theirs.sent, strict=True):
        assert (one.method, one.url) == (other.method, other.url)
        assert json.loads(cast("bytes", one.body)) == json.loads(cast("bytes", other.body))
        for name in ("X-Amz-Target", "Content-Type", "X-Amz-Security-Token"):
            assert read_header(one, name) == read_header(other, name)
        assert _scope(one) == _scope(other)


def _scope(request: AWSPreparedRequest) -> tuple[str, set[str]]:
    """Credential and signed headers; the SDK's own invocation headers are left out."""
    _, credential, signed, _ = read_header(request, "Authorization").split(" ")
    names = set(signed.removeprefix("SignedHeaders=").rstrip(",").split(";"))
    return credential, {name for name in names if not name.startswith("amz-sdk")}


def parse_as_botocore(operation: str, status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    shape = MODEL.operation_model(operation).output_shape
    answer = {"body": body, "headers": headers, "status_code": status}
    assert shape is not None
    parsed: dict[str, Any] = create_parser("json").parse(answer, shape)
    return parsed


ITEMS = [to_item(record) for record in EVERY_KIND]
BODIES: list[tuple[str, Mapping[str, object]]] = [
    ("GetItem", {}),
    *(("GetItem", {"Item": item}) for item in ITEMS),
    ("GetItem", {"Item": {"B": {"S": "x"}, "M": {"M": {"B": {"B": b"\0\xff"}}}, "b": {"B": b""}}}),
    ("BatchGetItem", {"Responses": {"table": ITEMS}, "UnprocessedKeys": {"table": {"Keys": [{"pk": {"S": "x"}}]}}}),
    ("Query", {"Items": ITEMS, "Count": len(ITEMS), "LastEvaluatedKey": {"pk": {"S": "a"}, "sk": {"S": "b"}}}),
    ("TransactGetItems", {"Responses": [{"Item": ITEMS[0]}, {}]}),
    ("TransactWriteItems", {}),
]


def encode(body: object) -> bytes:
    return json.dumps(body, default=lambda raw: b64encode(raw).decode()).encode()


@pytest.mark.parametrize(("operation", "body"), BODIES)
def test_a_response_is_read_as_botocore_reads_it(operation: str, body: Mapping[str, object]) -> None:
    sent = encode(body)
    expected = parse_as_botocore(operation, 200, {}, sent)
    expected.pop("ResponseMetadata")

    assert read_response(operation, 200, {"x-amz-crc32": str(zlib.crc32(sent))}, sent) == expected == body


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_response_that_was_damaged_in_transit_is_refused_whatever_it_says(status: int) -> None:
    with pytest.raises(HTTPClientError, match="checksum"):
        read_response("GetItem", status, {"x-amz-crc32": "1"}, b"{}")


NAMESPACE = "com.amazonaws.dynamodb.v20120810#"
ERRORS: list[tuple[int, bytes]] = [
    # DynamoDB developer guide, "Error handling with DynamoDB": the response of a missing table.
    (400, b'{"__type":"%sResourceNotFoundException","message":"Requested resource not found"}' % NAMESPACE.encode()),
    (400, b'{"__type":"com.amazon.coral.service#ThrottlingException","Message":"Rate exceeded"}'),
    (400, b'{"__type":"ValidationException:http://internal.amazon.com/coral/","message":"x"}'),
    (400, b'{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"User is not authorized"}'),
    (500, b'{"__type":"%sInternalServerError"}' % NAMESPACE.encode()),
    (503, b""),
    (502, b"<html><body>Bad Gateway</body></html>"),
    (403, b"Forbidden by the proxy"),
    (307, b"{}"),
    (
        400,
        b'{"__type":"%sTransactionCanceledException","Message":"Transaction cancelled, please refer '
        b'cancellation reasons for specific reasons [None, ConditionalCheckFailed]",'
        b'"CancellationReasons":[{"Code":"None"},{"Code":"ConditionalCheckFailed",'
        b'"Message":"The conditional request failed"}]}' % NAMESPACE.encode(),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body"), ERRORS)
def test_an_error_is_described_as_botocore_describes_it(status: int, body: bytes) -> None:
    headers = {"x-amzn-requestid": "ID"}
    expected = parse_as_botocore("TransactWriteItems", status, headers, body)
    with pytest.raises(ClientError) as raised:
        read_response("TransactWriteItems", status, headers, body)

    found: Any = raised.value.response
    assert found["Error"]["Code"] == expected["Error"]["Code"]
    assert found["ResponseMetadata"]["HTTPStatusCode"] == status
    assert found["ResponseMetadata"]["RequestId"] == "ID"
    reasons = json.loads(body)["CancellationReasons"] if b"CancellationReasons" in body else None
    assert found.get("CancellationReasons") == reasons


UNSHAPED: list[tuple[str, object]] = [
    ("GetItem", {"Item": 7}),
    ("GetItem", {"Item": {"pk": "x"}}),
    ("GetItem", {"Item": {"pk": {"B": "not base64"}}}),
    ("Query", {}),
    ("Query", {"Items": {}}),
    ("Query", {"Items": [7]}),
    ("Query", {"Items": [], "LastEvaluatedKey": "x"}),
    ("BatchGetItem", {"Responses": {}}),
    ("BatchGetItem", {"Responses": [], "UnprocessedKeys": {}}),
    ("BatchGetItem", {"Responses": {"table": 7}, "UnprocessedKeys": {}}),
    ("BatchGetItem", {"Responses": {"table": [[]]}, "UnprocessedKeys": {}}),
    ("BatchGetItem", {"Responses": {}, "UnprocessedKeys": {"table": 7}}),
    ("BatchGetItem", {"Responses": {}, "UnprocessedKeys": {"table": {}}}),
    ("BatchGetItem", {"Responses": {}, "UnprocessedKeys": {"table": {"Keys": ["x"]}}}),
    ("TransactGetItems", {"Responses": [None]}),
    ("TransactGetItems", {"Responses": [{"Item": []}]}),
    ("TransactWriteItems", []),
]


@pytest.mark.parametrize(("operation", "body"), UNSHAPED)
def test_a_response_of_another_shape_is_not_dynamodbs(operation: str, body: object) -> None:
    with pytest.raises(HTTPClientError, match="not DynamoDB's"):
        read_response(operation, 200, {}, json.dumps(body).encode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Item", "Items", "Responses", "UnprocessedKeys", "LastEvaluatedKey", "B", "S"]), inner
        )
    ),
    max_leaves=10,
)


@given(operation=st.sampled_from(sorted(ANSWERS)), body=JSON, status=st.sampled_from([200, 302, 400, 500]))
def test_any_json_is_a_response_or_an_error_that_is_retried(operation: str, body: object, status: int) -> None:
    try:
        found = read_response(operation, status, {}, json.dumps(body).encode())
    except (ClientError, HTTPClientError):
        return
    assert status == 200
    assert isinstance(found, dict)


def test_members_of_other_operations_do_not_count() -> None:
    assert read_response("TransactWriteItems", 200, {}, b'{"UnprocessedKeys": 7, "Items": 7}')


def test_a_deeply_nested_response_is_not_dynamodbs() -> None:
    with pytest.raises(HTTPClientError):
        read_response("GetItem", 200, {}, b'{"Item":' * 100_000)
