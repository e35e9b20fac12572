"""Gets, sets and deletes grants, and describes what callers may do."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from configsvc.model import grants, limits
from configsvc.model.errors import NotFound, PreconditionFailed, TooLarge
from configsvc.model.etag import of_revision
from configsvc.model.grants import Grant, Principal
from configsvc.service.engine import access, paging, records, writing
from configsvc.service.engine.access import CallerRights, FoundRecords, find_record
from configsvc.service.engine.ports import Caller, Idempotency, Remove, ServicePorts, Write, WriteOutcome
from configsvc.service.engine.preconditions import write_and_explain
from configsvc.service.engine.records import GRANTS, GrantsHead, RecordAddress, StoredGrants
from configsvc.service.engine.writing import Intent, LogNote, Plan, Situation


class ExpectedGrants(NamedTuple):
    """The precondition of a write: the grants are of a revision, or do not exist."""

    if_match: int | None = None
    none: bool = False


ANYTHING = ExpectedGrants()


def _list_grants_addresses(principal: Principal) -> tuple[RecordAddress, ...]:
    """Returns the addresses that both decisions read."""
    return (records.GRANTS_HEAD, records.address_of_granted(principal))


def _authorise_grants(held: CallerRights, _found: FoundRecords) -> None:
    """Checks that the caller may administer grants.

    Raises:
        Forbidden.
    """
    access.require_everywhere(held)


def _decide_set(
    principal: Principal, wanted: tuple[Grant, ...], expected: ExpectedGrants, found: FoundRecords, situation: Situation
) -> Plan:
    """Replaces the grants of a principal as a whole.

    Raises:
        PreconditionFailed: the precondition does not hold.
    """
    head, old = _find_grants(principal, found)
    _check_expected(principal, expected, old)
    new = GrantsHead(head.revision + 1 if head else 1)
    done = LogNote(
        "set_grants",
        principal,
        details={"was": describe_grants(old.grants if old else ()), "now": describe_grants(wanted)},
    )
    actions = (
        Write(new, head.revision if head else None),
        Write(StoredGrants(principal, new.revision, wanted), old.revision if old else None),
        writing.make_log_record(None, new.revision, new.revision, done, situation),
    )
    body = _describe_granted(StoredGrants(principal, new.revision, wanted))
    return Plan(new.revision, actions, WriteOutcome(200, body, of_revision(new.revision)))


def _decide_delete(principal: Principal, expected: ExpectedGrants, found: FoundRecords, situation: Situation) -> Plan:
    """Removes the grants of a principal.

    Raises:
        NotFound: it has no grants.
        PreconditionFailed: the precondition does not hold.
    """
    head, old = _find_grants(principal, found)
    if head is None or old is None:
        raise NotFound("That principal has no grants.", principal=principal)
    _check_expected(principal, expected, old)
    new = GrantsHead(head.revision + 1)
    done = LogNote("delete_grants", principal, details={"was": describe_grants(old.grants), "now": []})
    actions = (
        Write(new, head.revision),
        Remove(records.address_of_granted(principal), old.revision),
        writing.make_log_record(None, new.revision, new.revision, done, situation),
    )
    return Plan(new.revision, actions, WriteOutcome(204, {}))


def _describe_granted(granted: StoredGrants) -> dict[str, object]:
    """Describes the grants of a principal for an answer."""
    return {"principal": granted.principal, "grants": describe_grants(granted.grants), "revision": granted.revision}


def describe_grants(grants: Sequence[Grant]) -> list[dict[str, object]]:
    """Converts grants to JSON."""
    return [{"actions": list(grant.actions), "namespaces": list(grant.namespaces)} for grant in grants]


def _check_expected(principal: Principal, expected: ExpectedGrants, old: StoredGrants | None) -> None:
    revision = old.revision if old else None
    if (expected.none and old) or expected.if_match not in (None, revision):
        raise PreconditionFailed(
            "The grants have changed since you read them. Read them again.", principal=principal, revision=revision
        )


def _find_grants(principal: Principal, found: FoundRecords) -> tuple[GrantsHead | None, StoredGrants | None]:
    return find_record(found, records.GRANTS_HEAD, GrantsHead), find_record(
        found, records.address_of_granted(principal), StoredGrants
    )


def get_grants(
    ports: ServicePorts, caller: Caller, principal: str | None, limit: int, cursor: str | None
) -> dict[str, object]:
    """Returns `{"principal", "grants", "revision"}` of one, or `{"grants": [...], "cursor"}` of all, by principal.

    Raises:
        Forbidden: the caller does not administer everything.
        NotFound: the principal has no grants.
        InvalidRequest: a bad limit or cursor.
    """
    name = None if principal is None else grants.parse_principal(principal)
    wanted = (records.address_of_granted(name),) if name else ()
    after = paging.parse_cursor(cursor, "", grants.parse_principal)
    held, found = access.read_with_rights(ports, caller, wanted, writes=True)
    access.require_everywhere(held)
    if name is None:
        return _list_grants(ports, limit, after)
    granted = find_record(found, records.address_of_granted(name), StoredGrants)
    if granted is None:
        raise NotFound("That principal has no grants.", principal=name)
    return _describe_granted(granted)


def _list_grants(ports: ServicePorts, limit: int, after: str) -> dict[str, object]:
    every = ports.repository.query(records.GRANTS, "G#", after=f"G#{after}" if after else "", limit=limit + 1)
    granted = (each for each in every if isinstance(each, StoredGrants))
    shown, more = paging.cut_page(
        granted,
        limit,
        lambda each: each.principal,
        lambda each: paging.measure_json(_describe_granted(each), ports.charset),
    )
    return {"grants": [_describe_granted(each) for each in shown], "cursor": more}


def set_grants(  # noqa: PLR0917  # as the other verbs: ports, caller, what is asked, idempotency, precondition
    ports: ServicePorts,
    caller: Caller,
    principal: str,
    wanted: tuple[Grant, ...],
    idempotency: Idempotency | None,
    expected: ExpectedGrants = ANYTHING,
) -> WriteOutcome:
    """Replaces all grants of the principal; other warm processes notice within 10 seconds.

    Answers 200 `{"principal", "grants", "revision"}`.

    Raises:
        Forbidden: the caller does not administer everything.
        InvalidName: a principal or pattern is not valid.
        TooLarge: too many grants or patterns.
        PreconditionFailed: the precondition does not hold.
    """
    name = grants.parse_principal(principal)
    patterns = [grants.parse_pattern(pattern) for grant in wanted for pattern in grant.namespaces]
    if len(wanted) > limits.GRANTS or len(patterns) > limits.GRANT_PATTERNS:
        raise TooLarge(
            f"A principal has at most {limits.GRANTS} grants with {limits.GRANT_PATTERNS} patterns. Use prefix.*",
            limit=limits.GRANTS,
        )
    intent = Intent(
        GRANTS,
        _list_grants_addresses(name),
        _authorise_grants,
        partial(_decide_set, name, wanted, expected),
    )
    try:
        return write_and_explain(ports, caller, intent, idempotency)
    finally:
        ports.grants.forget(name)


def delete_grants(
    ports: ServicePorts,
    caller: Caller,
    principal: str,
    idempotency: Idempotency | None,
    expected: ExpectedGrants = ANYTHING,
) -> WriteOutcome:
    """Removes all rights of the principal; other warm processes notice within 10 seconds. Answers 204.

    Raises:
        Forbidden: the caller does not administer everything.
        NotFound: it has no grants.
        PreconditionFailed: the precondition does not hold.
    """
    name = grants.parse_principal(principal)
    intent = Intent(
        GRANTS,
        _list_grants_addresses(name),
        _authorise_grants,
        partial(_decide_delete, name, expected),
    )
    try:
        return write_and_explain(ports, caller, intent, idempotency)
    finally:
        ports.grants.forget(name)


def describe_caller(ports: ServicePorts, caller: Caller) -> dict[str, object]:
    """Returns the rights of the API key and of the IAM principal, None for one that is absent.

    Answers `{"api_key": {"principal", "grants"}, "iam": {"principal", "arn", "grants", "administrator"}}`. The grants
    are
    those that the service acts on: at most 10 seconds old.
    """
    held, _ = access.read_with_rights(ports, caller, (), writes=True)
    api_key = caller.api_key and {"principal": caller.api_key, "grants": describe_grants(held.reader)}
    iam = caller.principal and {
        "principal": caller.principal,
        "arn": caller.arn,
        "grants": describe_grants(held.writer),
        "administrator": held.administrator,
    }
    return {"api_key": api_key or None, "iam": iam or None}
