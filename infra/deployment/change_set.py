"""A CloudFormation change set: what a template would change, for a person to approve."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

from botocore.exceptions import ClientError

from infra.deployment.events import explain_refused
from infra.deployment.explanations import with_advice
from infra.deployment.pace import Pace
from infra.deployment.whole_stack import NOTHING_SPECIAL, WholeStack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.literals import CapabilityType
    from mypy_boto3_cloudformation.type_defs import ChangeTypeDef, ParameterTypeDef


ONLY_A_CHANGE_SET = "REVIEW_IN_PROGRESS"
"""The status of a new stack until its change set is executed."""
_CAPABILITIES: list[CapabilityType] = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
# Reasons of a change set that failed for want of changes ("Updating stacks using change sets").
_NOTHING_TO_DO = ("didn't contain changes", "No updates are to be performed")

_SIGNS = {"Add": "+", "Modify": "~", "Remove": "-", "Import": "<", "Dynamic": "?"}
_ALARM = "AWS::CloudWatch::Alarm"  # each version has its own: see infra/cloudformation/canary.py
_KEPT = frozenset({"Retain", "ReplaceAndRetain"})


class StackFailed(Exception):
    """The stack did not reach the wanted state; the message has the events that explain it, and advice."""


class Change(NamedTuple):
    """A change of one resource.

    Args:
        action: Add, Modify, Remove, Import or Dynamic.
        resource: its logical id.
        kind: its type.
        replaced: a new one takes its place: True, False, or Conditional if only CloudFormation's run decides.
        kept: it leaves the stack, but stays in the account.
        properties: those that change; empty if CloudFormation does not list them.
    """

    action: str
    resource: str
    kind: str
    replaced: str = "False"
    kept: bool = False
    properties: tuple[str, ...] = ()

    @property
    def destroys(self) -> bool:
        """Whether this may destroy an existing resource. An alarm holds nothing that a replacement would lose."""
        replaced = self.replaced != "False" and self.kind != _ALARM
        return not self.kept and (self.action == "Remove" or replaced)

    @property
    def certain(self) -> bool:
        """Whether CloudFormation knows already that it deletes or replaces the resource."""
        return self.action == "Remove" or self.replaced == "True"

    def __str__(self) -> str:
        said = [f"{_SIGNS.get(self.action, '?')} {self.resource}", self.kind.removeprefix("AWS::")]
        if self.properties:
            said.append(", ".join(self.properties))
        if self.replaced != "False":
            said.append("REPLACED" if self.replaced == "True" else "may be REPLACED")
        if self.kept:
            said.append("kept in the account")
        return "  ".join(said)


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """One change set of a stack.

    Args:
        new: the stack does not exist.
        whole: tags, and the role that CloudFormation works with.
    """

    client: CloudFormationClient
    stack: str
    pace: Pace
    new: bool
    name: str
    whole: WholeStack = NOTHING_SPECIAL

    @classmethod
    def named(
        cls, purpose: str, client: CloudFormationClient, stack: str, pace: Pace, whole: WholeStack, *, new: bool
    ) -> Self:
        """One with a name of its own, which begins with its purpose."""
        return cls(client, stack, pace, new, f"{purpose}-{uuid.uuid4().hex}", whole)

    def create(self, template_url: str, parameters: Mapping[str, str | None]) -> None:
        """Create the change set; a parameter that is None keeps the stack's value.

        Raises:
            StackFailed: CloudFormation does not take it.
        """
        pairs = [_pair(key, value) for key, value in sorted(parameters.items())]
        try:
            self.client.create_change_set(
                StackName=self.stack, ChangeSetName=self.name, ChangeSetType="CREATE" if self.new else "UPDATE",
                TemplateURL=template_url, Parameters=pairs, Capabilities=_CAPABILITIES, **self.whole.proposal,
            )  # fmt: skip
        except ClientError as error:
            said = str(error)
            raise StackFailed(with_advice(f"CloudFormation rejected {self.stack}: {said}", said)) from error

    def changes(self, seconds: float) -> list[Change] | None:
        """Wait for the change set and list its changes; None if there are none.

        Raises:
            StackFailed: it cannot be done, or finding out takes longer.
        """
        for _ in self.pace.looks(seconds):
            found = self.client.describe_change_set(StackName=self.stack, ChangeSetName=self.name)
            status, reason = found["Status"], found.get("StatusReason", "")
            if status == "CREATE_COMPLETE":
                return describe_changes(self._pages())
            if status == "FAILED" and any(each in reason for each in _NOTHING_TO_DO):
                return None
            if status == "FAILED":
                raise StackFailed(explain_refused(self.client, self.stack, self.name, reason))
        raise StackFailed(f"The change set of {self.stack} is still {status} after {seconds:.0f} s.")

    def execute(self) -> None:
        """Begin to do it."""
        self.client.execute_change_set(StackName=self.stack, ChangeSetName=self.name)

    def withdraw(self) -> None:
        """Delete the change set, and the stack too if it was created only for it and nobody else has a plan for it."""
        self.client.delete_change_set(StackName=self.stack, ChangeSetName=self.name)
        if self.new and not list_waiting(self.client, self.stack) - {self.name}:
            self.client.delete_stack(StackName=self.stack, **self.whole.by_role)

    def _pages(self) -> Iterator[ChangeTypeDef]:
        page = self.client.describe_change_set(StackName=self.stack, ChangeSetName=self.name)
        yield from page.get("Changes", [])
        while token := page.get("NextToken"):
            page = self.client.describe_change_set(StackName=self.stack, ChangeSetName=self.name, NextToken=token)
            yield from page.get("Changes", [])


def list_waiting(client: CloudFormationClient, stack: str) -> set[str]:
    """The names of the stack's change sets that can be executed."""
    pages = client.get_paginator("list_change_sets").paginate(StackName=stack)
    found = (each for page in pages for each in page["Summaries"])
    return {each["ChangeSetName"] for each in found if each.get("ExecutionStatus") == "AVAILABLE"}


def _pair(key: str, value: str | None) -> ParameterTypeDef:
    if value is None:
        return {"ParameterKey": key, "UsePreviousValue": True}
    return {"ParameterKey": key, "ParameterValue": value}


def describe_changes(found: Iterable[ChangeTypeDef]) -> list[Change]:
    """List the changes; those that may destroy something come last, where they are read."""
    changes = [_change(each) for each in found]
    return sorted(changes, key=lambda change: (change.destroys, change.resource))


def _change(found: ChangeTypeDef) -> Change:
    of = found["ResourceChange"]
    details = (detail.get("Target", {}).get("Name") for detail in of.get("Details", []))
    return Change(
        action=of["Action"],
        resource=of["LogicalResourceId"],
        kind=of["ResourceType"],
        replaced=of.get("Replacement", "False"),
        kept=of.get("PolicyAction", "") in _KEPT,
        properties=tuple(sorted({name for name in details if name})),
    )
