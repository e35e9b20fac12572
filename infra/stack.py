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
_STUCK = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})


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
        """Create the stack, or update it where something changed, and wait up to `seconds`.

        Raises:
            StackFailed: it rolled back, is stuck from an earlier attempt, or takes longer.
        """
        found = self._find()
        if found and found["StackStatus"] in _STUCK:
            raise StackFailed(f"The stack {self.name} is {found['StackStatus']}: delete it, then deploy again.")
        seen = self._event_ids() if found else set()
        outcome = self._submit(template_url, parameters, exists=found is not None)
        if outcome is not Outcome.UNCHANGED:
            self._wait(seconds, seen)
        return outcome

    def outputs(self) -> dict[str, str]:
        """The stack's outputs by name."""
        found = self._find()
        pairs = found.get("Outputs", []) if found else []
        return {pair["OutputKey"]: pair["OutputValue"] for pair in pairs}

    def delete(self, seconds: float) -> None:
        """Delete the stack and wait; what is to be retained stays."""
        seen = self._event_ids() if self._find() else set()
        self.client.delete_stack(StackName=self.name)
        for _ in range(max(1, int(seconds / POLL_SECONDS))):
            found = self._find()
            if found is None or found["StackStatus"] == "DELETE_COMPLETE":
                return
            if found["StackStatus"] == "DELETE_FAILED":
                raise StackFailed(self._explain(found["StackStatus"], seen))
            self.poll(POLL_SECONDS)
        raise StackFailed(f"The stack {self.name} is still being deleted after {seconds:.0f} s.")

    def _find(self) -> StackTypeDef | None:
        try:
            found = self.client.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return next((stack for stack in found if stack["StackStatus"] != "DELETE_COMPLETE"), None)

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

    def _wait(self, seconds: float, seen: set[str]) -> None:
        told = set(seen)
        for _ in range(max(1, int(seconds / POLL_SECONDS))):
            found = self._find()
            status = found["StackStatus"] if found else "DELETE_COMPLETE"
            self._tell(told)
            if status in _GOOD:
                return
            if not status.endswith("_IN_PROGRESS"):
                raise StackFailed(self._explain(status, seen))
            self.poll(POLL_SECONDS)
        raise StackFailed(f"The stack {self.name} is not done after {seconds:.0f} s; it goes on without us.")

    def _tell(self, told: set[str]) -> None:
        for event in reversed(self._events(told)):
            told.add(event["EventId"])
            status = event.get("ResourceStatus", "")
            if not status.endswith("_IN_PROGRESS"):
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
        """The events not seen, newest first: one page, about a hundred."""
        found = self.client.describe_stack_events(StackName=self.name)["StackEvents"]
        return [event for event in found if event["EventId"] not in seen]
