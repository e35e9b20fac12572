"""A bad release on the emulator: it is rolled back, the API serves the good one again, and the next one deploys."""

from __future__ import annotations

import copy
import hashlib
import http.client
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any, NamedTuple

import boto3
import pytest

from infra.cloudformation import scheduled
from infra.deployment import history
from infra.deployment.deploy import Service, deploy_service, plan_service
from infra.deployment.records import Deployment, RecordError, encode
from infra.deployment.release import Site
from infra.deployment.rollback import list_deployments, roll_back
from infra.deployment.stack import Declined, Outcome, StackFailed
from infra.packaging.service_zip import Package
from infra.stage import parse
from local.clients import REGION, make_client_arguments
from local.emulator.launcher import Emulator
from local.network.loopback import LOOPBACK
from local.stack import make_target

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]

ADMIN = "arn:aws:iam::000000000000:user/first"
SECONDS = 60.0


class World(NamedTuple):
    """A stack of a test's own."""

    emulator: Emulator
    site: Site
    said: list[str]

    def client(self, service: str) -> Any:  # noqa: ANN401  # one of boto3's many
        return boto3.client(service, **make_client_arguments(self.emulator.url))  # type: ignore[call-overload]  # by name

    def deploy(self, package: Package, **parameters: str) -> Service:
        given = {"Admins": ADMIN, **parameters}
        return deploy_service(
            self.site.target, self.site.stage.stack, package, given, SECONDS, emulator=True
        )  # fmt: skip

    def roll_back(self, to: int | None = None) -> Service | None:
        return roll_back(self.site, to, lambda _: True)

    def status(self, service: Service) -> int:
        """The status of a request through the gateway."""
        key = self.client("apigateway").get_api_key(apiKey=service.reader_key_id, includeValue=True)["value"]
        path = f"/_aws/execute-api/{service.rest_api_id}/api/v1/whoami"
        with closing(http.client.HTTPConnection(LOOPBACK, self.emulator.port, timeout=30)) as connection:
            connection.request("GET", path, headers={"x-api-key": key})
            return connection.getresponse().status

    def numbers(self) -> list[int]:
        return history.records_of(self.site.target, self.site.stage.stack).numbers()

    def served(self, service: Service) -> dict[str, str]:
        found = self.client("lambda").get_function_configuration(FunctionName=service.function_name, Qualifier="live")
        variables: dict[str, str] = found["Environment"]["Variables"]
        return variables


@pytest.fixture(scope="module")
def make_world(emulator: Emulator) -> Callable[[str], World]:
    def make(name: str) -> World:
        said = list[str]()
        target = make_target(emulator.url, said.append)
        site = Site(parse({"name": "test", "stack": name}), target, REGION, said.append, emulator.url)
        return World(emulator, site, said)

    return make


def break_handler(package: Package) -> Package:
    """A release that fails at every request: its handler does not exist."""
    sam = copy.deepcopy(package.template)
    sam["Resources"]["APIHandler"]["Properties"]["Handler"] = "app.none"
    return replace(package, template=sam)


def test_a_bad_release_is_rolled_back_and_the_next_one_deploys(
    make_world: Callable[[str], World], built_package: Package
) -> None:
    world = make_world("rollback-bad")
    service = world.deploy(built_package)
    assert world.status(service) == 200
    world.deploy(break_handler(built_package), LogLevel="debug")
    assert world.status(service) >= 500
    assert world.numbers() == [1, 2]

    again = world.roll_back()
    assert again is not None
    assert again.outcome is Outcome.UPDATED
    assert world.status(service) == 200
    assert world.served(service)["CONFIGSVC_LOG_LEVEL"] == "info"
    assert "LogLevel: debug becomes info" in "\n".join(world.said)
    assert world.numbers() == [1, 2, 3]

    third = world.deploy(built_package, LogLevel="debug")
    assert third.outcome is Outcome.UPDATED
    assert world.status(service) == 200
    assert world.served(service)["CONFIGSVC_LOG_LEVEL"] == "debug"
    list_deployments(world.site)
    assert world.said[-4].endswith("serves now")
    assert "rollback to 1" in world.said[-3]


