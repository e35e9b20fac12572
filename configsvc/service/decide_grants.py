"""Grants set or taken away, decided; they have a HEAD and a change log of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from configsvc.model.errors import NotFound, PreconditionFailed
from configsvc.model.etag import of_revision
from configsvc.model.grants import Grant, Principal
from configsvc.service import access, change_log, records
from configsvc.service.access import Access
from configsvc.service.change_log import Done
from configsvc.service.found import Found, one
from configsvc.service.ports import Outcome, Remove, Write
from configsvc.service.records import Address, Granted, GrantsHead
from configsvc.service.writing import Plan, Situation


class Expected(NamedTuple):
    """What must stand for a write to be done: the grants of a revision, or none at all."""

    if_match: int | None = None
    none: bool = False


ANYTHING = Expected()


def addresses(principal: Principal) -> tuple[Address, ...]:
    """What both decisions read."""
    return (records.GRANTS_HEAD, records.granted(principal))


def authorise(held: Access, _found: Found) -> None:
    """Grants are for admins of everything.

    Raises:
        Forbidden.
    """
    access.require_everywhere(held)


def decide_set(
    principal: Principal, wanted: tuple[Grant, ...], expected: Expected, found: Found, situation: Situation
) -> Plan:
    """The grants of a principal replaced as a whole.

    Raises:
        PreconditionFailed: they are not as expected.
    """
    head, old = _read(principal, found)
    _check(principal, expected, old)
    new = GrantsHead(head.revision + 1 if head else 1)
    done = Done("set_grants", principal, details={"was": shown(old.grants if old else ()), "now": shown(wanted)})
    actions = (
        Write(new, head.revision if head else None),
        Write(Granted(principal, new.revision, wanted), old.revision if old else None),
        change_log.logged(None, new.revision, new.revision, done, situation),
    )
    body = described(Granted(principal, new.revision, wanted))
    return Plan(new.revision, actions, Outcome(200, body, of_revision(new.revision)))


def decide_delete(principal: Principal, expected: Expected, found: Found, situation: Situation) -> Plan:
    """The grants of a principal taken away.

    Raises:
        NotFound: it has none.
        PreconditionFailed: they are not as expected.
    """
    head, old = _read(principal, found)
    if head is None or old is None:
        raise NotFound("That principal has no grants.", principal=principal)
    _check(principal, expected, old)
    new = GrantsHead(head.revision + 1)
    done = Done("delete_grants", principal, details={"was": shown(old.grants), "now": []})
    actions = (
        Write(new, head.revision),
        Remove(records.granted(principal), old.revision),
        change_log.logged(None, new.revision, new.revision, done, situation),
    )
    return Plan(new.revision, actions, Outcome(204, {}))


def described(granted: Granted) -> dict[str, object]:
    """The grants of a principal as they are answered."""
    return {"principal": granted.principal, "grants": shown(granted.grants), "revision": granted.revision}


def shown(grants: Sequence[Grant]) -> list[dict[str, object]]:
    """Grants as JSON has them."""
    return [{"actions": list(grant.actions), "namespaces": list(grant.namespaces)} for grant in grants]


def _check(principal: Principal, expected: Expected, old: Granted | None) -> None:
    revision = old.revision if old else None
    if (expected.none and old) or expected.if_match not in (None, revision):
        raise PreconditionFailed(
            "The grants are not as you read them. Read them again.", principal=principal, revision=revision
        )


def _read(principal: Principal, found: Found) -> tuple[GrantsHead | None, Granted | None]:
    return one(found, records.GRANTS_HEAD, GrantsHead), one(found, records.granted(principal), Granted)
