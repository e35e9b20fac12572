"""`make deploy` and `make destroy`, on the emulator and without a reachable AWS."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import boto3
import pytest
from botocore.exceptions import ClientError

from infra import command
from infra.deployment import release
from infra.deployment.change_set import Change
from infra.deployment.deploy import Service, Target, deploy_service
from infra.deployment.destroy import WORD, destroy
from infra.deployment.release import Site
from infra.deployment.stack import Declined, Outcome, StackFailed
from infra.packaging.service_zip import Package
from infra.stage import parse
from local.clients import REGION, make_client_arguments
from local.emulator.launcher import Emulator
from local.people import api_keys
from local.stack import make_target
from tests.support.fixtures.package import ROOT

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

STAGE = parse(
    {
        "name": "command",
        "stack": "infra-command",
        "policies": ["payments.*"],
        "groups": [{"name": "team", "rate": 5, "burst": 5}],
        "function": {"memory_mb": 512, "canary": "Canary10Percent5Minutes"},
        "table": {"deletion_protection": True},
    }
)
ASKED = command.Asked("deploy", "command", yes=False, data="")


class World(NamedTuple):
    site: Site
    said: list[str]
    clients: Callable[[str], Any]

    def deploy(self, built: Package) -> Service:
        stage = self.site.stage
        templated = release.for_site(built, self.site)
        return deploy_service(self.site.target, stage.stack, templated, stage.parameters(), 60, emulator=True)

    def destroy(self, word: str, *, agreed: bool = True) -> None:
        destroy(self.site, self.clients("dynamodb"), self.clients("kms"), lambda _: agreed, word)

    def outputs(self) -> dict[str, str]:
        return self.site.target.stack(self.site.stage.stack).outputs()


class MayNotSchedule:
    """KMS for somebody who may not let keys go."""

    def __init__(self, kms: Any) -> None:  # noqa: ANN401  # a client of boto3
        self._kms = kms

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # one of its calls
        return getattr(self._kms, name)

    def schedule_key_deletion(self, **_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "No."}}, "ScheduleKeyDeletion")


@pytest.fixture
def world(emulator: Emulator) -> World:
    said = list[str]()
    arguments = make_client_arguments(emulator.url)

    def client(service: str) -> Any:  # noqa: ANN401  # one of boto3's many
        return boto3.client(service, **arguments)  # type: ignore[call-overload]  # by a name that is only known here

    return World(Site(STAGE, make_target(emulator.url, said.append), REGION, said.append, emulator.url), said, client)


def run(*arguments: str, module: str = "infra", **environment: str) -> subprocess.CompletedProcess[str]:
    held = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true", **environment}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, env=held, capture_output=True, text=True, check=False, timeout=60)


_UNREACHABLE = {
    "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_MAX_ATTEMPTS": "1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
}  # fmt: skip


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({}, "No region"),
        ({"AWS_REGION": "eu-west-1"}, "credentials"),
        ({"AWS_REGION": "eu-west-1", **_UNREACHABLE}, "make deploy: AWS cannot be reached: Could not connect"),
        ({"AWS_REGION": "eu-west-1", "AWS_PROFILE": "nobody"}, "nobody"),
    ],
)
def test_without_a_way_to_aws_it_refuses_and_says_what_is_missing(environment: dict[str, str], why: str) -> None:
    ran = run("deploy", "dev", **environment)
    assert ran.returncode == 1
    assert why in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_stage_that_is_none_is_refused_before_anything_else() -> None:
    ran = run("destroy", "nowhere")
    assert (ran.returncode, "There is no stage 'nowhere'" in ran.stderr) == (1, True)


@pytest.mark.parametrize("plan", [[], ["--plan", "yes"]])
def test_a_stage_without_an_alarm_target_is_not_deployed(plan: list[str]) -> None:
    ran = run("deploy", "prod", *plan, AWS_REGION="eu-west-1")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert 'alarms = "none"' in ran.stderr


@pytest.mark.parametrize("verb", ["rollback", "deployments", "destroy"])
def test_a_stage_without_an_alarm_target_can_be_taken_back(verb: str) -> None:
    ran = run(verb, "prod", AWS_REGION="eu-west-1", **_UNREACHABLE)
    assert (ran.returncode, "AWS cannot be reached" in ran.stderr) == (1, True)


@pytest.mark.parametrize(
    ("source", "advice"), [(("--old", "o"), "Run it again."), (("--jump", "7"), "lifts everything by another 7.")]
)
def test_a_restore_that_did_not_finish_says_what_repeating_it_does(source: tuple[str, str], advice: str) -> None:
    held = {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_MAX_ATTEMPTS": "1"}
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    ran = run("--new", "n", *source, module="infra.restore", **held, **nowhere)
    assert (
        ran.returncode,
        "Not finished: AWS cannot be reached" in ran.stderr,
        ran.stderr.strip().endswith(advice),
    ) == (1, True, True)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("deploy", "prod"), command.Asked("deploy", "prod", yes=False, data="")),
        (("deploy", "prod", "--canary", "no"), command.Asked("deploy", "prod", yes=False, data="", canary=False)),
        (("deploy", "prod", "--canary", "yes"), command.Asked("deploy", "prod", yes=False, data="")),
        (("deploy", "prod", "--plan", "yes"), command.Asked("deploy", "prod", yes=False, data="", plan=True)),
        (("deploy", "prod", "--yes", "1"), command.Asked("deploy", "prod", yes=True, data="")),
        (("deploy", "prod", "--yes"), command.Asked("deploy", "prod", yes=True, data="")),
        # YES=no and YES=0 must not agree to everything.
        (("destroy", "prod", "--yes", "no"), command.Asked("destroy", "prod", yes=False, data="")),
        (
            ("rollback", "prod", "--yes", "0", "--to", "12"),
            command.Asked("rollback", "prod", yes=False, data="", to=12),
        ),
    ],
)
def test_the_options_of_make_are_understood(given: tuple[str, ...], expected: command.Asked) -> None:
    assert command.parse("python -m infra", list(given)) == expected


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("deploy", "prod", "--canary", "maybe"), "CANARY=maybe is not accepted. Pass CANARY=yes or CANARY=no."),
        (("deploy", "prod", "--plan", "2"), "PLAN=2 is not accepted. Pass PLAN=yes or PLAN=no."),
        (("deploy", "prod", "--yes", "ja"), "YES=ja is not accepted. Pass YES=yes or YES=no."),
        (("rollback", "prod", "--to", "41a"), "TO=41a is not accepted."),
        (("rollback", "prod", "--to", "0"), "TO=0 is not accepted."),
        (("rollback", "prod", "--canary", "no"), "CANARY= is an option of make deploy, not of make rollback."),
        (("destroy", "prod", "--plan", "yes"), "PLAN= is an option of make deploy, not of make destroy."),
        (("deploy", "prod", "--to", "3"), "TO= is an option of make rollback, not of make deploy."),
        (("deploy", "prod", "--data", WORD), "DATA= is an option of make destroy, not of make deploy."),
    ],
)
def test_a_wrong_option_is_refused_with_what_is_allowed(
    given: tuple[str, ...], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command.parse("python -m infra", list(given))
    assert why in capsys.readouterr().err


def test_make_passes_every_option_on() -> None:
    made = [
        "make",
        "--no-print-directory",
        "-n",
        "rollback",
        "STAGE=prod",
        "CANARY=no",
        "PLAN=yes",
        "TO=3",
        "YES=1",
        "DATA=x",
    ]
    ran = subprocess.run(made, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    asked = ran.stdout.splitlines()[-1].split()
    assert asked[2:] == [
        "infra", "rollback", "prod", "--yes", "'1'", "--canary", "'no'", "--plan", "'yes'", "--to", "'3'", "--data",
        "'x'",
    ]  # fmt: skip


def test_a_plan_is_shown_and_needs_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.approver(ASKED._replace(plan=True))([Change("Add", "New", "AWS::T")])
    assert "+ New" in capsys.readouterr().out


def test_a_plan_says_how_it_is_executed_and_deleted() -> None:
    site = Site(STAGE, cast("Target", None), "eu-west-1", print)
    said = "\n".join(release.describe_plan(site, "plan-1"))
    of = "--region eu-west-1 --stack-name infra-command --change-set-name plan-1"
    for operation in ("describe", "execute", "delete"):
        assert f"aws cloudformation {operation}-change-set {of}" in said
    assert "https://eu-west-1.console.aws.amazon.com/cloudformation/home?region=eu-west-1#/stacks" in said


def test_where_nobody_can_be_asked_only_yes_goes_on() -> None:
    with pytest.raises(Declined, match="YES=1"):
        command.confirm(ASKED, "Execute it?")
    assert command.confirm(ASKED._replace(yes=True), "Execute it?")


def test_who_closes_the_terminal_has_not_agreed() -> None:
    ours, theirs = pty.openpty()
    asks = "from infra import command as c; print(c.confirm(c.Asked('deploy', 's', False, ''), 'Execute it?'))"
    with os.fdopen(ours, "wb", buffering=0) as keyboard:
        keyboard.write(b"\x04")  # Ctrl-D
        ran = subprocess.run(
            [sys.executable, "-c", asks],
            cwd=ROOT,
            stdin=theirs,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        os.close(theirs)
    assert (ran.returncode, ran.stdout.split()[-1]) == (0, "False"), ran.stderr


@pytest.mark.parametrize("before", [0, 3])
def test_a_question_that_nobody_can_read_is_not_agreed_to(before: int) -> None:
    """As with `make deploy | head`: the reader of the output ends before or at the question."""
    asks = f"""if True:
        from infra import command as c
        for line in range({before}):
            c.say("a line")
        try:
            c.confirm(c.Asked("deploy", "s", False, ""), "Execute it?")
        except c.Declined as error:
            c.sys.exit(str(error))
    """
    ours, theirs = pty.openpty()
    unread, output = os.pipe()
    os.close(unread)
    ran = subprocess.run(
        [sys.executable, "-c", asks],
        cwd=ROOT,
        stdin=theirs,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=20,
    )
    for each in (ours, theirs, output):
        os.close(each)
    assert ran.stderr == "Cannot ask for confirmation here. Pass YES=1 to go ahead.\n"


def test_what_aws_refuses_is_told_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    def connect() -> command.Connection:
        said = "User: me is not authorized to perform: s3:CreateBucket"
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": said}}, "CreateBucket")

    assert command.run(ASKED, connect) == 1
    told = capsys.readouterr().err
    assert "s3:CreateBucket" in told
    assert "lacks s3:CreateBucket" in told


def test_a_failure_is_told_in_lines(capsys: pytest.CaptureFixture[str]) -> None:
    def connect() -> command.Connection:
        raise StackFailed("The stack s ended as UPDATE_ROLLBACK_COMPLETE.\n  Alias: no role\nAdvice.")

    assert command.run(ASKED, connect) == 1
    assert capsys.readouterr().err.splitlines() == [
        "make deploy: The stack s ended as UPDATE_ROLLBACK_COMPLETE.", "    Alias: no role", "  Advice."
    ]  # fmt: skip


def test_what_may_be_lost_is_told_by_name() -> None:
    said = list[str]()
    release.show([Change("Add", "New", "AWS::T"), Change("Modify", "Table", "AWS::T", "True")], said.append)
    assert said[-1] == "Will be deleted or replaced: Table."
    release.show([Change("Remove", "Old", "AWS::T"), Change("Modify", "Key", "AWS::T", "Conditional")], said.append)
    assert said[-2:] == ["Will be deleted or replaced: Old.", "May be replaced: Key."]


def test_readers_trust_every_kms_key_of_the_stage() -> None:
    old, new = (f"arn:aws:kms:us-east-1:111122223333:key/{name}" for name in ("old", "new"))
    stage = STAGE.model_copy(update={"further_kms_keys": (new,)})
    site = Site(stage, cast("Target", None), REGION, print)
    service = Service(Outcome.UPDATED, "https://a", "api", "table", old, "key", "plan", "function", "log")
    assert f"export CONFIGSVC_KMS_KEYS={old},{new}" in release.list_variables(site, service)


@pytest.mark.emulator
@pytest.mark.deployed
def test_a_stage_deploys_prints_its_settings_and_is_destroyed_without_data(
    world: World, built_package: Package
) -> None:
    service = world.deploy(built_package)
    release.describe(world.site, service)
    told = "\n".join(world.said)
    key = world.clients("apigateway").get_api_key(apiKey=service.reader_key_id, includeValue=True)["value"]
    assert "export CONFIGSVC_URL=" in told
    assert f"export CONFIGSVC_KMS_KEYS={service.kms_key_arn}" in told
    assert key not in told
    assert {"ReaderOfPaymentsAny", "WriterOfPaymentsAny", "ApiKeyIdOfTeam"} <= world.outputs().keys()
    assert "nobody can make the first grant" in told
    alarms = world.clients("cloudwatch").describe_alarms(AlarmNamePrefix=STAGE.stack)["MetricAlarms"]
    assert len(alarms) >= 9
    assert {tuple(alarm["AlarmActions"]) for alarm in alarms} == {(world.outputs()["AlarmTopicArn"],)}

    world.destroy("")

    assert world.outputs() == {}
    assert world.clients("dynamodb").describe_table(TableName=service.table_name)["Table"]["TableStatus"] == "ACTIVE"
    assert world.clients("kms").describe_key(KeyId=service.kms_key_arn)["KeyMetadata"]["KeyState"] == "Enabled"
    assert f'name = "{service.table_name}"' in world.said[-1]
    assert f"The bucket {world.site.target.bucket} is kept" in "\n".join(world.said)


@pytest.mark.emulator
@pytest.mark.deployed
@pytest.mark.slow
def test_a_leaked_key_of_the_stack_is_replaced_by_its_next_generation(world: World, built_package: Package) -> None:
    stage = STAGE.model_copy(update={"stack": "infra-leaked"})
    leaked = world._replace(site=replace(world.site, stage=stage))
    old = leaked.deploy(built_package).reader_key_id
    renewed = stage.model_copy(update={"reader": stage.reader.model_copy(update={"generation": 2, "keys": 1})})
    new = leaked._replace(site=replace(world.site, stage=renewed)).deploy(built_package)
    left = {each["id"] for each in api_keys(world.clients("apigateway"), "infra-leaked")}
    joined = world.clients("apigateway").get_usage_plan_keys(usagePlanId=new.usage_plan_id)["items"]
    assert old not in left
    assert new.reader_key_id in left
    assert [each["id"] for each in joined] == [new.reader_key_id]
    leaked.destroy(WORD)


@pytest.mark.emulator
@pytest.mark.deployed
@pytest.mark.slow
def test_a_kept_table_is_reused_and_not_deleted_with_the_new_stack(world: World, built_package: Package) -> None:
    first = world.deploy(built_package)
    world.destroy("")
    kept = STAGE.model_copy(update={"table": STAGE.table.model_copy(
        update={"name": first.table_name, "kms_key": first.kms_key_arn}
    )})  # fmt: skip
    again = world._replace(site=replace(world.site, stage=kept))
    second = again.deploy(built_package)
    assert (second.table_name, second.kms_key_arn) == (first.table_name, first.kms_key_arn)
    with pytest.raises(Declined, match="The stack did not create the table"):
        again.destroy(WORD)
    again.destroy("")


@pytest.mark.emulator
@pytest.mark.deployed
@pytest.mark.slow
def test_the_data_goes_by_the_word_and_by_nothing_else(world: World, built_package: Package) -> None:
    stage = STAGE.model_copy(update={"stack": "infra-data"})
    doomed = world._replace(site=replace(world.site, stage=stage))
    service = doomed.deploy(built_package)
    with pytest.raises(Declined, match=WORD):
        doomed.destroy("yes")
    with pytest.raises(Declined, match="Nothing was destroyed"):
        doomed.destroy(WORD, agreed=False)
    assert doomed.outputs()
    refusing = cast("KMSClient", MayNotSchedule(world.clients("kms")))
    with pytest.raises(ClientError, match="ScheduleKeyDeletion"):
        destroy(doomed.site, world.clients("dynamodb"), refusing, lambda _: True, WORD)
    assert doomed.outputs(), "whoever repeats it has to find the key"
    doomed.destroy(WORD)
    assert not doomed.outputs()
    key = world.clients("kms").describe_key(KeyId=service.kms_key_arn)["KeyMetadata"]
    assert service.table_name not in world.clients("dynamodb").list_tables()["TableNames"]
    assert key["KeyState"] == "PendingDeletion"


@pytest.mark.emulator
@pytest.mark.deployed
def test_what_is_declined_leaves_no_stack(world: World, built_package: Package) -> None:
    asked = list[int]()

    def no(changes: list[Change]) -> bool:
        asked.append(len(changes))
        return False

    site = replace(
        world.site,
        stage=STAGE.model_copy(update={"stack": "infra-declined"}),
        target=replace(world.site.target, approve=no),
    )
    unwanted = world._replace(site=site)
    with pytest.raises(Declined):
        unwanted.deploy(built_package)
    assert asked
    assert unwanted.outputs() == {}
    with pytest.raises(Declined, match="There is no stack"):
        unwanted.destroy("")


@pytest.mark.emulator
@pytest.mark.deployed
@pytest.mark.slow
def test_another_memory_size_is_another_version_behind_the_alias(world: World, built_package: Package) -> None:
    stage = STAGE.model_copy(update={"stack": "infra-memory"})
    small = world._replace(site=replace(world.site, stage=stage))
    service = small.deploy(built_package)
    bigger = stage.model_copy(update={"function": stage.function.model_copy(update={"memory_mb": 1024})})
    assert small._replace(site=replace(world.site, stage=bigger)).deploy(built_package).outcome is Outcome.UPDATED
    served = world.clients("lambda").get_function_configuration(FunctionName=service.function_name, Qualifier="live")
    assert served["MemorySize"] == 1024
    small.destroy(WORD)