def test_a_second_rollback_goes_further_back_and_a_number_goes_anywhere(
    make_world: Callable[[str], World], built_package: Package
) -> None:
    world = make_world("rollback-twice")
    service = world.deploy(built_package, ChangeLogDays="1")
    for each in ("2", "3"):
        world.deploy(built_package, ChangeLogDays=each)

    def days() -> str:
        return world.served(service)["CONFIGSVC_CHANGE_LOG_DAYS"]

    world.roll_back()
    assert days() == "2"
    world.roll_back()
    assert days() == "1", "not forward again to 3"
    with pytest.raises(Declined, match="No good deployment is recorded before"):
        world.roll_back()
    world.roll_back(to=3)
    assert days() == "3"
    with pytest.raises(RecordError, match=r"Record 9 of rollback-twice .* is missing"):
        world.roll_back(to=9)
    assert world.deploy(built_package, ChangeLogDays="3").outcome is Outcome.UNCHANGED


def test_a_rollback_across_a_rotation_locks_nobody_out(
    make_world: Callable[[str], World], built_package: Package
) -> None:
    world = make_world("rollback-proof")
    service = world.deploy(built_package, ChangeLogDays="1")
    then = world.served(service)["CONFIGSVC_PROOF_SHA256"]
    world.deploy(built_package, ChangeLogDays="2", GatewayProofGeneration="2")
    world.deploy(built_package, ChangeLogDays="2", GatewayProofGeneration="2")
    now = world.served(service)["CONFIGSVC_PROOF_SHA256"]
    assert then not in now

    world.roll_back()

    assert world.served(service)["CONFIGSVC_CHANGE_LOG_DAYS"] == "1"
    assert world.served(service)["CONFIGSVC_PROOF_SHA256"] == now
    assert world.status(service) == 200
    # CloudFormation has now what a deployment of the good code with today's proof would have made. AWS publishes no
    # second version of the same content under another name.
    assert world.deploy(built_package, ChangeLogDays="1", GatewayProofGeneration="2").outcome is Outcome.UNCHANGED


def test_a_rollback_gives_no_administrator_his_rights_back(
    make_world: Callable[[str], World], built_package: Package
) -> None:
    world = make_world("rollback-admins")
    service = world.deploy(built_package, Admins=f"{ADMIN},{ADMIN}-leaked", ChangeLogDays="1")
    world.deploy(built_package, Admins=ADMIN, ChangeLogDays="2")
    world.roll_back()
    assert world.served(service)["CONFIGSVC_CHANGE_LOG_DAYS"] == "1"
    assert world.served(service)["CONFIGSVC_ADMINS"] == ADMIN


def test_a_failed_or_declined_deployment_is_not_recorded_and_is_no_place_to_go_back_from(
    make_world: Callable[[str], World], built_package: Package
) -> None:
    world = make_world("rollback-failed")
    service = world.deploy(built_package, ChangeLogDays="1")
    world.deploy(built_package, ChangeLogDays="2")
    refusing = world._replace(site=replace(world.site, target=replace(world.site.target, approve=lambda _: False)))
    with pytest.raises(Declined):
        refusing.deploy(built_package, ChangeLogDays="3")
    sam = copy.deepcopy(built_package.template)
    sam["Resources"]["Wrong"] = {
        "Type": "AWS::ApiGateway::GatewayResponse", "Properties": {"RestApiId": "none", "ResponseType": "THROTTLED"}
    }  # fmt: skip
    with pytest.raises(StackFailed):
        world.deploy(replace(built_package, template=sam), ChangeLogDays="3")
    assert world.numbers() == [1, 2]

    assert world.roll_back() is None, "CloudFormation went back itself; a script must not go back twice"
    assert world.served(service)["CONFIGSVC_CHANGE_LOG_DAYS"] == "2"
    assert "TO=NUMBER" in world.said[-1]
    world.roll_back(to=1)
    assert world.served(service)["CONFIGSVC_CHANGE_LOG_DAYS"] == "1"


