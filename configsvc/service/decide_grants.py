"""Grants set or taken away, decided; they have a HEAD and a change log of their own."""

from __future__ import annotations

from collections.abc import Sequence

from configsvc.model.errors import NotFound
from configsvc.model.etag import of_revision
from configsvc.model.grants import Grant, Principal
from configsvc.service import access, change_log, records
from configsvc.service.access import Access
from configsvc.service.change_log import Done
from configsvc.service.found import Found, one
from configsvc.service.ports import Outcome, Remove, Write
from configsvc.service.records import Address, Granted, GrantsHead
from configsvc.service.writing import Plan, Situation


def addresses(principal: Principal) -> tuple[Address, ...]:
    """What both decisions read."""
    return (records.GRANTS_HEAD, records.granted(principal))


def authorise(held: Access, _found: Found) -> None:
    """Grants are for admins of everything.

    Raises:
        Forbidden.
    """
    access.require_everywhere(held)


def decide_set(principal: Principal, wanted: tuple[Grant, ...], found: Found, situation: Situation) -> Plan:
    """The grants of a principal replaced as a whole."""
    head, old = _read(principal, found)
    new = GrantsHead(head.revision + 1 if head else 1)
    done = Done("set_grants", principal, details={"was": shown(old.grants if old else ()), "now": shown(wanted)})
    actions = (
        Write(new, head.revision if head else None),
        Write(Granted(principal, new.revision, wanted), old.revision if old else None),
        change_log.logged(None, new.revision, new.revision, done, situation),
    )
    body = described(Granted(principal, new.revision, wanted))
    return Plan(new.revision, actions, Outcome(200, body, of_revision(new.revision)))


def decide_delete(principal: Principal, found: Found, situation: Situation) -> Plan:
    """The grants of a principal taken away.

    Raises:
        NotFound: it has none.
    """
    head, old = _read(principal, found)
    if head is None or old is None:
        raise NotFound("That principal has no grants.", principal=principal)
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


def _read(principal: Principal, found: Found) -> tuple[GrantsHead | None, Granted | None]:
    return one(found, records.GRANTS_HEAD, GrantsHead), one(found, records.granted(principal), Granted)
