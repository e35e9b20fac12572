"""Settings of a stack as a whole: its tags, the role that works on it, its termination protection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.stage import Stage


class Tag(TypedDict):
    """A tag as AWS's APIs take it."""

    Key: str
    Value: str


class Proposal(TypedDict, total=False):
    """Arguments of CreateChangeSet."""

    RoleARN: str
    Tags: Sequence[Tag]


class ByRole(TypedDict, total=False):
    """Arguments of DeleteStack and ContinueUpdateRollback."""

    RoleARN: str


@dataclass(frozen=True, slots=True)
class WholeStack:
    """Settings of a stack.

    Args:
        tags: CloudFormation copies them to every resource that takes tags.
        role: the ARN of the role that CloudFormation works with; None is the role of the last time, or else the caller.
        protected: whether the stack refuses to be deleted; None leaves that as it is.
    """

    tags: Mapping[str, str] = field(default_factory=dict)
    role: str | None = None
    protected: bool | None = None

    @classmethod
    def of(cls, stage: Stage) -> WholeStack:
        """Read from the stage."""
        return cls(stage.tags, stage.cloudformation_role, stage.termination_protection)

    @property
    def tag_list(self) -> list[Tag]:
        """The tags, sorted, as AWS takes them."""
        return [{"Key": key, "Value": value} for key, value in sorted(self.tags.items())]

    @property
    def proposal(self) -> Proposal:
        """Arguments for a change set. Without tags the argument is left out, so the stack keeps those it has."""
        wanted: Proposal = {"Tags": self.tag_list} if self.tags else {}
        if self.role:
            wanted["RoleARN"] = self.role
        return wanted

    @property
    def by_role(self) -> ByRole:
        """Arguments for an operation that takes only the role."""
        return {"RoleARN": self.role} if self.role else {}


NOTHING_SPECIAL = WholeStack()
"""A stack without tags and role; its protection is left as it is."""
