"""One CloudFormation stack: show the changes, apply them, wait up to a limit, and report what failed and why."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from infra.deployment.change_set import ONLY_A_CHANGE_SET, Change, ChangeSet, StackFailed
from infra.deployment.events import Events, explain_stuck
from infra.deployment.pace import AWS, Pace
from infra.deployment.waiting import Waiting
from infra.deployment.whole_stack import NOTHING_SPECIAL, WholeStack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef, StackTypeDef

GOOD = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
ROLLED_BACK = "UPDATE_ROLLBACK_COMPLETE"
_STUCK = "UPDATE_ROLLBACK_FAILED"
_NEVER_COMPLETE = frozenset({"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"})
INCOMPLETE = _NEVER_COMPLETE | {ONLY_A_CHANGE_SET}
"""The statuses of a stack that never served."""
_GONE = "DELETE_COMPLETE"
_UPDATING = "UPDATE_IN_PROGRESS"
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


def _nothing() -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack by name, with the client that reaches it.

    Args:
        pace: how often it is looked at.
        whole: tags, the role that CloudFormation works with, termination protection.
        watch: says what a long update waits for, if that is known.
        blame: says why an update failed, where CloudFormation's events do not.
    """

    client: CloudFormationClient
    name: str
    progress: Callable[[str], None]
    pace: Pace = AWS
    whole: WholeStack = NOTHING_SPECIAL
    watch: Callable[[], str | None] = _nothing
    blame: Callable[[], str | None] = _nothing

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
        exists, proposed = self._propose(template_url, parameters, seconds, "deploy")
        seen = self._events.list_ids()
        if not self._ask_approval(proposed, seconds, approve):
            proposed.withdraw()
            self._protect_as_wanted()
            return Outcome.UNCHANGED
        proposed.execute()
        status = self._until(_is_settled, seconds, seen)
        if status not in GOOD:
            raise StackFailed(self._explain(status, seen))
        self._protect_as_wanted()
        return Outcome.UPDATED if exists else Outcome.CREATED

    def plan(
        self, template_url: str, parameters: Mapping[str, str | None], seconds: float, approve: Approve = always
    ) -> str | None:
        """Show the changes to `approve` and leave the change set; returns its name, or None if nothing changes.

        Raises: as `apply`.
        """
        _, proposed = self._propose(template_url, parameters, seconds, "plan")
        if self._ask_approval(proposed, seconds, approve):
            return proposed.name
        proposed.withdraw()
        return None

    def cancel_update(self) -> set[str] | None:
        """Have CloudFormation roll back the update under way; returns the events until then, or None if none is."""
        seen = self._events.list_ids()
        try:
            self.client.cancel_update_stack(StackName=self.name)
        except ClientError as error:
            if "cannot be called from current stack status" not in str(error):
                raise
            return None
        return seen

    def wait_for_rollback(self, seconds: float, seen: Collection[str]) -> str:
        """Wait up to `seconds` until the update is rolled back, or done after all; returns the status.

        Raises:
            StackFailed: the rollback failed, or takes longer.
        """
        status = self._until(_is_settled, seconds, seen or self._events.list_ids())
        if status == _STUCK:
            raise StackFailed(explain_stuck(self.name, self._resources()))
        return status

    @property
    def updating(self) -> bool:
        """Whether an update goes on that can be cancelled."""
        return self.status() == _UPDATING

    def status(self) -> str:
        """The stack's status; DELETE_COMPLETE if there is none."""
        found = self._find()
        return found["StackStatus"] if found else _GONE

    def settle(self, seconds: float) -> str:
        """Wait up to `seconds` until nothing goes on, and return the status."""
        return self._until(_may_begin, seconds, self._events.list_ids())

    def parameters(self, seconds: float) -> dict[str, str] | None:
        """The parameters that the stack has once nothing goes on, in `seconds` at most; None of one to be made.

        A stack that never was complete counts as one to be made: `apply` deletes it first.
        """
        if self.settle(seconds) in {_GONE, *INCOMPLETE}:
            return None
        found = self._find()
        pairs = found.get("Parameters", []) if found else []
        return {pair["ParameterKey"]: pair.get("ParameterValue", "") for pair in pairs}

    def outputs(self) -> dict[str, str]:
        """The stack's outputs by name."""
        found = self._find()
        pairs = found.get("Outputs", []) if found else []
        return {pair["OutputKey"]: pair["OutputValue"] for pair in pairs}

    def made(self, kind: str | None = None) -> dict[str, str]:
        """The physical id of each resource, or of those of one type, by its logical id. Of a KMS key its id, no ARN."""
        found = [each for each in self._resources() if kind is None or each["ResourceType"] == kind]
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
        seen = self._events.list_ids()
        self.client.delete_stack(StackName=self.name, **self.whole.by_role)
        status = self._until(_is_deleted_or_stuck, seconds, seen)
        if status != _GONE:
            raise StackFailed(self._explain(status, seen))

    @property
    def _events(self) -> Events:
        return Events(self.client, self.name)

    def _propose(
        self, template_url: str, parameters: Mapping[str, str | None], seconds: float, purpose: str
    ) -> tuple[bool, ChangeSet]:
        """Whether the stack exists, and a change set of it, created once nothing else goes on."""
        status = self.settle(seconds)
        if status == _STUCK:
            raise StackFailed(explain_stuck(self.name, self._resources()))
        if status in _NEVER_COMPLETE:
            self.progress(f"{self.name} is {status} from an earlier attempt; deleting it")
            self.protect(wanted=False)  # it never served, so its protection protects nothing
            self.delete(seconds)
            status = _GONE
        exists = status not in {_GONE, ONLY_A_CHANGE_SET}
        proposed = ChangeSet.named(purpose, self.client, self.name, self.pace, self.whole, new=not exists)
        proposed.create(template_url, parameters)
        return exists, proposed

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

    def _find(self) -> StackTypeDef | None:
        try:
            found = self.client.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return next((stack for stack in found if stack["StackStatus"] != _GONE), None)

    def _resources(self) -> list[StackResourceSummaryTypeDef]:
        pages = self.client.get_paginator("list_stack_resources").paginate(StackName=self.name)
        return [each for page in pages for each in page["StackResourceSummaries"]]

    def _until(self, done: Callable[[str], bool], seconds: float, seen: Collection[str]) -> str:
        """Wait for one of the statuses, and report new events."""
        waiting = Waiting(self._events, self.status, self.progress, self.watch)
        status = waiting.until(done, self.pace.looks(seconds), seen)
        if not done(status):
            raise StackFailed(f"The stack {self.name} is {status} after {seconds:.0f} s; CloudFormation goes on.")
        return status

    def _explain(self, status: str, seen: Collection[str]) -> str:
        if status == _STUCK:
            return explain_stuck(self.name, self._resources())
        blamed = self.blame()
        return self._events.explain(status, seen, *([blamed] if blamed else []))


def _may_begin(status: str) -> bool:
    return status == ONLY_A_CHANGE_SET or _is_settled(status)


def _is_settled(status: str) -> bool:
    return not status.endswith(_UNDER_WAY)


def _is_deleted_or_stuck(status: str) -> bool:
    return status in {_GONE, "DELETE_FAILED"}
