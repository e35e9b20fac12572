"""Applying a template when CloudFormation is slow, stuck or refuses. test_deploy.py has the normal case."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from infra.deployment.change_set import Change
from infra.deployment.pace import Pace
from infra.deployment.stack import Declined, Outcome, Stack, StackFailed

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

URL = "https://bucket/template.json"
ADDED = {"Action": "Add", "LogicalResourceId": "Topic", "ResourceType": "AWS::SNS::Topic"}
REPLACED = {
    "Action": "Modify", "LogicalResourceId": "Table", "ResourceType": "AWS::DynamoDB::Table", "Replacement": "True",
    "Details": [{"Target": {"Attribute": "Properties", "Name": "KeySchema"}}],
}  # fmt: skip


class FakeCloudFormation:
    """A stack that has the given statuses, one per look; None means that it does not exist."""

    def __init__(
        self,
        *statuses: str | None,
        refusal: str = "",
        change_set: tuple[str, str] = ("CREATE_COMPLETE", ""),
        changes: tuple[dict[str, Any], ...] = (),
        reasons: tuple[str, ...] = (),
        stays: bool = False,
        planned: tuple[str, ...] = (),
    ) -> None:
        self.planned = planned
        self.statuses = list(statuses)
        self.refusal = refusal
        self.change_set = change_set
        self.pages = [changes[:1], changes[1:]]
        self.reasons = reasons
        self.stays = stays
        self.calls: list[str] = []
        self.events = 1

    def describe_stacks(self, **_: str) -> dict[str, Any]:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status is None:
            raise make_refusal("DescribeStacks", "Stack with id s does not exist")
        return {"Stacks": [{"StackName": "s", "StackStatus": status, "Outputs": []}]}

    def create_change_set(self, **given: object) -> None:
        self.calls.append(f"propose {given['ChangeSetType']}")
        if self.refusal:
            raise make_refusal("CreateChangeSet", self.refusal)

    def describe_change_set(self, **given: object) -> dict[str, Any]:
        status, reason = self.change_set
        page = 1 if "NextToken" in given else 0
        found = [{"Type": "Resource", "ResourceChange": change} for change in self.pages[page]]
        return {"Status": status, "StatusReason": reason, "Changes": found} | ({} if page else {"NextToken": "t"})

    def execute_change_set(self, **_: object) -> None:
        self.calls.append("execute")
        self.events += len(self.reasons)

    def delete_change_set(self, **_: object) -> None:
        self.calls.append("withdraw")
        if self.stays:
            raise make_refusal("DeleteChangeSet", "The token has expired")

    def delete_stack(self, **_: object) -> None:
        self.calls.append("delete")

    def get_paginator(self, operation: str) -> "FakeCloudFormation":
        self.paged = operation
        return self

    def paginate(self, **_: object) -> Iterator[dict[str, Any]]:
        """The events, newest first, two in a page; no other change set."""
        if self.paged == "list_change_sets":
            yield {"Summaries": [{"ChangeSetName": each, "ExecutionStatus": "AVAILABLE"} for each in self.planned]}
            return
        old = make_event("0", "UPDATE_FAILED", "an earlier attempt")
        new = [make_event(str(number), "UPDATE_FAILED", reason) for number, reason in enumerate(self.reasons, 1)]
        newest_first = [*reversed(new), old][-self.events :]
        for first in range(0, len(newest_first), 2):
            yield {"StackEvents": newest_first[first : first + 2]}


def make_event(identifier: str, status: str, reason: str) -> dict[str, str]:
    return {"EventId": identifier, "LogicalResourceId": "R", "ResourceStatus": status, "ResourceStatusReason": reason}


def make_refusal(operation: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": "ValidationError", "Message": message}}, operation)


def stack(fake: FakeCloudFormation, sleep: Callable[[float], None] = lambda _: None) -> Stack:
    return Stack(cast("CloudFormationClient", fake), "s", progress=lambda _: None, pace=Pace(0.5, 0.5, sleep))


def test_an_absent_stack_is_created_and_waited_for() -> None:
    fake = FakeCloudFormation(None, "CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE")
    assert stack(fake).apply(URL, {}, 10) is Outcome.CREATED
    assert fake.calls == ["propose CREATE", "execute"]


def test_a_stack_that_is_there_is_updated() -> None:
    fake = FakeCloudFormation("CREATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE")
    assert stack(fake).apply(URL, {}, 10) is Outcome.UPDATED
    assert fake.calls == ["propose UPDATE", "execute"]


def test_no_change_is_no_failure_and_leaves_nothing() -> None:
    fake = FakeCloudFormation(
        "CREATE_COMPLETE", change_set=("FAILED", "The submitted information didn't contain changes.")
    )
    assert stack(fake).apply(URL, {}, 10) is Outcome.UNCHANGED
    assert fake.calls == ["propose UPDATE", "withdraw"]


def test_a_template_that_is_not_taken_says_why() -> None:
    fake = FakeCloudFormation("CREATE_COMPLETE", refusal="Template format error: X")
    with pytest.raises(StackFailed, match="Template format error: X"):
        stack(fake).apply(URL, {}, 10)


def test_changes_that_cannot_be_made_say_why() -> None:
    fake = FakeCloudFormation("CREATE_COMPLETE", change_set=("FAILED", "Circular dependency: X"))
    with pytest.raises(StackFailed, match="Circular dependency: X"):
        stack(fake).apply(URL, {}, 10)
    assert fake.calls == ["propose UPDATE", "withdraw"]


def test_what_would_change_is_shown_before_anything_is_done() -> None:
    shown: list[str] = []
    fake = FakeCloudFormation("CREATE_COMPLETE", "UPDATE_COMPLETE", changes=(ADDED, REPLACED))

    def approve(changes: list[Change]) -> bool:
        assert "execute" not in fake.calls
        shown.extend(map(str, changes))
        return True

    stack(fake).apply(URL, {}, 10, approve)
    assert shown == ["+ Topic  SNS::Topic", "~ Table  DynamoDB::Table  KeySchema  REPLACED"]


@pytest.mark.parametrize(("status", "calls"), [
    (None, ["propose CREATE", "withdraw", "delete"]),
    ("CREATE_COMPLETE", ["propose UPDATE", "withdraw"]),
])  # fmt: skip
def test_what_is_declined_is_not_done_and_leaves_nothing(status: str | None, calls: list[str]) -> None:
    fake = FakeCloudFormation(status, changes=(REPLACED,))
    with pytest.raises(Declined, match="Nothing was changed"):
        stack(fake).apply(URL, {}, 10, lambda _: False)
    assert fake.calls == calls


@pytest.mark.parametrize("ended", [Declined("There is nobody to ask."), KeyboardInterrupt()])
@pytest.mark.parametrize(("status", "calls"), [
    (None, ["propose CREATE", "withdraw", "delete"]),
    ("CREATE_COMPLETE", ["propose UPDATE", "withdraw"]),
])  # fmt: skip
def test_where_nobody_answers_nothing_is_left(ended: BaseException, status: str | None, calls: list[str]) -> None:
    def approve(_changes: list[Change]) -> bool:
        raise ended

    fake = FakeCloudFormation(status, changes=(REPLACED,))
    with pytest.raises(type(ended)):
        stack(fake).apply(URL, {}, 10, approve)
    assert fake.calls == calls


def test_what_cannot_be_withdrawn_is_told_and_hides_nothing() -> None:
    said: list[str] = []
    fake = FakeCloudFormation("CREATE_COMPLETE", change_set=("FAILED", "Circular dependency: X"), stays=True)
    proposing = Stack(cast("CloudFormationClient", fake), "s", said.append, Pace(0.5, 0.5, lambda _: None))
    with pytest.raises(StackFailed, match="Circular dependency: X"):
        proposing.apply(URL, {}, 10)
    assert "is left" in said[-1]


def test_a_stack_that_was_proposed_and_never_made_is_made() -> None:
    fake = FakeCloudFormation("REVIEW_IN_PROGRESS", "REVIEW_IN_PROGRESS", "CREATE_COMPLETE")
    assert stack(fake).apply(URL, {}, 10) is Outcome.CREATED
    assert fake.calls == ["propose CREATE", "execute"]


@pytest.mark.parametrize(("change", "destroys"), [
    (Change("Add", "R", "T"), False),
    (Change("Modify", "R", "T"), False),
    (Change("Remove", "R", "T"), True),
    (Change("Remove", "R", "T", kept=True), False),
    (Change("Modify", "R", "T", "Conditional"), True),
    (Change("Modify", "R", "AWS::CloudWatch::Alarm", "True"), False),
    (Change("Remove", "R", "AWS::CloudWatch::Alarm"), True),
])  # fmt: skip
def test_what_may_be_gone_afterwards_is_told_apart(change: Change, *, destroys: bool) -> None:
    assert change.destroys is destroys


def test_an_attempt_that_never_completed_is_deleted_and_made_again() -> None:
    fake = FakeCloudFormation("ROLLBACK_COMPLETE", "DELETE_IN_PROGRESS", None, "CREATE_COMPLETE")
    assert stack(fake).apply(URL, {}, 10) is Outcome.CREATED
    assert fake.calls == ["delete", "propose CREATE", "execute"]


def test_a_stack_that_was_complete_once_is_never_deleted() -> None:
    fake = FakeCloudFormation("UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE")
    stack(fake).apply(URL, {}, 10)
    assert fake.calls == ["propose UPDATE", "execute"]


def test_what_goes_on_already_is_waited_for() -> None:
    fake = FakeCloudFormation("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", "UPDATE_COMPLETE")
    assert stack(fake).apply(URL, {}, 10) is Outcome.UPDATED


def test_a_rollback_is_explained_by_its_own_events_in_order() -> None:
    fake = FakeCloudFormation("CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", reasons=("first", "second"))
    with pytest.raises(StackFailed) as failed:
        stack(fake).apply(URL, {}, 10)
    lines = str(failed.value).splitlines()
    assert lines == ["The stack s ended as UPDATE_ROLLBACK_COMPLETE.", "  R: first", "  R: second"]


def test_only_root_failures_are_reported_with_advice_once() -> None:
    reasons = ("Resource creation cancelled", "alias x already exists", "alias y already exists")
    fake = FakeCloudFormation("CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", reasons=reasons)
    with pytest.raises(StackFailed) as failed:
        stack(fake).apply(URL, {}, 10)
    assert "cancelled" not in str(failed.value)
    assert str(failed.value).count("outside this stack") == 1


def test_waiting_ends() -> None:
    waits: list[float] = []
    with pytest.raises(StackFailed, match="CREATE_IN_PROGRESS after 3 s"):
        stack(FakeCloudFormation(None, "CREATE_IN_PROGRESS"), waits.append).apply(URL, {}, 3)
    assert sum(waits) == 3


def test_a_stack_that_vanishes_while_waiting_is_a_failure() -> None:
    with pytest.raises(StackFailed, match="DELETE_COMPLETE"):
        stack(FakeCloudFormation("CREATE_COMPLETE", "DELETE_COMPLETE")).apply(URL, {}, 10)


def test_deleting_what_is_not_there_is_done() -> None:
    fake = FakeCloudFormation(None)
    stack(fake).delete(10)
    assert fake.calls == ["delete"]


def test_a_deletion_that_fails_says_so() -> None:
    with pytest.raises(StackFailed, match="DELETE_FAILED"):
        stack(FakeCloudFormation("CREATE_COMPLETE", "DELETE_FAILED")).delete(10)


def test_waiting_for_a_deletion_ends() -> None:
    with pytest.raises(StackFailed, match="DELETE_IN_PROGRESS after 3 s"):
        stack(FakeCloudFormation("CREATE_COMPLETE", "DELETE_IN_PROGRESS")).delete(3)


def test_declining_keeps_a_new_stack_that_somebody_else_has_a_plan_for() -> None:
    fake = FakeCloudFormation("REVIEW_IN_PROGRESS", changes=(ADDED,), planned=("plan-of-somebody",))
    with pytest.raises(Declined):
        stack(fake).apply(URL, {}, 10, lambda _: False)
    assert fake.calls == ["propose CREATE", "withdraw"]


def test_a_plan_is_shown_and_left() -> None:
    shown = list[str]()
    fake = FakeCloudFormation("CREATE_COMPLETE", changes=(ADDED,))

    def show(changes: list[Change]) -> bool:
        shown.extend(map(str, changes))
        return True

    name = stack(fake).plan(URL, {}, 10, show)
    assert (name or "").startswith("plan-")
    assert shown == ["+ Topic  SNS::Topic"]
    assert fake.calls == ["propose UPDATE"], "neither executed nor withdrawn"


def test_a_plan_without_changes_leaves_nothing() -> None:
    fake = FakeCloudFormation(
        "CREATE_COMPLETE", change_set=("FAILED", "The submitted information didn't contain changes.")
    )
    assert stack(fake).plan(URL, {}, 10) is None
    assert fake.calls == ["propose UPDATE", "withdraw"]