def test_a_deployment_whose_process_died_is_recorded_by_the_next_command(
    make_world: Callable[[str], World], built_package: Package
) -> None:
    world = make_world("rollback-killed")
    service = world.deploy(built_package, ChangeLogDays="1")

    class Killed(BaseException):
        pass

    def die(text: str) -> None:
        if text.endswith("updated"):
            raise Killed

    dying = world._replace(site=replace(world.site, target=replace(world.site.target, progress=die)))
    with pytest.raises(Killed):
        dying.deploy(built_package, ChangeLogDays="2")
    assert world.numbers() == [1]
    world.deploy(break_handler(built_package), ChangeLogDays="3")
    assert world.numbers() == [1, 2, 3]
    world.roll_back()
    assert world.served(service)["CONFIGSVC_CHANGE_LOG_DAYS"] == "2"


def test_what_was_deleted_from_the_bucket_is_named_and_nothing_changes(
    make_world: Callable[[str], World], built_package: Package
) -> None:
    world = make_world("rollback-deleted")
    service = world.deploy(built_package, ChangeLogDays="1")
    world.deploy(built_package, ChangeLogDays="2")
    s3, bucket = world.client("s3"), world.site.target.bucket
    template = history.records_of(world.site.target, "rollback-deleted").read(1).template
    kept = s3.get_object(Bucket=bucket, Key=template)["Body"].read()
    s3.put_object(Bucket=bucket, Key=template, Body=kept + b" ")
    with pytest.raises(RecordError, match=r"was replaced.*make rollback STAGE=test TO=NUMBER"):
        world.roll_back()
    s3.delete_object(Bucket=bucket, Key=template)
    with pytest.raises(RecordError, match=rf"{template} was deleted"):
        world.roll_back()
    record = "rollback-deleted/deployments/00000001.json"
    s3.put_object(Bucket=bucket, Key=record, Body=b'{"number": 1}')
    with pytest.raises(RecordError, match=r"Record 1 of rollback-deleted .* is damaged"):
        world.roll_back()
    list_deployments(world.site)
    assert "is damaged" in world.said[-1]
    assert world.served(service)["CONFIGSVC_CHANGE_LOG_DAYS"] == "2"


def test_a_rollback_never_goes_to_another_table_or_key(
    make_world: Callable[[str], World], built_package: Package
) -> None:
    world = make_world("rollback-table")
    service = world.deploy(built_package)
    sam = json.loads(json.dumps(built_package.template))
    sam["Outputs"]["TableName"]["Value"] = "restored-table"
    world.deploy(replace(built_package, template=sam), LogLevel="debug")
    with pytest.raises(Declined, match=r"does not use the table that is in use now \(restored-table\)") as refused:
        world.roll_back()
    assert "make deploy STAGE=test CANARY=no" in str(refused.value)
    assert world.served(service)["CONFIGSVC_LOG_LEVEL"] == "debug"


def test_a_rollback_deletes_no_api_key(make_world: Callable[[str], World], built_package: Package) -> None:
    world = make_world("rollback-key")
    world.deploy(built_package)
    sam = json.loads(json.dumps(built_package.template))
    sam["Resources"]["AnotherKey"] = {"Type": "AWS::ApiGateway::ApiKey", "Properties": {"Enabled": True}}
    world.deploy(replace(built_package, template=sam))
    with pytest.raises(Declined, match="would delete AnotherKey, an API key"):
        world.roll_back()


