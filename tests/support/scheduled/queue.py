"""An SQS queue that a rule of EventBridge feeds with the events of configsvc, on the emulator."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import boto3

from local.clients import make_client_arguments

PATTERN = {"source": ["configsvc"], "detail-type": ["RotationDue"]}


class RuleQueue:
    """The rule and the queue; made and taken away by the test."""

    def __init__(self, endpoint: str) -> None:
        arguments = make_client_arguments(endpoint)
        self._events: Any = boto3.client("events", **arguments)
        self._sqs: Any = boto3.client("sqs", **arguments)
        self._name = f"rotation-due-{uuid4().hex[:8]}"
        self._url = self._sqs.create_queue(QueueName=self._name)["QueueUrl"]
        asked = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        self._events.put_rule(Name=self._name, EventPattern=json.dumps(PATTERN), State="ENABLED")
        self._events.put_targets(Rule=self._name, Targets=[{"Id": "queue", "Arn": asked["Attributes"]["QueueArn"]}])

    def receive(self) -> list[dict[str, Any]]:
        """The events that have arrived since the last call."""
        found = list[dict[str, Any]]()
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for each in messages:
                found.append(json.loads(each["Body"]))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=each["ReceiptHandle"])
        return found

    def close(self) -> None:
        self._events.remove_targets(Rule=self._name, Ids=["queue"])
        self._events.delete_rule(Name=self._name)
        self._sqs.delete_queue(QueueUrl=self._url)
