"""People for a run are made, and gone when it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest

from infra.packaging.service_zip import REGION
from local.clients import make_client_arguments
from local.people import Caller, Casting, Place, api_keys, make_api_key, write_stage
from local.stack import LocalStack
from tests.support.account import user_names
from tests.support.fixtures.deployed import Deployed
from tests.support.journeys.stage import Stage, region_in

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_iam import IAMClient

pytestmark = [pytest.mark.emulator, pytest.mark.deployed]


def _casting(stack: LocalStack, admin: Caller | str) -> Casting:
    arguments = make_client_arguments(stack.endpoint)
    place = Place(stack.url, REGION, stack.api_arn, stack.usage_plan)
    return Casting(boto3.client("iam", **arguments), boto3.client("apigateway", **arguments), place, admin)


def _who_is_there(stack: LocalStack) -> tuple[set[str], set[str]]:
    arguments = make_client_arguments(stack.endpoint)
    keys = api_keys(boto3.client("apigateway", **arguments))
    return user_names(boto3.client("iam", **arguments)), {each["id"] for each in keys}


def _play_and_fail(casting: Casting, stack: LocalStack) -> None:
    with casting.people() as cast:
        users, keys = _who_is_there(stack)
        assert {cast.writer.name, cast.stranger.name} <= users
        assert {cast.admin.api_key_id, cast.reader.identifier} <= keys
        raise ZeroDivisionError


@pytest.mark.parametrize("admin", ["of-cast-", Caller("arn:aws:iam::000000000000:role/Me", "AKIA", "secret", "token")])
def test_people_are_removed_when_a_run_ends_or_fails(deployed: Deployed, admin: Caller | str) -> None:
    before = _who_is_there(deployed.stack)

    with pytest.raises(ZeroDivisionError):
        _play_and_fail(_casting(deployed.stack, admin), deployed.stack)

    assert _who_is_there(deployed.stack) == before


class Failing:
    """A client of boto3 for somebody who may not make one thing."""

    def __init__(self, client: Any, refused: str) -> None:  # noqa: ANN401  # one of boto3's many
        self._client = client
        self._refused = refused

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # one of its calls
        if name == self._refused:
            raise ZeroDivisionError
        return getattr(self._client, name)


@pytest.mark.parametrize("refused", ["create_access_key", "create_usage_plan_key"])
def test_partly_made_people_are_removed_too(deployed: Deployed, refused: str) -> None:
    casting, before = _casting(deployed.stack, "of-cast-"), _who_is_there(deployed.stack)
    iam, apigateway = Failing(casting.iam, refused), Failing(casting.apigateway, refused)
    failing = casting._replace(iam=cast("IAMClient", iam), apigateway=cast("APIGatewayClient", apigateway))

    with pytest.raises(ZeroDivisionError), failing.people():
        pass

    assert _who_is_there(deployed.stack) == before


def test_the_caller_is_the_administrator_with_an_api_key_for_the_run(deployed: Deployed) -> None:
    caller = Caller("arn:aws:iam::000000000000:role/Me", "AKIA", "secret", "token")
    with _casting(deployed.stack, caller).people() as cast:
        assert (cast.admin.arn, cast.admin.access_key, cast.admin.session_token) == (caller.arn, "AKIA", "token")
        assert cast.admin.api_key_id not in {cast.writer.api_key_id, cast.reader.identifier}


def test_an_api_key_is_found_beyond_the_first_page(deployed: Deployed) -> None:
    stack = deployed.stack
    apigateway = boto3.client("apigateway", **make_client_arguments(stack.endpoint))
    keys = [make_api_key(apigateway, stack.usage_plan, f"of-a-page{n:02d}") for n in range(26)]
    keys.append(make_api_key(apigateway, stack.usage_plan, "of-a-page"))

    try:
        assert make_api_key(apigateway, stack.usage_plan, "of-a-page") == keys[-1]
    finally:
        for key in keys:
            apigateway.delete_api_key(apiKey=key.identifier)


def test_an_api_key_that_outlived_its_stack_joins_the_new_usage_plan(deployed: Deployed) -> None:
    apigateway = boto3.client("apigateway", **make_client_arguments(deployed.stack.endpoint))
    old, new = (apigateway.create_usage_plan(name=f"of-outliving-{n}")["id"] for n in range(2))
    key = make_api_key(apigateway, old, "of-outliving")
    apigateway.delete_usage_plan(usagePlanId=old)

    try:
        assert [make_api_key(apigateway, new, "of-outliving") for _ in range(2)] == [key, key]
        assert [each["id"] for each in apigateway.get_usage_plan_keys(usagePlanId=new)["items"]] == [key.identifier]
    finally:
        apigateway.delete_api_key(apiKey=key.identifier)
        apigateway.delete_usage_plan(usagePlanId=new)


def test_the_stage_file_is_private_and_reads_back(deployed: Deployed, tmp_path: Path) -> None:
    casting, file = _casting(deployed.stack, "of-cast-"), tmp_path / "stage.json"
    with casting.people() as cast:
        write_stage(file, casting.place, cast)

    assert file.stat().st_mode & 0o777 == 0o600
    assert Stage.from_file(file)[1:5] == cast
    assert Stage.from_file(file, "https://other.example/api/").url == "https://other.example/api"


def test_the_region_comes_from_the_api_s_url_or_the_file(tmp_path: Path) -> None:
    person = dict.fromkeys(("name", "arn", "access_key", "secret_key", "api_key_id", "api_key"), "x")
    held = {"reader": {"identifier": "x", "value": "x"}} | dict.fromkeys(("admin", "writer", "stranger"), person)
    (tmp_path / "stage.json").write_text(json.dumps(held))

    url = "https://abc.execute-api.eu-west-1.amazonaws.com/api"
    assert Stage.from_file(tmp_path / "stage.json", url).region == "eu-west-1"
    assert region_in("https://config.example.com") is None
