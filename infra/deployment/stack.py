"""One CloudFormation stack: show the changes, apply them, wait up to a limit, and report what failed and why."""

from __future__ import annotations

import enum
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from infra.deployment.change_set import ONLY_A_CHANGE_SET, POLL_SECONDS, Change, ChangeSet, StackFailed, with_advice
from infra.deployment.whole_stack import NOTHING_SPECIAL, WholeStack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef, StackTypeDef

_GOOD = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
_NEVER_COMPLETE = frozenset({"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"})
_GONE = "DELETE_COMPLETE"
_CANCELLED = ("Resource creation cancelled", "Resource update cancelled", "Resource deletion cancelled")
_UNDER_WAY = "_IN_PROGRESS"

__all__ = ["Approve", "Change", "Declined", "Outcome", "Stack", "StackFailed", "always"]


class Declined(Exception):
    """The changes were declined; nothing was done."""


class Outcome(enum.Enum):
    """The outcome of applying a template."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


Approve = Callable[[list[Change]], bool]
"""Called with the changes; returns whether to go ahead."""


def always(_changes: list[Change]) -> bool:
    """Approve everything."""
    return True


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack by name, with the client that reaches it.

    Args:
        poll: waits between two looks; a test passes one that does not.
        whole: tags, the role that CloudFormation works with, termination protection.
    """

    client: CloudFormationClient
    name: str
    progress: Callable[[str], None]
    poll: Callable[[float], None] = time.sleep
    whole: WholeStack = NOTHING_SPECIAL

    def apply(
        self, template_url: str, parameters: Mapping[str, str | None], seconds: float, approve: Approve = always
    ) -> Outcome:
        """Create the stack, or update it where something changed, and wait up to `seconds` for each step.

        What would change is shown to `approve` first. What goes on already is waited for; an attempt that never
        completed is deleted before all that, since CloudFormation updates none of those.

        Raises:
            StackFailed: it rolled back, is not taken, or takes longer.
            Declined: `approve` said no; nothing was changed.
        """
        status = self._until(_may_begin, seconds, self._list_event_ids())
        if status in _NEVER_COMPLETE:
            self.progress(f"{self.name} is {status} from an earlier attempt; deleting it")
            self.protect(wanted=False)  # it never served, so its protection protects nothing
            self.delete(seconds)
            status = _GONE
        seen = self._list_event_ids()
        exists = status not in {_GONE, ONLY_A_CHANGE_SET}
        proposed = ChangeSet(self.client, self.name, new=not exists, poll=self.poll, whole=self.whole)
        proposed.create(template_url, parameters)
        if not self._ask_approval(proposed, seconds, approve):
            proposed.withdraw()
            self._protect_as_wanted()
            return Outcome.UNCHANGED
        proposed.execute()
        status = self._until(_is_settled, seconds, seen)
        if status not in _GOOD:
            raise StackFailed(self._explain(status, seen))
        self._protect_as_wanted()
        return Outcome.UPDATED if exists else Outcome.CREATED

    def _ask_approval(self, proposed: ChangeSet, seconds: float, approve: Approve) -> bool:
        """Whether there are changes and all approve them. In every other case the change set is deleted."""
        try:
            changes = proposed.changes(seconds)
            agreed = changes is None or approve(changes)
        except BaseException:
            self._withdraw(proposed)
            raise
        if not agreed:
            proposed.withdraw()
            raise Declined(f"Nothing was changed in {self.name}.")
        return changes is not None

    def _withdraw(self, proposed: ChangeSet) -> None:
        try:
            proposed.withdraw()
        except (BotoCoreError, ClientError) as error:
            self.progress(f"The change set {proposed.name} of {self.name} is left: {error}")

    def parameters(self, seconds: float) -> dict[str, str] | None:
        """The parameters that the stack has once nothing goes on, in `seconds` at most; None of one to be made.

        A stack that never was complete counts as one to be made: `apply` deletes it first.
        """
        status = self._until(_may_begin, seconds, self._list_event_ids())
        if status in {_GONE, ONLY_A_CHANGE_SET, *_NEVER_COMPLETE}:
            return None
        found = self._find()
        pairs = found.get("Parameters", []) if found else []
        return {pair["ParameterKey"]: pair.get("ParameterValue", "") for pair in pairs}

    def outputs(self) -> dict[str, str]:
        """The stack's outputs by name."""
        found = self._find()
        pairs = found.get("Outputs", []) if found else []
        return {pair["OutputKey"]: pair["OutputValue"] for pair in pairs}

    def made(self) -> dict[str, str]:
        """The physical id of each resource by its logical one; for a KMS key its id, not its ARN."""
        pages = self.client.get_paginator("list_stack_resources").paginate(StackName=self.name)
        found = (each for page in pages for each in page["StackResourceSummaries"])
        return {each["LogicalResourceId"]: each.get("PhysicalResourceId", "") for each in found}

    def is_protected(self) -> bool:
        """Whether the stack refuses to be deleted."""
        found = self._find()
        return found is not None and found.get("EnableTerminationProtection", False)

    def protect(self, *, wanted: bool) -> None:
        """Set termination protection where it is different, and report it."""
        if self.is_protected() != wanted:
            self.client.update_termination_protection(StackName=self.name, EnableTerminationProtection=wanted)
            self.progress(f"Termination protection of {self.name} is {'on' if wanted else 'off'} now.")

    def _protect_as_wanted(self) -> None:
        """After the stack is complete: a first deployment that fails must be removable."""
        if self.whole.protected is not None:
            self.protect(wanted=self.whole.protected)

    def delete(self, seconds: float) -> None:
        """Delete the stack and wait up to `seconds`; what is to be retained stays.

        Raises:
            StackFailed: a resource cannot be deleted, or it takes longer.
        """
        seen = self._list_event_ids()
        self.client.delete_stack(StackName=self.name, **self.whole.by_role)
        status = self._until(_is_deleted_or_stuck, seconds, seen)
        if status != _GONE:
            raise StackFailed(self._explain(status, seen))

    def _find(self) -> StackTypeDef | None:
        try:
            found = self.client.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return next((stack for stack in found if stack["StackStatus"] != _GONE), None)

    def _until(self, done: Callable[[str], bool], seconds: float, seen: set[str]) -> str:
        """Wait for one of the statuses, and report new events."""
        told = set(seen)
        for _ in range(max(1, int(seconds / POLL_SECONDS))):
            found = self._find()
            status: str = found["StackStatus"] if found else _GONE
            self._tell(told)
            if done(status):
                return status
            self.poll(POLL_SECONDS)
        raise StackFailed(f"The stack {self.name} is {status} after {seconds:.0f} s; CloudFormation goes on.")

    def _tell(self, told: set[str]) -> None:
        for event in reversed(self._events(told)):
            told.add(event["EventId"])
            status = event.get("ResourceStatus", "")
            if not status.endswith(_UNDER_WAY):
                self.progress(f"{event.get('LogicalResourceId', '')} {status}")

    def _explain(self, status: str, seen: set[str]) -> str:
        failed = [(each, reason) for each in reversed(self._events(seen)) if (reason := _why(each))]
        lines = [f"{event.get('LogicalResourceId')}: {reason}" for event, reason in failed]
        said = "\n  ".join([f"The stack {self.name} ended as {status}.", *lines])
        return with_advice(said, *(reason for _, reason in failed))

    def _list_event_ids(self) -> set[str]:
        return {event["EventId"] for event in next(self._pages(), [])}

    def _events(self, seen: set[str]) -> list[StackEventTypeDef]:
        """The events since those seen, newest first."""
        events = (event for page in self._pages() for event in page)
        return list(itertools.takewhile(lambda event: event["EventId"] not in seen, events))

    def _pages(self) -> Iterator[list[StackEventTypeDef]]:
        """All events, newest first, a hundred in a page. None of a stack that is not there."""
        try:
            for page in self.client.get_paginator("describe_stack_events").paginate(StackName=self.name):
                yield page["StackEvents"]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise


def _why(event: StackEventTypeDef) -> str | None:
    """Why a resource failed; None of one that did not, or that ended because another one failed."""
    if not event.get("ResourceStatus", "").endswith("_FAILED"):
        return None
    reason = event.get("ResourceStatusReason", "no reason")
    return None if reason.startswith(_CANCELLED) else reason


def _may_begin(status: str) -> bool:
    return status == ONLY_A_CHANGE_SET or _is_settled(status)


def _is_settled(status: str) -> bool:
    return not status.endswith(_UNDER_WAY)


def _is_deleted_or_stuck(status: str) -> bool:
    return status in {_GONE, "DELETE_FAILED"}
