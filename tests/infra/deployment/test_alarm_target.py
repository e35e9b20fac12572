"""`make deploy` says loudly when nobody gets the alarms: an e-mail that is not confirmed, a topic without anybody."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from infra.deployment import alarm_target
from infra.stage import Stage, parse
from local.clients import make_client_arguments
from local.emulator.launcher import Emulator

REGION = "eu-west-1"
TOPIC = f"arn:aws:sns:{REGION}:111122223333:on-call"
EMAIL = parse({"stack": "s", "alarms": {"email": "On-Call@example.com"}})
NAMED = parse({"stack": "s", "alarms": {"topic": TOPIC}})
LOUD = "NOBODY GETS THE ALARMS"


def connect() -> Any:  # noqa: ANN401  # a client of boto3
    return boto3.client("sns", region_name=REGION, aws_access_key_id="a", aws_secret_access_key="s")


def subscription(state: str, endpoint: str = "on-call@example.com", protocol: str = "email") -> dict[str, str]:
    arn = f"{TOPIC}:{state}" if state == "confirmed" else state
    return {"SubscriptionArn": arn, "Protocol": protocol, "Endpoint": endpoint, "Owner": "1", "TopicArn": TOPIC}


def describe(stage: Stage, *pages: Sequence[dict[str, str]]) -> str:
    """Each page is an answer of SNS."""
    client = connect()
    with Stubber(client) as stub:
        for number, page in enumerate(pages, 1):
            asked = {"TopicArn": TOPIC} if number == 1 else {"TopicArn": TOPIC, "NextToken": str(number)}
            following = {"NextToken": str(number + 1)} if number < len(pages) else {}
            stub.add_response("list_subscriptions_by_topic", {"Subscriptions": list(page), **following}, asked)
        said = "\n".join(alarm_target.describe(stage, TOPIC, REGION, client))
        stub.assert_no_pending_responses()
    return said


def refused(stage: Stage, code: str, status: int) -> str:
    client = connect()
    with Stubber(client) as stub:
        stub.add_client_error("list_subscriptions_by_topic", code, "said by SNS", status)
        return "\n".join(alarm_target.describe(stage, TOPIC, REGION, client))


@pytest.mark.parametrize("stage", [EMAIL, NAMED])
def test_a_confirmed_subscription_needs_no_word(stage: Stage) -> None:
    assert not describe(stage, [subscription("confirmed")])
    assert not describe(stage, [subscription("PendingConfirmation")] * 100, [subscription("confirmed")])


def test_an_email_that_is_not_confirmed_is_reported_each_time() -> None:
    for _ in range(2):
        said = describe(EMAIL, [subscription("PendingConfirmation")])
        assert LOUD in said
        assert "On-Call@example.com has not confirmed" in said
        words = shlex.split(said.splitlines()[-1])
        assert words[:5] == ["aws", "sns", "subscribe", "--region", REGION]
        assert words[words.index("--topic-arn") + 1] == TOPIC


@pytest.mark.parametrize(
    "found",
    [
        [], [subscription("Deleted")], [subscription("confirmed", "other@example.com")],
        [subscription("confirmed", protocol="sms")],
    ],
)  # fmt: skip
def test_an_email_that_unsubscribed_is_reported(found: list[dict[str, str]]) -> None:
    said = describe(EMAIL, found)
    assert (LOUD in said, "no longer subscribed" in said) == (True, True)


@pytest.mark.parametrize("found", [[], [subscription("PendingConfirmation")], [subscription("Deleted")]])
def test_a_topic_without_a_confirmed_subscription_is_reported(found: list[dict[str, str]]) -> None:
    assert LOUD in describe(NAMED, found)


@pytest.mark.parametrize("protocol", ["https", "sqs", "lambda"])
def test_any_kind_of_subscription_will_do_for_a_topic(protocol: str) -> None:
    assert not describe(NAMED, [subscription("confirmed", "somewhere", protocol)])


def test_a_topic_that_does_not_exist_is_reported() -> None:
    said = refused(NAMED, "NotFound", 404)
    assert (LOUD in said, TOPIC in said) == (True, True)


@pytest.mark.parametrize("code", ["AuthorizationError", "AccessDenied"])
def test_who_may_not_look_gets_a_note_and_no_failure(code: str) -> None:
    said = refused(NAMED, code, 403)
    assert (LOUD in said, "sns:ListSubscriptionsByTopic" in said) == (False, True)


def test_a_failure_of_sns_does_not_fail_the_deployment() -> None:
    assert "said by SNS" in refused(EMAIL, "InternalError", 500)


class Unreachable:
    def get_paginator(self, _: str) -> Any:  # noqa: ANN401  # never
        raise EndpointConnectionError(endpoint_url="https://sns")


def test_an_unreachable_sns_does_not_fail_the_deployment() -> None:
    assert "not checked" in alarm_target.describe(EMAIL, TOPIC, REGION, Unreachable())[0]


def test_a_stage_that_notifies_nobody_says_so_without_asking() -> None:
    said = describe(parse({"stack": "s", "alarms": "none"}))
    assert (LOUD in said, "dashboard" in said) == (False, True)


@pytest.mark.emulator
def test_the_emulators_topics_are_judged_by_the_same_call(emulator: Emulator) -> None:
    sns = boto3.client("sns", **make_client_arguments(emulator.url))
    topic = sns.create_topic(Name="alarm-target")["TopicArn"]
    stage = parse({"stack": "s", "alarms": {"topic": topic}})
    assert LOUD in alarm_target.describe(stage, topic, REGION, sns)[0]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:000000000000:q")
    assert alarm_target.describe(stage, topic, REGION, sns) == []
    sns.delete_topic(TopicArn=topic)
    assert "there is no topic" in alarm_target.describe(stage, topic, REGION, sns)[0]
