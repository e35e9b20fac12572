"""People: each an IAM user with keys, and an API key in the usage plan."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_apigateway.type_defs import ApiKeyTypeDef
    from mypy_boto3_iam import IAMClient


_POLICY = "configsvc"


class Person(NamedTuple):
    """A person: IAM credentials and an API key. `repr` shows no secret."""

    name: str
    arn: str
    access_key: str
    secret_key: str
    api_key_id: str
    api_key: str
    session_token: str | None = None

    def __repr__(self) -> str:
        return f"Person(name={self.name!r}, arn={self.arn!r}, api_key_id={self.api_key_id!r})"


class User(NamedTuple):
    """An IAM user with a key; `repr` shows no secret."""

    arn: str
    access_key: str
    secret_key: str

    def __repr__(self) -> str:
        return f"User(arn={self.arn!r})"


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
    iam: IAMClient, apigateway: APIGatewayClient, plan: str, name: str, statements: Sequence[Statement] = (), *,
    policies: Sequence[str] = (),
) -> Person:  # fmt: skip
    """Make a user with these rights, new IAM keys, and an API key. An earlier one of that name loses all others.

    Args:
        iam: of the account.
        apigateway: the same.
        plan: the usage plan that the API key joins.
        name: of the user and of the API key.
        statements: a policy of the user's own.
        policies: ARNs of managed policies.
    """
    user = make_user(iam, name, statements, policies=policies)
    api_key = make_api_key(apigateway, plan, name)
    return Person(name, user.arn, user.access_key, user.secret_key, api_key.identifier, api_key.value)


def make_user(iam: IAMClient, name: str, statements: Sequence[Statement] = (), *, policies: Sequence[str] = ()) -> User:
    """Make a user with these rights and new IAM keys, and no API key. An earlier one of that name loses its own."""
    try:
        iam.create_user(UserName=name)
    except iam.exceptions.EntityAlreadyExistsException:
        _forget(iam, name)
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_user_policy(UserName=name, PolicyName=_POLICY, PolicyDocument=document)
    for policy in policies:
        iam.attach_user_policy(UserName=name, PolicyArn=policy)
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return User(iam.get_user(UserName=name)["User"]["Arn"], made["AccessKeyId"], made["SecretAccessKey"])


def make_api_key(apigateway: APIGatewayClient, plan: str, name: str) -> ApiKey:
    """Return the API key of that name in the usage plan. Creates and adds it if missing."""
    key = _find_api_key(apigateway, name)
    if key is None:
        made = apigateway.create_api_key(name=name, enabled=True)
        key = ApiKey(made["id"], made["value"])
    _add_to_usage_plan(apigateway, plan, key)
    return key


def _find_api_key(apigateway: APIGatewayClient, name: str) -> ApiKey | None:
    for found in api_keys(apigateway, name):
        if found.get("name") == name:
            return ApiKey(found["id"], found["value"])
    return None


def _add_to_usage_plan(apigateway: APIGatewayClient, plan: str, key: ApiKey) -> None:
    """Add the key to the plan. One that outlived its stack is in no plan of the new one."""
    for page in apigateway.get_paginator("get_usage_plan_keys").paginate(usagePlanId=plan):
        if any(each["id"] == key.identifier for each in page["items"]):
            return
    apigateway.create_usage_plan_key(usagePlanId=plan, keyId=key.identifier, keyType="API_KEY")


def api_keys(apigateway: APIGatewayClient, beginning: str = "") -> Iterator[ApiKeyTypeDef]:
    """Yield every API key whose name begins so, with its value; a page of the listing has 25."""
    for page in apigateway.get_paginator("get_api_keys").paginate(nameQuery=beginning, includeValues=True):
        yield from page["items"]


def remove_person(iam: IAMClient, apigateway: APIGatewayClient, name: str) -> None:
    """Remove the user and the API key of make_person, as far as it got."""
    with suppress(iam.exceptions.NoSuchEntityException):
        _forget(iam, name)
        iam.delete_user(UserName=name)
    remove_api_key(apigateway, name)


def remove_api_key(apigateway: APIGatewayClient, name: str) -> None:
    """Remove the API key of make_api_key, if there is one."""
    for found in [each for each in api_keys(apigateway, name) if each.get("name") == name]:
        apigateway.delete_api_key(apiKey=found["id"])


def _forget(iam: IAMClient, name: str) -> None:
    """Delete the user's keys and rights."""
    for old in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=old["AccessKeyId"])
    for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=policy)
    for attached in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
        iam.detach_user_policy(UserName=name, PolicyArn=attached["PolicyArn"])


_EVERYTHING = ("*",)
_NO_GRANTS = tuple(f"{method}/v1/{what}" for method in ("PUT", "POST", "DELETE") for what in ("namespaces*", "whoami"))


class Place(NamedTuple):
    """A deployed service, as far as creating people for it needs."""

    url: str
    region: str
    api_arn: str
    usage_plan: str


class Cast(NamedTuple):
    """The four of the journeys (tests/support/journeys/stage.py)."""

    admin: Person
    writer: Person
    stranger: Person
    reader: ApiKey


class Caller(NamedTuple):
    """The identity that runs the journeys: its credentials, and its ARN from STS."""

    arn: str
    access_key: str
    secret_key: str
    session_token: str | None


class Casting(NamedTuple):
    """Makes people in an account, and removes them.

    Args:
        iam: a client of the account.
        apigateway: the same.
        place: where they are to play.
        admin: the caller, who is the administrator; or the beginning of the name of a user to make.
    """

    iam: IAMClient
    apigateway: APIGatewayClient
    place: Place
    admin: Caller | str

    @contextmanager
    def people(self) -> Iterator[Cast]:
        """Four people with unique names, for the duration of the block."""
        run = uuid4().hex[:8]
        with ExitStack() as made:
            admin = self._administrator(made, run)
            writer = self._person(made, f"journeys-writer-{run}", _NO_GRANTS)
            stranger = self._person(made, f"journeys-stranger-{run}", _EVERYTHING)
            yield Cast(admin, writer, stranger, self._api_key(made, f"journeys-reader-{run}"))

    def _administrator(self, made: ExitStack, run: str) -> Person:
        if isinstance(self.admin, str):
            return self._person(made, f"{self.admin}{run}", _EVERYTHING)
        key = self._api_key(made, f"journeys-admin-{run}")
        caller = self.admin
        return Person("", caller.arn, caller.access_key, caller.secret_key, *key, caller.session_token)

    def _person(self, made: ExitStack, name: str, routes: tuple[str, ...]) -> Person:
        statements = [invoke(self.place.api_arn, *routes)]
        made.callback(remove_person, self.iam, self.apigateway, name)  # first: it may be made in part
        return make_person(self.iam, self.apigateway, self.place.usage_plan, name, statements)

    def _api_key(self, made: ExitStack, name: str) -> ApiKey:
        made.callback(remove_api_key, self.apigateway, name)
        return make_api_key(self.apigateway, self.place.usage_plan, name)


def write_stage(path: Path, place: Place, cast: Cast) -> None:
    """The stage file that the journeys read, for its owner only: it holds keys."""
    people = {name: each._asdict() for name, each in cast._asdict().items()}
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"url": place.url, "region": place.region, **people}, file, indent=1)
