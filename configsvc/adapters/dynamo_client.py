"""DynamoDB's JSON protocol: five operations, signed and sent with botocore's parts, without its client.

A botocore client would load a model of the service, an event system, waiters and paginators, and take longer than
everything else in a cold start. DynamoDB's requests and responses are JSON with the members that its API reference
names; only binary values are encoded. So tests can pass a client of botocore instead of this one.
"""

from __future__ import annotations

import json
import os
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError, HTTPClientError

from configsvc.adapters.dynamo_credentials import find_credentials
from configsvc.adapters.dynamo_endpoint import DynamoEndpoint, locate_dynamodb
from configsvc.adapters.dynamo_http import open_session

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials
    from botocore.httpsession import URLLib3Session
    from mypy_boto3_dynamodb import DynamoDBClient

_VERSION = "DynamoDB_20120810"
_CONTENT_TYPE = "application/x-amz-json-1.0"
_FAILED_STATUS = 300

_MEMBERS: Mapping[str, Mapping[str, type]] = {
    "BatchGetItem": {"Responses": dict, "UnprocessedKeys": dict},
    "GetItem": {},
    "Query": {"Items": list},
    "TransactGetItems": {"Responses": list},
    "TransactWriteItems": {},
}
"""The members that a response always has."""


class DynamoJsonClient:
    """The operations that DynamoRepository needs, by botocore's names and with its parameters and errors.

    It never retries; its callers do, with one limit for all attempts (configsvc.adapters.dynamo_calls).

    Args:
        session: sends requests.
        endpoint: where they are sent.
        credentials: returns those that sign the next request.
    """

    def __init__(
        self,
        session: URLLib3Session,
        endpoint: DynamoEndpoint,
        credentials: Callable[[], ReadOnlyCredentials],
    ) -> None:
        self._session = session
        self._endpoint = endpoint
        self._credentials = credentials

    def get_item(self, **request: object) -> Mapping[str, Any]:
        """One item."""
        return self._call("GetItem", request)

    def batch_get_item(self, **request: object) -> Mapping[str, Any]:
        """Several items."""
        return self._call("BatchGetItem", request)

    def query(self, **request: object) -> Mapping[str, Any]:
        """One page of a partition."""
        return self._call("Query", request)

    def transact_get_items(self, **request: object) -> Mapping[str, Any]:
        """Several items as of one moment."""
        return self._call("TransactGetItems", request)

    def transact_write_items(self, **request: object) -> Mapping[str, Any]:
        """Several writes, or none."""
        return self._call("TransactWriteItems", request)

    def _call(self, operation: str, request: Mapping[str, object]) -> Mapping[str, Any]:
        body = json.dumps(request, default=_encode_binary, separators=(",", ":")).encode()
        headers = {"Content-Type": _CONTENT_TYPE, "X-Amz-Target": f"{_VERSION}.{operation}", "User-Agent": "configsvc"}
        asked = AWSRequest("POST", self._endpoint.url + "/", headers, body)
        SigV4Auth(self._credentials(), "dynamodb", self._endpoint.region).add_auth(asked)
        answered = self._session.send(asked.prepare())
        return read_response(operation, answered.status_code, answered.headers, answered.content)


def connect() -> DynamoDBClient:
    """Creates a client from the environment's region, credentials and endpoint, which are first read here.

    This may take long if it asks a credential provider.
    """
    credentials, endpoint = find_credentials(), locate_dynamodb(os.environ)
    client = DynamoJsonClient(open_session(endpoint.url), endpoint, credentials)
    return cast("DynamoDBClient", client)  # as far as DynamoRepository uses one


def read_response(operation: str, status: int, headers: Mapping[str, str], body: bytes) -> Mapping[str, Any]:
    """Reads a response as botocore does, binary values decoded.

    Raises:
        ClientError: DynamoDB refused the request.
        HTTPClientError: the response was damaged in transit, or is not DynamoDB's.
    """
    said = headers.get("x-amz-crc32")
    if said is not None and said != str(zlib.crc32(body)):
        raise HTTPClientError(error="the response does not match its checksum")
    try:
        found = json.loads(body, object_hook=_decode_binary)
    except (ValueError, RecursionError):
        found = None
    if status >= _FAILED_STATUS:
        raise ClientError(_describe_error(found if isinstance(found, dict) else {}, status, headers), operation)  # type: ignore[arg-type]  # as botocore's parser
    if not isinstance(found, dict) or not _is_shaped(operation, found):
        raise HTTPClientError(error="the response is not DynamoDB's")
    return found


def _describe_error(found: Mapping[str, Any], status: int, headers: Mapping[str, str]) -> dict[str, object]:
    """The error as botocore's parser describes it; a proxy's error has its status for a code."""
    code = str(found.get("__type") or status).partition(":")[0].rpartition("#")[2]
    described: dict[str, object] = {
        "Error": {"Code": code, "Message": str(found.get("message", found.get("Message", "")))},
        "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": headers.get("x-amzn-requestid", "")},
    }
    reasons = found.get("CancellationReasons")
    if isinstance(reasons, list) and all(isinstance(each, dict) for each in reasons):
        described["CancellationReasons"] = reasons
    return described


def _is_shaped(operation: str, found: Mapping[str, Any]) -> bool:
    """Whether a response has the shape that the API reference gives."""
    if not all(isinstance(found.get(name), kind) for name, kind in _MEMBERS[operation].items()):
        return False
    if not _is_item(found.get("LastEvaluatedKey", {})):
        return False
    if operation == "BatchGetItem" and not all(map(_is_remainder, found["UnprocessedKeys"].values())):
        return False
    return all(map(_is_item, _list_items(operation, found)))


def _list_items(operation: str, found: Mapping[str, Any]) -> list[object]:
    if operation == "BatchGetItem":
        tables = found["Responses"].values()
        return [item for items in tables for item in (items if isinstance(items, list) else [items])]
    if operation == "TransactGetItems":
        return [each.get("Item", {}) if isinstance(each, dict) else each for each in found["Responses"]]
    return found["Items"] if operation == "Query" else [found.get("Item", {})]


def _is_remainder(node: object) -> bool:
    """Whether these are keys of a table that a batch left out."""
    keys = node.get("Keys") if isinstance(node, dict) else None
    return isinstance(keys, list) and all(map(_is_item, keys))


def _is_item(node: object) -> bool:
    return isinstance(node, dict) and all(isinstance(attribute, dict) for attribute in node.values())


def _encode_binary(value: object) -> str:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise TypeError(f"DynamoDB takes no {type(value).__name__}")


def _decode_binary(node: dict[str, Any]) -> dict[str, Any]:
    """Decodes the attribute of a binary value. An attribute named B has an object for a value, not a text."""
    if len(node) == 1 and isinstance(node.get("B"), str):
        return {"B": b64decode(node["B"], validate=True)}
    return node
