"""A CloudFormation change set: what a template would change, for a person to approve."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import ClientError

from infra.deployment.whole_stack import NOTHING_SPECIAL, WholeStack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.literals import CapabilityType
    from mypy_boto3_cloudformation.type_defs import ChangeTypeDef, ParameterTypeDef


POLL_SECONDS = 0.5
ONLY_A_CHANGE_SET = "REVIEW_IN_PROGRESS"
"""The status of a new stack until its change set is executed."""
_CAPABILITIES: list[CapabilityType] = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
# Reasons of a change set that failed for want of changes ("Updating stacks using change sets").
_NOTHING_TO_DO = ("didn't contain changes", "No updates are to be performed")

_SIGNS = {"Add": "+", "Modify": "~", "Remove": "-", "Import": "<", "Dynamic": "?"}
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
        """Whether this may destroy an existing resource."""
        return not self.kept and (self.action == "Remove" or self.replaced != "False")

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
        poll: waits between two looks.
        whole: tags, and the role that CloudFormation works with.
    """

    client: CloudFormationClient
    stack: str
    poll: Callable[[float], None]
    new: bool
    whole: WholeStack = NOTHING_SPECIAL
    name: str = field(default_factory=lambda: f"deploy-{uuid.uuid4().hex}")

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
        for _ in range(max(1, int(seconds / POLL_SECONDS))):
            found = self.client.describe_change_set(StackName=self.stack, ChangeSetName=self.name)
            status, reason = found["Status"], found.get("StatusReason", "")
            if status == "CREATE_COMPLETE":
                return describe_changes(self._pages())
            if status == "FAILED" and any(each in reason for each in _NOTHING_TO_DO):
                return None
            if status == "FAILED":
                raise StackFailed(with_advice(f"CloudFormation rejected {self.stack}: {reason}", reason))
            self.poll(POLL_SECONDS)
        raise StackFailed(f"The change set of {self.stack} is still {status} after {seconds:.0f} s.")

    def execute(self) -> None:
        """Begin to do it."""
        self.client.execute_change_set(StackName=self.stack, ChangeSetName=self.name)

    def withdraw(self) -> None:
        """Delete the change set, and the stack too if it was created only for it."""
        self.client.delete_change_set(StackName=self.stack, ChangeSetName=self.name)
        if self.new:
            self.client.delete_stack(StackName=self.stack, **self.whole.by_role)

    def _pages(self) -> Iterator[ChangeTypeDef]:
        page = self.client.describe_change_set(StackName=self.stack, ChangeSetName=self.name)
        yield from page.get("Changes", [])
        while token := page.get("NextToken"):
            page = self.client.describe_change_set(StackName=self.stack, ChangeSetName=self.name, NextToken=token)
            yield from page.get("Changes", [])


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


_ADVICE: tuple[tuple[str, str], ...] = (
    (r"CloudWatch Logs role ARN must be set",
     ("API Gateway has no role to log with in this account and region. Create it once: aws cloudformation deploy "
     "--stack-name api-gateway-logging --template-file infra/account.yaml --capabilities CAPABILITY_IAM. Or set "
     "access_log = false in the stage file.")),
    (r"UnreservedConcurrentExecution",
     ("The account has too little Lambda concurrency left. Lower reserved_concurrency in the stage file, or have the "
     "quota raised.")),
    (r"SnapStart", "SnapStart needs Python 3.12 or newer: build with that, or remove snapstart from the stage file."),
    (r"not authorized to perform:? ?([a-z0-9-]+:\w+)",
     "Your IAM identity lacks this action. Allow it, or deploy with an identity that has it."),
    (r"already exists",
     ("A resource of that name exists outside this stack. Remove it, import it, or give the stack another name in "
     "the stage file. To reuse a table kept by an earlier stack, name it under [table] in the stage file.")),
    (r"Rate exceeded|Throttling|TooManyRequests", "AWS throttled the requests. Deploy again."),
    (r"LimitExceeded|quota", "The account reached a quota. Service Quotas shows which."),
    (r"alarms? .*(ALARM|breach)|Deployment .*(rolled back|ROLLBACK)|CodeDeploy",
     ("The new version raised an alarm while it served a share of the requests, so the old one was kept. The alarm "
     "and the log group show why.")),
    (r"rejected the public key|certificate", "The domain needs an issued certificate in this region."),
)  # fmt: skip


def advise(reason: str) -> str | None:
    """Return what to do, or None if the reason needs no explanation."""
    return next((advice for pattern, advice in _ADVICE if re.search(pattern, reason, re.IGNORECASE)), None)


def with_advice(said: str, *reasons: str) -> str:
    """Append the advice for each reason to the message, each once."""
    return "\n".join([said, *dict.fromkeys(found for reason in reasons if (found := advise(reason)))])
