"""A typical app to compare with: Chalice, a boto3 client and pydantic models, on the libraries of the real zip."""

from __future__ import annotations

import json
import os
from typing import Any, Literal

import boto3
from chalice.app import Chalice, IAMAuthorizer, Response
from pydantic import BaseModel, Field

app = Chalice("plain")
table = boto3.client("dynamodb")


class Value(BaseModel):
    """One value."""

    key: str = Field(pattern="^[A-Za-z0-9_.-]+$", max_length=255)
    version: int
    form: Literal["plain", "kms", "envelope"]
    content_type: str
    value: str


class Snapshot(BaseModel):
    """All values of a namespace."""

    namespace: str
    revision: int
    entries: list[Value]


class Put(BaseModel):
    """The body of a write."""

    form: Literal["plain", "kms", "envelope"]
    content_type: str = "text/plain"
    value: str
    message: str = ""


@app.route("/v1/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.route("/v1/namespaces/{namespace}/snapshot", api_key_required=True)
def snapshot(namespace: str) -> Response:
    names, values = {"#pk": "pk", "#sk": "sk"}, {":pk": {"S": f"N#{namespace}"}, ":prefix": {"S": "K#"}}
    table.get_item(TableName=os.environ["CONFIGSVC_TABLE"], Key={"pk": {"S": f"N#{namespace}"}, "sk": {"S": "HEAD"}})
    found = table.query(
        TableName=os.environ["CONFIGSVC_TABLE"], KeyConditionExpression="#pk = :pk AND begins_with(#sk, :prefix)",
        ExpressionAttributeNames=names, ExpressionAttributeValues=values,
    )  # fmt: skip
    entries = [_value(item) for item in found["Items"]]
    return Response(Snapshot(namespace=namespace, revision=1, entries=entries).model_dump_json(), status_code=200)


def _value(item: Any) -> Value:  # noqa: ANN401  # an item of DynamoDB
    key, value = item["sk"]["S"].removeprefix("K#"), item.get("value", {}).get("S", "")
    return Value(key=key, version=1, form="plain", content_type="text/plain", value=value)


@app.route("/v1/namespaces/{namespace}/keys/{key}", methods=["PUT"], api_key_required=True, authorizer=IAMAuthorizer())
def put(namespace: str, key: str) -> dict[str, str]:
    request = app.current_request
    assert request  # noqa: S101  # Chalice says that it may be None
    body = Put.model_validate(json.loads(request.raw_body))
    item = {"pk": {"S": f"N#{namespace}"}, "sk": {"S": f"K#{key}"}, "value": {"S": body.value}}
    table.put_item(TableName=os.environ["CONFIGSVC_TABLE"], Item=item)
    return {"key": key}
