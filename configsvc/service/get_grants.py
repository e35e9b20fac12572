"""Get the grants of a principal, or of all."""

from __future__ import annotations

from configsvc.model import grants
from configsvc.model.errors import NotFound
from configsvc.service import access, paging, records
from configsvc.service.decide_grants import described
from configsvc.service.found import one
from configsvc.service.ports import Caller, Ports
from configsvc.service.records import Granted


def get_grants(
    ports: Ports, caller: Caller, principal: str | None, limit: int, cursor: str | None
) -> dict[str, object]:
    """`{"principal", "grants", "revision"}` of one, or `{"grants": [...], "cursor"}` of all in order of principal.

    Raises:
        Forbidden: the caller is no admin of everything.
        NotFound: that principal has none.
        InvalidRequest: a bad limit or cursor.
    """
    name = None if principal is None else grants.principal(principal)
    wanted = (records.granted(name),) if name else ()
    after = paging.after(cursor, "", grants.principal)
    held, found = access.look(ports, caller, wanted, writes=True)
    access.require_everywhere(held)
    if name is None:
        return _all(ports, limit, after)
    granted = one(found, records.granted(name), Granted)
    if granted is None:
        raise NotFound("That principal has no grants.", principal=name)
    return described(granted)


def _all(ports: Ports, limit: int, after: str) -> dict[str, object]:
    every = ports.repository.query(records.GRANTS, "G#", after=f"G#{after}" if after else "", limit=limit + 1)
    granted = (each for each in every if isinstance(each, Granted))
    shown, more = paging.page(
        granted, limit, lambda each: each.principal, lambda each: paging.size(described(each), ports.charset)
    )
    return {"grants": [described(each) for each in shown], "cursor": more}