def test_the_probe_and_its_own_key_go_and_come_with_a_rollback(
    make_world: Callable[[str], World], built_package: Package
) -> None:
    """Its key has no other user. Else nobody could go back to a release, or a stage, without the probe."""
    world = make_world("rollback-probe")
    without = copy.deepcopy(built_package.template)
    scheduled.add(without, parse({"stack": "rollback-probe", "probe": {"enabled": False}}))
    service = world.deploy(replace(built_package, template=without))
    world.deploy(built_package)
    stack = world.site.target.stack("rollback-probe")
    assert {"Probe", "ProbeKey"} <= stack.made().keys()
    world.roll_back()
    assert not {"Probe", "ProbeKey"} & stack.made().keys()
    assert world.status(service) == 200
    world.roll_back(to=2)
    assert {"Probe", "ProbeKey"} <= stack.made().keys()


def test_a_plan_is_left_and_can_be_executed_and_deployed_over(
    make_world: Callable[[str], World], built_package: Package
) -> None:
    world = make_world("plan-new")
    target, stack = world.site.target, "plan-new"

    def plan(**parameters: str) -> str | None:
        given = {"Admins": ADMIN, **parameters}
        return plan_service(target, stack, built_package, given, SECONDS, emulator=True)

    left = plan()
    assert left is not None
    assert target.stack(stack).status() == "REVIEW_IN_PROGRESS"
    with pytest.raises(Declined, match="never deployed completely"):
        world.roll_back()
    service = world.deploy(built_package)
    assert service.outcome is Outcome.CREATED
    assert world.status(service) == 200
    assert plan() is None

    left = plan(LogLevel="debug")
    assert world.served(service)["CONFIGSVC_LOG_LEVEL"] == "info"
    world.client("cloudformation").execute_change_set(StackName=stack, ChangeSetName=left)
    assert target.stack(stack).settle(SECONDS) == "UPDATE_COMPLETE"
    assert world.served(service)["CONFIGSVC_LOG_LEVEL"] == "debug"
    world.roll_back()
    assert world.served(service)["CONFIGSVC_LOG_LEVEL"] == "info", "who executed it is not known, and it is recorded"


def test_an_alias_that_was_moved_by_hand_is_put_right_by_the_next_deployment(
    make_world: Callable[[str], World], built_package: Package
) -> None:
    world = make_world("alias-moved")
    service = world.deploy(built_package, ChangeLogDays="1")
    world.deploy(built_package, ChangeLogDays="2")
    functions = world.client("lambda")

    def days() -> str:
        return world.served(service)["CONFIGSVC_CHANGE_LOG_DAYS"]

    def move(version: str, **weights: float) -> None:
        routing = {"AdditionalVersionWeights": {name.removeprefix("v"): share for name, share in weights.items()}}
        functions.update_alias(
            FunctionName=service.function_name, Name="live", FunctionVersion=version, RoutingConfig=routing
        )  # fmt: skip

    move("1")
    assert days() == "1"
    assert world.deploy(built_package, ChangeLogDays="2").outcome is Outcome.UNCHANGED
    assert days() == "2"
    assert "was changed by hand" in "\n".join(world.said)

    move("1", v2=0.5)
    world.deploy(built_package, ChangeLogDays="3")
    assert days() == "3"
    assert "RoutingConfig" not in functions.get_alias(FunctionName=service.function_name, Name="live")

    move("1", v2=0.5)
    world.roll_back()
    assert days() == "2"
    assert "RoutingConfig" not in functions.get_alias(FunctionName=service.function_name, Name="live")


class ForgedStack(NamedTuple):
    """A stack with two deployments, and what somebody does who writes to the bucket."""

    world: World
    true: Deployment
    template: dict[str, Any]

    def put(self, content: bytes, suffix: str) -> str:
        """The key of the content in the bucket."""
        key = f"{_FORGED}/{hashlib.sha256(content).hexdigest()}{suffix}"
        self.world.client("s3").put_object(Bucket=self.world.site.target.bucket, Key=key, Body=content)
        return key

    def record(self, forged: Deployment) -> None:
        """Replace the first record."""
        key = f"{_FORGED}/deployments/00000001.json"
        bucket = self.world.site.target.bucket
        self.world.client("s3").put_object(Bucket=bucket, Key=key, Body=encode(forged))


