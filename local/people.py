"""People: each an IAM user with keys, and an API key of their own in the usage plan."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_apigateway.type_defs import ApiKeyTypeDef
    from mypy_boto3_iam import IAMClient

_POLICY = "configsvc"


class Person(NamedTuple):
    """Who writes: IAM credentials and an API key. `repr` shows no secret."""

    name: str
    arn: str
    access_key: str
    secret_key: str
    api_key_id: str
    api_key: str
    session_token: str | None = None

    def __repr__(self) -> str:
        return f"Person(name={self.name!r}, arn={self.arn!r}, api_key_id={self.api_key_id!r})"


class ApiKey(NamedTuple):
    """An API key; `repr` shows its id only."""

    identifier: str
    value: str

    def __repr__(self) -> str:
        return f"ApiKey(identifier={self.identifier!r})"


Statement = dict[str, object]


def invoke(api_arn: str, *routes: str) -> Statement:
    """A statement that allows routes of the deployed stage, such as `PUT/v1/namespaces/payments.*`."""
    return {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": [f"{api_arn}/{route}" for route in routes]}


def use_kms_key(kms_key_arn: str, namespaces: str, *actions: str) -> Statement:
    """A statement that allows KMS actions under the encryption context of the namespaces, and no other."""
    return {
        "Effect": "Allow",
        "Action": [f"kms:{action}" for action in actions],
        "Resource": kms_key_arn,
        "Condition": {"StringLike": {"kms:EncryptionContext:configsvc:namespace": namespaces}},
    }


def make_person(
    iam: IAMClient, apigateway: APIGatewayClient, plan: str, name: str, statements: list[Statement]
) -> Person:
    """A user with these rights, new IAM keys, and an API key. An earlier one of that name is given new IAM keys."""
    try:
        iam.create_user(UserName=name)
    except iam.exceptions.EntityAlreadyExistsException:
        _forget_access_keys(iam, name)
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=name, PolicyName=_POLICY, PolicyDocument=document)
    made = iam.create_access_key(UserName=name)["AccessKey"]
    api_key = make_api_key(apigateway, plan, name)
    arn = iam.get_user(UserName=name)["User"]["Arn"]
    return Person(name, arn, made["AccessKeyId"], made["SecretAccessKey"], api_key.identifier, api_key.value)


def make_api_key(apigateway: APIGatewayClient, plan: str, name: str) -> ApiKey:
    """The API key of that name, made and joined to the usage plan where there is none."""
    for found in api_keys(apigateway, name):
        if found.get("name") == name:
            return ApiKey(found["id"], found["value"])
    made = apigateway.create_api_key(name=name, enabled=True)
    apigateway.create_usage_plan_key(usagePlanId=plan, keyId=made["id"], keyType="API_KEY")
    return ApiKey(made["id"], made["value"])


def api_keys(apigateway: APIGatewayClient, beginning: str = "") -> Iterator[ApiKeyTypeDef]:
    """Every API key whose name begins so, with its value; a page of the listing has 25."""
    for page in apigateway.get_paginator("get_api_keys").paginate(nameQuery=beginning, includeValues=True):
        yield from page["items"]


def remove_person(iam: IAMClient, apigateway: APIGatewayClient, person: Person) -> None:
    """The user that make_person made, with everything that it made for it."""
    _forget_access_keys(iam, person.name)
    iam.delete_user_policy(UserName=person.name, PolicyName=_POLICY)
    iam.delete_user(UserName=person.name)
    apigateway.delete_api_key(apiKey=person.api_key_id)


def _forget_access_keys(iam: IAMClient, name: str) -> None:
    for old in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=old["AccessKeyId"])
