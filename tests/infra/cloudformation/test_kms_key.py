"""The KMS key: multi-Region only when it is new, opened by the accounts that the stage names, watched for changes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.session import Session

from infra.cloudformation import kms_key, options, template
from infra.cloudformation.template import Template
from infra.packaging.service_zip import Package
from infra.paths import ROOT
from infra.stage import Stage, StageError, parse
from infra.stage_rules import place_faults
from local.clients import make_client_arguments
from local.emulator.launcher import Emulator
from tests.infra.packaging.test_service_zip import lint
from tests.support.infra.policy_evaluator import resolve

ACCOUNT, REGION = "111122223333", "us-west-2"
ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{ID}"
FOREIGN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/mrk-1234abcd12ab34cd56ef1234567890ab"
OTHER = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0987dcba-09fe-87dc-65ba-ab0987654321"
ADMIN = f"arn:aws:iam::{ACCOUNT}:role/KeyAdmin"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:on-call"
LISTED = ["222233334444", "333344445555"]
CONSUMERS = {"consumer_accounts": LISTED, "consumer_org": "o-a1b2c3d4e5"}


def expanded(built: Package, **stage: object) -> Template:
    sam = options.with_options(built.template, parse({"stack": "s", **stage}))
    return template.expand(template.locate(sam, "bucket", "key", "0" * 64))


def key_of(built: Package, stage: Stage) -> dict[str, Any]:
    sam = options.with_options(built.template, stage)
    found: dict[str, Any] = sam["Resources"]["NamespacesKey"]
    return found


def test_a_new_key_is_multi_region_unless_the_stage_says_otherwise(built_package: Package) -> None:
    new, single = parse({"stack": "s"}), parse({"stack": "s", "multi_region": False})
    assert kms_key.keep(new, None) == new
    assert key_of(built_package, kms_key.keep(new, None))["Properties"]["MultiRegion"] is True
    assert "MultiRegion" not in key_of(built_package, kms_key.keep(single, None))["Properties"]


@pytest.mark.parametrize("wanted", [True, False])
def test_a_key_stays_what_it_is_whatever_the_stage_says(built_package: Package, *, wanted: bool) -> None:
    stage = parse({"stack": "s", "multi_region": wanted})
    single = key_of(built_package, kms_key.keep(stage, ID))
    multi = key_of(built_package, kms_key.keep(stage, "mrk-1234abcd12ab34cd56ef1234567890ab"))
    assert "MultiRegion" not in single["Properties"], "not even as false: the change set has no change of the key"
    assert multi["Properties"]["MultiRegion"] is True
    assert single["UpdateReplacePolicy"] == multi["UpdateReplacePolicy"] == "Retain"


def test_a_stage_file_that_asks_for_another_kind_is_answered() -> None:
    stage = parse({"stack": "s"})
    said = kms_key.explain(stage, kms_key.keep(stage, ID))
    assert said is not None
    assert "stays a single-Region key" in said
    assert "multi_region = false" in said
    assert kms_key.explain(stage, kms_key.keep(stage, "mrk-1")) is None
    assert kms_key.explain(stage, kms_key.keep(stage, None)) is None


def test_a_foreign_key_is_neither_made_nor_changed(built_package: Package) -> None:
    found = expanded(built_package, table={"kms_key": FOREIGN}, key_administrators=[ADMIN], **CONSUMERS)
    assert not [each for each in found["Resources"].values() if each["Type"] == "AWS::KMS::Key"]
    assert "MultiRegion" not in json.dumps(found)


def test_administrators_may_replicate_the_key(built_package: Package) -> None:
    key = expanded(built_package, key_administrators=[ADMIN])["Resources"]["NamespacesKey"]["Properties"]
    manage = key["KeyPolicy"]["Statement"][0]
    assert manage["Principal"] == {"AWS": [ADMIN]}
    assert {"kms:ReplicateKey", "kms:UpdatePrimaryRegion"} <= set(manage["Action"])
    assert not [action for action in manage["Action"] if "Synchronize" in action], "its own service-linked role has it"


def test_consumers_are_allowed_decrypt_for_a_named_namespace_only(built_package: Package) -> None:
    key = expanded(built_package, **CONSUMERS)["Resources"]["NamespacesKey"]["Properties"]
    accounts, organization = key["KeyPolicy"]["Statement"][2:]
    assert [re.findall(r"\d{12}", each["Fn::Sub"]) for each in accounts["Principal"]["AWS"]] == [
        [each] for each in LISTED
    ]
    assert organization["Principal"] == {"AWS": "*"}
    for each in (accounts, organization):
        assert (each["Effect"], each["Action"]) == ("Allow", ["kms:Decrypt"])
        assert each["Condition"]["Null"] == {"kms:EncryptionContext:configsvc:namespace": "false"}
    assert organization["Condition"]["StringEquals"] == {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}
    assert organization["Condition"]["StringNotEquals"] == {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}


@pytest.mark.parametrize("account", ["12345", "1111222233334", "arn:aws:iam::111122223333:root", 111122223333])
def test_an_account_is_twelve_digits_in_quotes(account: object) -> None:
    with pytest.raises(StageError, match=r"consumer_accounts\.0"):
        parse({"stack": "s", "consumer_accounts": [account]})


@pytest.mark.parametrize("organization", ["a1b2c3d4e5", "o-A1B2C3D4E5", "o-short", "*", "r-ab12"])
def test_an_organization_is_its_id(organization: str) -> None:
    with pytest.raises(StageError, match="consumer_org"):
        parse({"stack": "s", "consumer_org": organization})


def test_more_accounts_than_a_resource_policy_holds_are_refused_before_the_deployment(built_package: Package) -> None:
    many = [f"{number:012}" for number in range(100)]
    with pytest.raises(StageError, match="consumer_org"):
        expanded(built_package, consumer_accounts=many)
    network = {"network": {"addresses": ["192.0.2.0/24"] * 9}, "probe": {"enabled": False}}
    expanded(built_package, **CONSUMERS | {"consumer_accounts": many[:20]}, **network)


def test_what_the_stack_cannot_give_to_other_accounts_is_said() -> None:
    foreign = parse({"stack": "s", "consumer_org": "o-a1b2c3d4e5", "table": {"kms_key": FOREIGN}})
    own = parse({"stack": "s", "consumer_accounts": LISTED})
    assert f"configsvc iam-policy --for reader -n NAMESPACE --kms-key {ARN}" in "".join(
        kms_key.advise_consumers(own, ARN)
    )
    assert "does not change the key's policy" in "".join(kms_key.advise_consumers(foreign, FOREIGN))
    assert "does not change the key's policy" not in "".join(kms_key.advise_consumers(own, ARN))
    assert kms_key.advise_consumers(parse({"stack": "s"}), ARN) == []


def test_the_own_account_is_no_consumer() -> None:
    stage = parse({"stack": "s", "consumer_accounts": LISTED})
    assert list(place_faults(stage, "eu-west-1", "111122223333")) == []
    [fault] = place_faults(stage, "eu-west-1", LISTED[0])
    assert "the stack's own account" in fault


@pytest.mark.slow
def test_stages_with_consumers_pass_cfn_lint(built_package: Package, tmp_path: Path) -> None:
    stages: list[dict[str, object]] = [
        {**CONSUMERS, "key_administrators": [ADMIN], "further_kms_keys": [OTHER]},
        {
            **CONSUMERS,
            "network": {"vpc_endpoints": ["vpce-0123456789abcdef0"]},
            "alarms": {"topic": TOPIC},
            "probe": {"enabled": False},
        },
        {**CONSUMERS, "table": {"kms_key": FOREIGN}},
    ]
    paths = [tmp_path / f"{number}.json" for number in range(len(stages))]
    for path, stage in zip(paths, stages, strict=True):
        path.write_text(json.dumps(expanded(built_package, **stage)))
    assert lint(*paths) == []


# What CloudTrail records. KMS developer guide: ct-replicate-key, ct-update-primary-region, ct-schedule-key-deletion,
# and for the others the same fields ("Logging AWS KMS API calls with AWS CloudTrail").
def trail(call: str, asked: dict[str, Any] | None, arn: str | None = ARN, source: str = "kms") -> dict[str, Any]:
    detail: dict[str, Any] = {
        "eventVersion": "1.08",
        "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/Alice", "accountId": ACCOUNT},
        "eventTime": "2021-03-10T20:23:37Z", "eventSource": f"{source}.amazonaws.com", "eventName": call,
        "awsRegion": REGION, "sourceIPAddress": "192.0.2.0", "userAgent": "AWS Internal", "requestParameters": asked,
        "readOnly": False, "eventType": "AwsApiCall", "recipientAccountId": ACCOUNT,
    }  # fmt: skip
    if arn:
        detail["resources"] = [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": arn}]
    return {
        "version": "0", "id": "1", "detail-type": "AWS API Call via CloudTrail", "source": f"aws.{source}",
        "account": ACCOUNT, "time": "2021-03-10T20:23:37Z", "region": REGION, "resources": [], "detail": detail,
    }  # fmt: skip


def pattern(found: Template) -> str:
    rule = found["Resources"]["KmsKeyRule"]["Properties"]
    text = json.dumps(rule["EventPattern"]).replace('{"Fn::GetAtt": ["NamespacesKey", "Arn"]}', json.dumps(ARN))
    assert len(text) <= 2048, "a quota of EventBridge"
    return json.dumps(resolve(json.loads(text), {"NamespacesKey": ID}))


def matches(emulator: Emulator, found: Template, event: dict[str, Any]) -> bool:
    """Whether EventBridge, as the emulator has it, sends the event on."""
    events = boto3.client("events", **make_client_arguments(emulator.url))
    sent: bool = events.test_event_pattern(EventPattern=pattern(found), Event=json.dumps(event))["Result"]
    return sent


CALLS: list[tuple[str, dict[str, Any]]] = [
    ("ReplicateKey", {"keyId": ID, "replicaRegion": "us-east-1", "bypassPolicyLockoutSafetyCheck": False}),
    ("UpdatePrimaryRegion", {"keyId": ID, "primaryRegion": "ap-northeast-1"}),
    ("ScheduleKeyDeletion", {"pendingWindowInDays": 20, "keyId": ID}),
    ("CancelKeyDeletion", {"keyId": ARN}),
    ("PutKeyPolicy", {"keyId": ARN, "policyName": "default", "bypassPolicyLockoutSafetyCheck": False}),
    ("CreateGrant", {"keyId": ARN, "operations": ["Decrypt"]}),
    ("DisableKey", {"keyId": ID}),
    ("EnableKey", {"keyId": ID}),
    ("DisableKeyRotation", {"keyId": ID}),
    ("DeleteImportedKeyMaterial", {"keyId": ID}),
    (
        "ImportKeyMaterial",
        {"keyId": ID, "validTo": "Mar 11, 2021 8:23:37 PM", "expirationModel": "KEY_MATERIAL_EXPIRES"},
    ),
    ("RevokeGrant", {"keyId": ARN, "grantId": "f4e8c1d5"}),
]
# Why the rule leaves out the other calls that change something.
NOT_REPORTED = {
    "CreateKey": "it is another key",
    "CreateAlias UpdateAlias DeleteAlias": "no right to use a key depends on its alias",
    "EnableKeyRotation RotateKeyOnDemand": "what was sealed still opens, and nobody gets a right by it",
    "RetireGrant": "who gives up a grant of their own can open less than before",
    "TagResource UntagResource UpdateKeyDescription": "no policy of the stack looks at tags of a key",
    "ConnectCustomKeyStore CreateCustomKeyStore DeleteCustomKeyStore DisconnectCustomKeyStore UpdateCustomKeyStore":
        "they name no key, and the stack's key is in none of these stores",
}  # fmt: skip
USES_A_KEY = r"Decapsulate|Decrypt|DeriveSharedSecret|Encapsulate|Encrypt|Generate|ReEncrypt|Sign|Verify"


@pytest.mark.emulator
@pytest.mark.parametrize(("call", "asked"), CALLS, ids=[call for call, _ in CALLS])
def test_what_changes_the_key_or_its_policy_is_sent_to_the_alarm_topic(
    built_package: Package, emulator: Emulator, call: str, asked: dict[str, Any]
) -> None:
    found = expanded(built_package)
    rule = found["Resources"]["KmsKeyRule"]["Properties"]
    assert [each["Arn"] for each in rule["Targets"]] == [{"Ref": "AlarmTopic"}]
    assert matches(emulator, found, trail(call, asked))
    assert matches(emulator, found, trail(call, asked, arn=None)), "a refused call may name no resource"
    assert matches(emulator, found, trail(call, None)), "nor parameters"


def test_each_call_of_kms_is_reported_or_left_out_with_a_reason(built_package: Package) -> None:
    rule = expanded(built_package)["Resources"]["KmsKeyRule"]["Properties"]
    reported = set(rule["EventPattern"]["detail"]["eventName"])
    left_out = {call for calls in NOT_REPORTED for call in calls.split()}
    operations = Session().get_service_model("kms").operation_names
    changes = {each for each in operations if not re.match(rf"Describe|Get|List|{USES_A_KEY}", each)}
    assert reported == {call for call, _ in CALLS}
    assert reported | left_out == changes
    assert not reported & left_out


@pytest.mark.emulator
@pytest.mark.parametrize(
    "event",
    [
        trail("Decrypt", {"keyId": ARN}),
        trail("DescribeKey", {"keyId": ARN}),
        trail("PutKeyPolicy", {"keyId": OTHER}, OTHER),
        trail("PutKeyPolicy", {"keyId": "alias/other"}, OTHER),
        trail("PutKeyPolicy", {"keyId": ARN}, source="s3"),
    ],
)
def test_nothing_else_is(built_package: Package, emulator: Emulator, event: dict[str, Any]) -> None:
    assert not matches(emulator, expanded(built_package), event)


@pytest.mark.emulator
def test_a_foreign_key_and_the_one_that_it_replaces_are_watched_too(built_package: Package, emulator: Emulator) -> None:
    found = expanded(built_package, table={"kms_key": FOREIGN}, further_kms_keys=[OTHER], alarms={"topic": TOPIC})
    for arn in (FOREIGN, OTHER):
        assert matches(emulator, found, trail("PutKeyPolicy", {"keyId": arn}, arn))
        assert matches(emulator, found, trail("DisableKey", {"keyId": arn.rpartition("/")[2]}, arn=None))
    assert not matches(emulator, found, trail("PutKeyPolicy", {"keyId": ARN}))
    assert found["Resources"]["KmsKeyRule"]["Properties"]["Targets"][0]["Arn"] == TOPIC


def test_the_runbook_names_the_rule_and_every_call_that_it_reports(built_package: Package) -> None:
    rule = expanded(built_package)["Resources"]["KmsKeyRule"]["Properties"]
    runbook = (ROOT / "docs" / "OPERATIONS.md").read_text().partition("## Who controls the KMS key")[2]
    section = runbook.partition("### The KMS key was changed")[0]
    assert rule["Name"] == {"Fn::Sub": "${AWS::StackName}-key"}
    assert "rule/configsvc-prod-key" in section
    named = rule["EventPattern"]["detail"]["eventName"]
    assert [call for call in named if f"`{call}`" not in section] == []
    assert {"ReplicateKey", "PutKeyPolicy", "ScheduleKeyDeletion", "DisableKey"} <= set(named)


def test_the_rule_has_room_for_the_keys_of_a_move_and_more_are_refused(built_package: Package) -> None:
    keys = [f"arn:aws-us-gov:kms:us-gov-west-1:{ACCOUNT}:key/mrk-{number:032}" for number in range(7)]
    pattern(expanded(built_package, table={"kms_key": keys[0]}, further_kms_keys=keys[1:6]))
    with pytest.raises(StageError, match="further_kms_keys"):
        expanded(built_package, table={"kms_key": keys[0]}, further_kms_keys=keys[1:])


def test_a_topic_that_refuses_the_rule_is_noticed(built_package: Package) -> None:
    """A foreign topic's policy is not ours to change; CloudWatch may publish there, or no alarm would arrive."""
    found = expanded(built_package, alarms={"topic": TOPIC})["Resources"]
    alarm = found["KmsKeyRuleAlarm"]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Events", "FailedInvocations")
    assert alarm["Dimensions"] == [{"Name": "RuleName", "Value": {"Ref": "KmsKeyRule"}}]
    assert alarm["AlarmActions"] == [TOPIC]
    assert "AlarmTopicPolicy" not in found
