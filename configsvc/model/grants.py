"""Grants: a principal, actions and namespace patterns. Deny by default; no action implies another."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple, NewType

from configsvc.model import names
from configsvc.model.errors import InvalidName
from configsvc.model.names import Namespace

Principal = NewType("Principal", str)
Action = Literal["read", "write", "admin"]

ACTIONS: tuple[Action, ...] = ("read", "write", "admin")

PATTERN = r"\*|[a-z0-9][a-z0-9._-]{0,63}|[a-z0-9][a-z0-9._-]{0,61}\.\*"
API_KEY = r"api-key:[A-Za-z0-9]{1,128}"

_PATTERN = re.compile(PATTERN)
_API_KEY = re.compile(API_KEY)
_IAM = re.compile(r"arn:(aws[a-z-]*):(iam|sts)::([0-9]{12}):(assumed-role|role|user)/([\w+=,.@/-]{1,600})", re.ASCII)

_ADMIN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(?:role|user)/[\w+=,.@*-]{1,64}", re.ASCII)


class Grant(NamedTuple):
    """Actions on the namespaces that match a pattern: exact, `prefix.*` or `*`."""

    actions: tuple[Action, ...]
    namespaces: tuple[str, ...]


UPKEEP = Principal("system:upkeep")
"""The scheduled upkeep, in this process only: `parse_principal` and `parse_admin_pattern` refuse it, and no identity
that API Gateway passes on is spelled like it. So nobody can call as it, and nobody can grant to it."""

UPKEEP_GRANTS = (Grant(ACTIONS, ("*",)),)


def parse_pattern(text: str) -> str:
    """Parses a namespace pattern.

    Raises:
        InvalidName: neither exact, nor `prefix.*`, nor `*`.
    """
    if not _PATTERN.fullmatch(text):
        raise InvalidName(
            "A namespace pattern must be a namespace (payments.prod), a prefix (payments.*) or *.", field="namespaces"
        )
    return text


def covers(pattern: str, namespace: str) -> bool:
    """Whether a pattern matches a namespace. `payments.*` matches payments.prod, but not payments."""
    if pattern == "*":
        return True
    if pattern.endswith(".*"):
        return namespace.startswith(pattern[:-1])
    return pattern == namespace


def allows(grants: Iterable[Grant], action: Action, namespace: Namespace) -> bool:
    """Whether any grant allows the action in the namespace."""
    for grant in grants:
        if action in grant.actions:
            for pattern in grant.namespaces:
                if covers(pattern, namespace):
                    return True
    return False


def allows_everywhere(grants: Iterable[Grant], action: Action) -> bool:
    """Whether any grant allows the action on `*`."""
    return any(action in grant.actions and "*" in grant.namespaces for grant in grants)


def find_lacking(held: Iterable[Grant], wanted: Iterable[Grant]) -> tuple[Grant, ...]:
    """Finds what the wanted grants allow and the held ones do not; empty if the held ones allow all of it.

    Compares what is allowed, not how it is written: payments.* covers payments.prod and payments.eu.*.
    """
    pairs = [(action, pattern) for grant in held for action in grant.actions for pattern in grant.namespaces]

    def is_held(action: Action, wanted_pattern: str) -> bool:
        return any(each == action and covers(pattern, wanted_pattern) for each, pattern in pairs)

    found: list[Grant] = []
    for grant in wanted:
        lacking = dict[tuple[Action, ...], list[str]]()
        for pattern in grant.namespaces:
            actions = tuple(each for each in grant.actions if not is_held(each, pattern))
            lacking.setdefault(actions, []).append(pattern)
        found += [Grant(actions, tuple(patterns)) for actions, patterns in lacking.items() if actions]
    return tuple(found)


def describe(held: Iterable[Grant]) -> str:
    """Describes grants in a sentence: `read, write on payments.*; read on shared.prod`."""
    return "; ".join(f"{', '.join(each.actions)} on {', '.join(each.namespaces)}" for each in held)


def parse_principal(text: str) -> Principal:
    """Parses a principal as grants name it: `api-key:<id>`, or an IAM role or user without path and session.

    Raises:
        InvalidName: anything else, such as an ARN with a path.
    """
    if _API_KEY.fullmatch(text) or normalize_arn(text) == text:
        return Principal(text)
    raise InvalidName(
        "A principal must be api-key:<id>, arn:aws:iam::<account>:role/<Name> or arn:aws:iam::<account>:user/<name>, "
        "without path or session.",
        field="principal",
    )


def parse_author(text: str) -> Principal:
    """Parses a principal as the change log names it: as grants do, or `system:upkeep`.

    Raises:
        InvalidName: anything else.
    """
    return UPKEEP if text == UPKEEP else parse_principal(text)


def parse_api_key_id(identifier: str) -> Principal:
    """The principal for the id of an API key, as API Gateway passes it."""
    return parse_principal(f"api-key:{identifier}")


def is_api_key(principal: str) -> bool:
    """Whether a principal is an API key, by which reads are judged. Writes are judged by roles and users."""
    return principal.startswith("api-key:")


def normalize_arn(arn: str) -> Principal | None:
    """The principal for a caller's ARN, without path and session; None if it is neither a role nor a user.

    IAM names are unique in an account whatever their path, and a session's ARN carries the role's name only
    (IAM User Guide, Unique identifiers).
    """
    found = _IAM.fullmatch(arn)
    if not found:
        return None
    partition, service, account, kind, path = found.groups()
    if (service == "sts") != (kind == "assumed-role"):
        return None
    name = path.split("/")[0] if kind == "assumed-role" else path.rsplit("/", 1)[-1]
    return Principal(f"arn:{partition}:iam::{account}:{'user' if kind == 'user' else 'role'}/{name}")


def is_administrator(admins: Iterable[str], principal: Principal) -> bool:
    """Whether an ARN pattern of CONFIGSVC_ADMINS matches the principal. `*` may appear only in the name."""
    return any(principal.count("/") == each.count("/") and names.matches(principal, each) for each in admins)


def parse_admin_pattern(text: str) -> str:
    """Parses an ARN pattern of CONFIGSVC_ADMINS.

    Raises:
        InvalidName: not a role or user, a path, or a `*` before the name.
    """
    if not _ADMIN.fullmatch(text):
        raise InvalidName("CONFIGSVC_ADMINS takes ARNs of roles or users without a path, with * only in the name.")
    return text
