"""Whether anybody gets the alarms: a subscription that nobody confirmed, and a topic without one, notify nobody.

References: SNS API reference, ListSubscriptionsByTopic; SNS developer guide, "Subscribing an email address to an Amazon
SNS topic".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from infra.stage import Stage

_DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException"}
_MISSING = {"NotFound", "NotFoundException"}
_PENDING = "PendingConfirmation"  # SNS gives a subscription an ARN once it is confirmed
_NOBODY = "NOBODY GETS THE ALARMS: "

Subscription = Mapping[str, Any]


class Topics(Protocol):
    """The call of SNS that is needed."""

    def get_paginator(self, operation_name: Literal["list_subscriptions_by_topic"], /) -> Any:  # noqa: ANN401  # boto3's
        """Return the pages of that call."""


def describe(stage: Stage, topic: str, region: str, topics: Topics) -> list[str]:
    """Say what keeps the alarms of `topic`, an ARN, from reaching whom the stage file names; empty if nothing does."""
    if not (stage.alarms.email or stage.alarms.topic):
        return ["\nThe stage names nobody who gets its alarms: they are on the dashboard, and notify nobody."]
    try:
        found = list(_list(topics, topic))
    except ClientError as error:
        return _explain(error, topic)
    except BotoCoreError as error:
        return [f"\nIt was not checked who gets the alarms: {error}"]
    return _judge_email(stage.alarms.email, found, topic, region) if stage.alarms.email else _judge(found, topic)


def _list(topics: Topics, topic: str) -> Iterator[Subscription]:
    for page in topics.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic):
        yield from page["Subscriptions"]


def _explain(error: ClientError, topic: str) -> list[str]:
    code = error.response["Error"].get("Code")
    if code in _MISSING:
        return [f"\n{_NOBODY}there is no topic {topic}. Create it, or name another one in the stage file, and deploy."]
    if code in _DENIED:
        needed = f"sns:ListSubscriptionsByTopic on {topic}"
        return [f"\nIt was not checked whether anybody gets the alarms: you lack {needed}."]
    return [f"\nIt was not checked who gets the alarms: {error}"]


def _judge_email(email: str, found: list[Subscription], topic: str, region: str) -> list[str]:
    states = [
        each["SubscriptionArn"]
        for each in found
        if each["Protocol"] == "email" and each["Endpoint"].casefold() == email.casefold()
    ]
    if any(_is_confirmed(each) for each in states):
        return []
    again = (
        f"  aws sns subscribe --region {region} --topic-arn {topic} --protocol email --notification-endpoint {email}"
    )
    if _PENDING in states:
        why = (
            f"{email} has not confirmed the subscription. Open the link in the e-mail from AWS. To have it sent again:"
        )
    else:
        why = (
            f"{email} is no longer subscribed to the alarm topic. Subscribe it again, and open the link in the e-mail:"
        )
    return [f"\n{_NOBODY}{why}", again]


def _judge(found: list[Subscription], topic: str) -> list[str]:
    if any(_is_confirmed(each["SubscriptionArn"]) for each in found):
        return []
    return [f"\n{_NOBODY}the topic {topic} has no confirmed subscription. Subscribe whoever is on call."]


def _is_confirmed(arn: str) -> bool:
    """The other states are PendingConfirmation and Deleted."""
    return arn.startswith("arn:")
