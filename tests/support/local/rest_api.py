"""A REST API with one open and one keyed method, in front of a function that answers its event's identity."""

import http.client
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import boto3
from mypy_boto3_apigateway import APIGatewayClient
from mypy_boto3_apigateway.type_defs import PatchOperationTypeDef

from local.clients import REGION, make_client_arguments
from tests.support.local.aws_people import new_role

_SOURCE = """
import json

def handler(event, context):
    return {"statusCode": 200, "body": json.dumps(event["requestContext"]["identity"])}
"""


@dataclass(frozen=True)
class ApiKey:
    id: str
    value: str


@dataclass(frozen=True)
class RestApi:
    """A deployed API; /open asks for no API key, /keyed for one of the plan's."""

    url: str
    id: str
    plan: str

    def new_key(self) -> ApiKey:
        client = _gateway(self.url)
        key = client.create_api_key(name=uuid4().hex, enabled=True)
        client.create_usage_plan_key(usagePlanId=self.plan, keyId=key["id"], keyType="API_KEY")
        return ApiKey(key["id"], key["value"])

    def set_enabled(self, key: ApiKey, value: str) -> None:
        """Change it as the AWS CLI does: the value is text."""
        operation: PatchOperationTypeDef = {"op": "replace", "path": "/enabled", "value": value}
        _gateway(self.url).update_api_key(apiKey=key.id, patchOperations=[operation])

    def get(self, path: str, headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """Status and JSON body."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        connection.request("GET", f"/_aws/execute-api/{self.id}/api{path}", headers=dict(headers))
        answer = connection.getresponse()
        body = json.loads(answer.read())
        connection.close()
        return answer.status, body


def deploy_rest_api(url: str) -> RestApi:
    client = _gateway(url)
    api = client.create_rest_api(name=uuid4().hex)["id"]
    root = client.get_resources(restApiId=api)["items"][0]["id"]
    function = _function(url)
    _method(client, api, root, "open", function, key=False)
    _method(client, api, root, "keyed", function, key=True)
    client.create_deployment(restApiId=api, stageName="api")
    plan = client.create_usage_plan(name=uuid4().hex, apiStages=[{"apiId": api, "stage": "api"}])["id"]
    return RestApi(url, api, plan)


def _gateway(url: str) -> APIGatewayClient:
    return boto3.client("apigateway", **make_client_arguments(url))


def _method(client: APIGatewayClient, api: str, root: str, part: str, function: str, *, key: bool) -> None:
    resource = client.create_resource(restApiId=api, parentId=root, pathPart=part)["id"]
    client.put_method(
        restApiId=api, resourceId=resource, httpMethod="GET", authorizationType="NONE", apiKeyRequired=key
    )
    client.put_integration(
        restApiId=api,
        resourceId=resource,
        httpMethod="GET",
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function}/invocations",
    )


def _function(url: str) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("main.py", _SOURCE)
    function = boto3.client("lambda", **make_client_arguments(url)).create_function(
        FunctionName=f"identity-{uuid4().hex[:12]}",
        Runtime="python3.11",
        Role=new_role(url),
        Handler="main.handler",
        Code={"ZipFile": packed.getvalue()},
    )
    return function["FunctionArn"]
