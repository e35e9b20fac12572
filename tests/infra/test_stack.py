"""What applying a template does when CloudFormation is slow, stuck or refuses. The good road is in test_deploy.py."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from infra.stack import Outcome, Stack, StackFailed

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

URL = "https://bucket/template.json"


class FakeCloudFormation:
    """One stack that goes through the given statuses, one a look; None means that there is none."""

    def __init__(self, *statuses: str | None, update: str = "", reasons: tuple[str, ...] = ()) -> None:
        self.statuses = list(statuses)
        self.update = update
        self.reasons = reasons
        self.calls: list[str] = []
        self.events = 1

    def describe_stacks(self, **_: str) -> dict[str, Any]:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status is None:
            raise refused("DescribeStacks", "Stack with id s does not exist")
        return {"Stacks": [{"StackName": "s", "StackStatus": status, "Outputs": []}]}

    def create_stack(self, **_: object) -> None:
        self.calls.append("create")

    def update_stack(self, **_: object) -> None:
        self.calls.append("update")
        if self.update:
            raise refused("UpdateStack", self.update)
        self.events += len(self.reasons)

    def delete_stack(self, **_: object) -> None:
        self.calls.append("delete")

    def describe_stack_events(self, **_: object) -> dict[str, Any]:
        old = event("0", "UPDATE_FAILED", "an earlier attempt")
        new = [event(str(number), "UPDATE_FAILED", reason) for number, reason in enumerate(self.reasons, 1)]
        return {"StackEvents": [*reversed(new), old][-self.events :]}


def event(identifier: str, status: str, reason: str) -> dict[str, str]:
    return {"EventId": identifier, "LogicalResourceId": "R", "ResourceStatus": status, "ResourceStatusReason": reason}


def refused(operation: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": "ValidationError", "Message": message}}, operation)


def stack(fake: FakeCloudFormation, poll: Callable[[float], None] = lambda _: None) -> Stack:
    return Stack(cast("CloudFormationClient", fake), "s", progress=lambda _: None, poll=poll)


def test_an_absent_stack_is_created_and_waited_for() -> None:
    fake = FakeCloudFormation(None, "CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE")
    assert stack(fake).apply(URL, {}, 10) is Outcome.CREATED
    assert fake.calls == ["create"]


def test_a_stack_that_is_there_is_updated() -> None:
    fake = FakeCloudFormation("CREATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE")
    assert stack(fake).apply(URL, {}, 10) is Outcome.UPDATED
    assert fake.calls == ["update"]


def test_no_change_is_no_failure() -> None:
    fake = FakeCloudFormation("CREATE_COMPLETE", update="No updates are to be performed.")
    assert stack(fake).apply(URL, {}, 10) is Outcome.UNCHANGED


def test_a_template_that_is_not_taken_says_why() -> None:
    fake = FakeCloudFormation("CREATE_COMPLETE", update="Template format error: X")
    with pytest.raises(StackFailed, match="Template format error: X"):
        stack(fake).apply(URL, {}, 10)


def test_an_attempt_that_never_completed_is_deleted_and_made_again() -> None:
    fake = FakeCloudFormation("ROLLBACK_COMPLETE", "DELETE_IN_PROGRESS", None, "CREATE_COMPLETE")
    assert stack(fake).apply(URL, {}, 10) is Outcome.CREATED
    assert fake.calls == ["delete", "create"]


def test_a_stack_that_was_complete_once_is_never_deleted() -> None:
    fake = FakeCloudFormation("UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE")
    stack(fake).apply(URL, {}, 10)
    assert fake.calls == ["update"]


def test_what_goes_on_already_is_waited_for() -> None:
    fake = FakeCloudFormation("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", "UPDATE_COMPLETE")
    assert stack(fake).apply(URL, {}, 10) is Outcome.UPDATED


def test_a_rollback_is_explained_by_its_own_events_in_order() -> None:
    fake = FakeCloudFormation("CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", reasons=("first", "second"))
    with pytest.raises(StackFailed) as failed:
        stack(fake).apply(URL, {}, 10)
    lines = str(failed.value).splitlines()
    assert lines == ["The stack s ended as UPDATE_ROLLBACK_COMPLETE.", "  R: first", "  R: second"]


def test_waiting_ends() -> None:
    waits: list[float] = []
    with pytest.raises(StackFailed, match="CREATE_IN_PROGRESS after 3 s"):
        stack(FakeCloudFormation(None, "CREATE_IN_PROGRESS"), waits.append).apply(URL, {}, 3)
    assert sum(waits) == 3


def test_a_stack_that_vanishes_while_waiting_is_a_failure() -> None:
    with pytest.raises(StackFailed, match="DELETE_COMPLETE"):
        stack(FakeCloudFormation("CREATE_COMPLETE", "DELETE_COMPLETE")).apply(URL, {}, 10)


def test_deleting_what_is_not_there_is_done() -> None:
    stack(FakeCloudFormation(None)).delete(10)


def test_a_deletion_that_fails_says_so() -> None:
    with pytest.raises(StackFailed, match="DELETE_FAILED"):
        stack(FakeCloudFormation("CREATE_COMPLETE", "DELETE_FAILED")).delete(10)


def test_waiting_for_a_deletion_ends() -> None:
    with pytest.raises(StackFailed, match="DELETE_IN_PROGRESS after 3 s"):
        stack(FakeCloudFormation("CREATE_COMPLETE", "DELETE_IN_PROGRESS")).delete(3)
