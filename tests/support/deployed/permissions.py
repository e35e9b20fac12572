"""An inline policy of a role or user on the emulator, changed for a while."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import boto3

from local.clients import make_client_arguments

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

Document = dict[str, Any]


class Held(NamedTuple):
    """The one inline policy of a role or a user."""

    read: Callable[[], Document]
    write: Callable[[str], object]

    @property
    def actions(self) -> set[str]:
        """Every action that it allows."""
        return {action for statement in self.read()["Statement"] for action in _list_actions(statement["Action"])}

    @contextmanager
    def without(self, action: str) -> Iterator[None]:
        """All but that action."""
        changed = self.read()
        for statement in changed["Statement"]:
            statement["Action"] = [each for each in _list_actions(statement["Action"]) if each != action]
        changed["Statement"] = [each for each in changed["Statement"] if each["Action"]]
        assert changed["Statement"] != self.read()["Statement"], f"{action} was not allowed"
        with self.replaced(changed):
            yield

    @contextmanager
    def replaced(self, document: Document) -> Iterator[None]:
        """Another document, then the one from before."""
        before = self.read()
        self.write(json.dumps(document))
        try:
            yield
        finally:
            self.write(json.dumps(before))


def of_role(endpoint: str, name: str) -> Held:
    """A role with one inline policy."""
    iam: IAMClient = boto3.client("iam", **make_client_arguments(endpoint))
    (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]

    def read() -> Document:
        return _read_document(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])

    return Held(read, lambda text: iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=text))


def of_user(endpoint: str, name: str) -> Held:
    """A user with one inline policy."""
    iam: IAMClient = boto3.client("iam", **make_client_arguments(endpoint))
    (policy,) = iam.list_user_policies(UserName=name)["PolicyNames"]

    def read() -> Document:
        return _read_document(iam.get_user_policy(UserName=name, PolicyName=policy)["PolicyDocument"])

    return Held(read, lambda text: iam.put_user_policy(UserName=name, PolicyName=policy, PolicyDocument=text))


def _read_document(found: object) -> Document:
    """As boto3 answers it: parsed already, though its types say otherwise."""
    parsed: Document = json.loads(found) if isinstance(found, str) else copy.deepcopy(cast("Document", found))
    return parsed


def _list_actions(actions: str | list[str]) -> list[str]:
    return [actions] if isinstance(actions, str) else actions