_FORGED = "rollback-forged-template"


@pytest.fixture(scope="module")
def forged_stack(make_world: Callable[[str], World], built_package: Package) -> ForgedStack:
    world = make_world(_FORGED)
    for days in ("1", "2"):
        world.deploy(built_package, ChangeLogDays=days)
    held = history.records_of(world.site.target, _FORGED)
    true = held.read(1)
    return ForgedStack(world, true, json.loads(held.fetch(true.template)))


def test_whoever_writes_to_the_bucket_gets_no_other_code_deployed(
    make_world: Callable[[str], World], built_package: Package
) -> None:
    """A record, its template and its code can be forged together. Lambda's version cannot."""
    world = make_world("rollback-forged")
    service = world.deploy(built_package, ChangeLogDays="1")
    world.deploy(built_package, ChangeLogDays="2")
    target, s3 = world.site.target, world.client("s3")
    held = history.records_of(target, "rollback-forged")
    true = held.read(1)

    def put(content: bytes, suffix: str) -> str:
        key = f"rollback-forged/{hashlib.sha256(content).hexdigest()}{suffix}"
        s3.put_object(Bucket=target.bucket, Key=key, Body=content)
        return key

    code = put(b"a thief's zip", ".zip")
    text = held.fetch(true.template).decode().replace(true.code["APIHandler"], code)
    forged = true.model_copy(update={"template": put(text.encode(), ".json"), "code": {"APIHandler": code}})
    s3.put_object(Bucket=target.bucket, Key="rollback-forged/deployments/00000001.json", Body=encode(forged))
    with pytest.raises(RecordError, match="names other code than version 1"):
        world.roll_back()
    unknown = forged.model_copy(update={"version": "77"})
    s3.put_object(Bucket=target.bucket, Key="rollback-forged/deployments/00000001.json", Body=encode(unknown))
    refusing = world._replace(site=replace(world.site, target=replace(target, approve=lambda _: False)))
    with pytest.raises(Declined):
        refusing.roll_back()
    assert "only the bucket says" in "\n".join(world.said)
    assert world.served(service)["CONFIGSVC_CHANGE_LOG_DAYS"] == "2"


@pytest.mark.parametrize(
    ("function", "other"),
    [
        ("APIHandler", {"S3Key": "KEY"}),
        ("Upkeep", {"S3Key": "KEY"}),
        ("Probe", {"S3Bucket": "of-a-thief"}),
        ("Probe", {"S3ObjectVersion": "of-a-thief"}),
        ("Upkeep", {"ZipFile": "inline", "S3Key": None, "S3Bucket": None}),
    ],
)
@pytest.mark.parametrize("named", [True, False], ids=["named", "unnamed"])
def test_a_forged_template_gives_no_function_other_code(
    forged_stack: ForgedStack, function: str, other: dict[str, str | None], *, named: bool
) -> None:
    """The scheduled functions have no versions, and a record may not say what its template does."""
    record, template = forged_stack.true, copy.deepcopy(forged_stack.template)
    key = forged_stack.put(b"a thief's zip", ".zip")
    changed = template["Resources"][function]["Properties"]["Code"] | other
    code = {name: key if text == "KEY" else text for name, text in changed.items() if text is not None}
    template["Resources"][function]["Properties"]["Code"] = code
    if named and "S3Key" in code:
        record = record.model_copy(update={"code": {**record.code, function: code["S3Key"]}})
    forged = record.model_copy(update={"template": forged_stack.put(json.dumps(template).encode(), ".json")})
    forged_stack.record(forged)
    with pytest.raises(RecordError, match="names other code than version 1"):
        forged_stack.world.roll_back()
