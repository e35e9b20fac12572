"""One CloudFormation stack: create it or update it, wait within a bound, tell what failed and why."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.literals import CapabilityType
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef, StackEventTypeDef, StackTypeDef

POLL_SECONDS = 0.5
_CAPABILITIES: list[CapabilityType] = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
_NOTHING_TO_DO = "No updates are to be performed"
_GOOD = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
_NEVER_COMPLETE = frozenset({"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"})
_GONE = "DELETE_COMPLETE"
_UNDER_WAY = "_IN_PROGRESS"


class StackFailed(Exception):
    """The stack did not get where it should; the message has the events that tell why."""


class Outcome(enum.Enum):
    """What applying a template came to."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack by name, with the client that reaches it.

    Args:
        poll: waits between two looks; a test passes one that does not.
    """

    client: CloudFormationClient
    name: str
    progress: Callable[[str], None]
    poll: Callable[[float], None] = time.sleep

    def apply(self, template_url: str, parameters: Mapping[str, str], seconds: float) -> Outcome:
        """Create the stack, or update it where something changed, and wait up to `seconds` for each step.

        What goes on already is waited for; an attempt that never completed is deleted first, since CloudFormation
        updates none of those.

        Raises:
            StackFailed: it rolled back, is not taken, or takes longer.
        """
        status = self._until(_is_settled, seconds, self._event_ids())
        if status in _NEVER_COMPLETE:
            self.progress(f"{self.name} is {status} from an earlier attempt, deleting it")
            self.delete(seconds)
            status = _GONE
        seen = self._event_ids()
        outcome = self._submit(template_url, parameters, exists=status != _GONE)
        if outcome is not Outcome.UNCHANGED:
            status = self._until(_is_settled, seconds, seen)
            if status not in _GOOD:
                raise StackFailed(self._explain(status, seen))
        return outcome

    def outputs(self) -> dict[str, str]:
        """The stack's outputs by name."""
        found = self._find()
        pairs = found.get("Outputs", []) if found else []
        return {pair["OutputKey"]: pair["OutputValue"] for pair in pairs}

    def delete(self, seconds: float) -> None:
        """Delete the stack and wait up to `seconds`; what is to be retained stays.

        Raises:
            StackFailed: a resource cannot be deleted, or it takes longer.
        """
        seen = self._event_ids()
        self.client.delete_stack(StackName=self.name)
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

    def _submit(self, template_url: str, parameters: Mapping[str, str], *, exists: bool) -> Outcome:
        pairs: list[ParameterTypeDef] = [
            {"ParameterKey": name, "ParameterValue": value} for name, value in sorted(parameters.items())
        ]
        call = self.client.update_stack if exists else self.client.create_stack
        try:
            call(StackName=self.name, TemplateURL=template_url, Parameters=pairs, Capabilities=_CAPABILITIES)
        except ClientError as error:
            if _NOTHING_TO_DO in str(error):
                return Outcome.UNCHANGED
            raise StackFailed(f"CloudFormation does not take {self.name}: {error}") from error
        return Outcome.UPDATED if exists else Outcome.CREATED

    def _until(self, done: Callable[[str], bool], seconds: float, seen: set[str]) -> str:
        """The first status that will do; new events are told on the way."""
        told = set(seen)
        for _ in range(max(1, int(seconds / POLL_SECONDS))):
            found = self._find()
            status: str = found["StackStatus"] if found else _GONE
            self._tell(told)
            if done(status):
                return status
            self.poll(POLL_SECONDS)
        raise StackFailed(f"The stack {self.name} is {status} after {seconds:.0f} s; it goes on without us.")

    def _tell(self, told: set[str]) -> None:
        for event in reversed(self._events(told)):
            told.add(event["EventId"])
            status = event.get("ResourceStatus", "")
            if not status.endswith(_UNDER_WAY):
                self.progress(f"{event.get('LogicalResourceId', '')} {status}")

    def _explain(self, status: str, seen: set[str]) -> str:
        failed = [
            event for event in reversed(self._events(seen)) if event.get("ResourceStatus", "").endswith("_FAILED")
        ]
        lines = [
            f"{event.get('LogicalResourceId')}: {event.get('ResourceStatusReason', 'no reason')}" for event in failed
        ]
        return "\n  ".join([f"The stack {self.name} ended as {status}.", *lines])

    def _event_ids(self) -> set[str]:
        return {event["EventId"] for event in self._events(set())}

    def _events(self, seen: set[str]) -> list[StackEventTypeDef]:
        """The events not seen, newest first: one page, about a hundred. None of a stack that is not there."""
        try:
            found = self.client.describe_stack_events(StackName=self.name)["StackEvents"]
        except ClientError as error:
            if "does not exist" in str(error):
                return []
            raise
        return [event for event in found if event["EventId"] not in seen]


def _is_settled(status: str) -> bool:
    return not status.endswith(_UNDER_WAY)


def _is_deleted_or_stuck(status: str) -> bool:
    return status in {_GONE, "DELETE_FAILED"}
