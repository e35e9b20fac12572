"""Read the change log of the grants."""

from __future__ import annotations

from configsvc.model.errors import InvalidRequest
from configsvc.service import access, log_page, records
from configsvc.service.found import one
from configsvc.service.log_page import Wanted
from configsvc.service.ports import Caller, Ports
from configsvc.service.records import GrantsHead


def grant_changes(ports: Ports, caller: Caller, wanted: Wanted, limit: int, cursor: str | None) -> dict[str, object]:
    """`{"revision", "changes": [...], "cursor"}` as the log of a namespace; `subject` is whose grants were set.

    Raises:
        Forbidden: the caller is no admin of everything.
        Gone: beyond the log; `oldest` is the oldest revision there.
        InvalidRequest: a key, for grants have none; or a bad principal, time, revision, limit or cursor.
    """
    asked = log_page.checked(wanted)
    if asked.key is not None:
        raise InvalidRequest("Grants have no keys. Leave key out.", field="key")
    held, found = access.look(ports, caller, (records.GRANTS_HEAD,), writes=True)
    access.require_everywhere(held)
    head = one(found, records.GRANTS_HEAD, GrantsHead)
    revision = head.revision if head else 0
    page = log_page.read(ports, records.GRANTS, revision, asked, limit, cursor)
    return {
        "revision": revision,
        "changes": [log_page.described(record) for record in page.shown],
        "cursor": page.cursor,
    }
