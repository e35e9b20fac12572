"""Alarms of the local AWS: what their topic delivers, and time that passes for them without waiting."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import boto3

from local.clients import make_client_arguments
from local.emulator.cloudwatch import PASSED
from local.processes import wait_until

_SECONDS = 20.0


class Alarms:
    """CloudWatch, SNS and SQS of one emulator."""

    def __init__(self, url: str) -> None:
        arguments = make_client_arguments(url)
        self.cloudwatch: Any = boto3.client("cloudwatch", **arguments)
        self._sns: Any = boto3.client("sns", **arguments)
        self._sqs: Any = boto3.client("sqs", **arguments)

    def new_topic(self) -> str:
        """The ARN of a topic."""
        arn: str = self._sns.create_topic(Name=f"alarms-{uuid4().hex[:8]}")["TopicArn"]
        return arn

    def listen(self, topic: str) -> str:
        """The URL of a queue that gets what the topic delivers from now on."""
        queue: str = self._sqs.create_queue(QueueName=f"heard-{uuid4().hex[:8]}")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        allowed = {
            "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
            "Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }  # fmt: skip
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        self._sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
        self._sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return queue

    def hear(self, queue: str, alarm: str, state: str) -> dict[str, Any]:
        """The message that the alarm has this state now, when it arrives. Earlier and other ones are dropped."""
        found: list[dict[str, Any]] = []

        def arrived() -> bool:
            found.extend(each for each in self.receive(queue) if _is(each, alarm, state))
            return bool(found)

        assert wait_until(arrived, _SECONDS), f"no message that {alarm} is {state}"
        return found[0]

    def receive(self, queue: str) -> list[dict[str, Any]]:
        """The alarm messages that are there, each once."""
        came = self._sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        for each in came:
            self._sqs.delete_message(QueueUrl=queue, ReceiptHandle=each["ReceiptHandle"])
        return [json.loads(json.loads(each["Body"])["Message"]) for each in came]

    def state(self, alarm: str) -> str:
        """The state of an alarm."""
        [found] = self.cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
        state: str = found["StateValue"]
        return state

    def let_pass(self, seconds: float) -> None:
        """Makes all metrics so much older, and has all alarms judged."""
        namespace, name = PASSED
        self.cloudwatch.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": name, "Value": seconds}])


def _is(message: dict[str, Any], alarm: str, state: str) -> bool:
    return (message["AlarmName"], message["NewStateValue"]) == (alarm, state)
