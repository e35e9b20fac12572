"""The events of a stack: what is new, and why something failed."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from infra.deployment.explanations import with_advice

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import (
        OperationEventTypeDef,
        StackEventTypeDef,
        StackResourceSummaryTypeDef,
    )

_CANCELLED = ("Resource creation cancelled", "Resource update cancelled", "Resource deletion cancelled")
_REFUSED_BY_HOOK = frozenset({"HOOK_COMPLETE_FAILED", "HOOK_FAILED"})


@dataclass(frozen=True, slots=True)
class Events:
    """The events of one stack by name; none of a stack that does not exist."""

    client: CloudFormationClient
    stack: str

    def list_ids(self) -> set[str]:
        """The ids of the newest hundred events."""
        return {event["EventId"] for event in next(self._pages(), [])}

    def since(self, seen: Collection[str]) -> list[StackEventTypeDef]:
        """The events since those seen, newest first."""
        events = (event for page in self._pages() for event in page)
        return list(itertools.takewhile(lambda event: event["EventId"] not in seen, events))

    def explain(self, status: str, seen: Collection[str], *more: str) -> str:
        """How it ended, what failed since those events were seen, and what to do. `more` are further reasons."""
        failed = [(each, reason) for each in reversed(self.since(seen)) if (reason := _why(each))]
        lines = [f"{event.get('LogicalResourceId')}: {reason}" for event, reason in failed]
        said = "\n  ".join([f"The stack {self.stack} ended as {status}.", *lines, *more])
        return with_advice(said, *(reason for _, reason in failed), *more)

    def _pages(self) -> Iterator[list[StackEventTypeDef]]:
        """All events, newest first, a hundred in a page."""
        try:
            for page in self.client.get_paginator("describe_stack_events").paginate(StackName=self.stack):
                yield page["StackEvents"]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise


def _why(event: StackEventTypeDef) -> str | None:
    """Why a resource failed; None if it did not, or if it ended because another one failed."""
    if event.get("HookStatus") in _REFUSED_BY_HOOK and event.get("HookFailureMode") != "WARN":
        return f"{event.get('HookType', 'a hook')}: {event.get('HookStatusReason', 'no reason')}"
    if not event.get("ResourceStatus", "").endswith("_FAILED"):
        return None
    reason = event.get("ResourceStatusReason", "no reason")
    return None if reason.startswith(_CANCELLED) else reason


def explain_refused(client: CloudFormationClient, stack: str, change_set: str, reason: str) -> str:
    """Why a change set failed, with advice. What validations and hooks found is only in the events of the operation."""
    found = list[str]()
    if "DescribeEvents" in reason or "hook(s)" in reason:
        try:
            pages = client.get_paginator("describe_events").paginate(StackName=stack, ChangeSetName=change_set)
            found = [said for page in pages for event in page["OperationEvents"] if (said := _why_refused(event))]
        except (BotoCoreError, ClientError) as error:
            found = [f"The details could not be read: {error}"]
    lines = "\n  ".join([f"CloudFormation rejected {stack}: {reason}", *found])
    return with_advice(lines, *found, *([] if found else [reason]))


def _why_refused(event: OperationEventTypeDef) -> str | None:
    """The finding of a validation or of a hook that fails the change set."""
    if event.get("ValidationStatus") == "FAILED" and event.get("ValidationFailureMode") != "WARN":
        return f"{event.get('LogicalResourceId', '')}: {event.get('ValidationStatusReason', 'no reason')}"
    if event.get("HookStatus") in _REFUSED_BY_HOOK and event.get("HookFailureMode") != "WARN":
        return (
            f"{event.get('LogicalResourceId', '')}: {event.get('HookType', 'a hook')}: {event.get('HookStatusReason')}"
        )
    return None


def explain_stuck(stack: str, resources: Iterable[StackResourceSummaryTypeDef]) -> str:
    """Advise on UPDATE_ROLLBACK_FAILED: CloudFormation changes nothing until the rollback is finished."""
    failed = [each for each in resources if each["ResourceStatus"].endswith("_FAILED")]
    command = f"aws cloudformation continue-update-rollback --stack-name {stack}"
    said = [
        f"The stack {stack} is UPDATE_ROLLBACK_FAILED: a rollback could not restore these resources.",
        *(f"  {each['LogicalResourceId']}: {each.get('ResourceStatusReason', 'no reason')}" for each in failed),
        f"Fix the cause and finish the rollback, then deploy again: {command}",
    ]
    if failed:
        names = " ".join(each["LogicalResourceId"] for each in failed)
        said.append(f"To leave them as they are instead: {command} --resources-to-skip {names}")
    return "\n".join(said)
