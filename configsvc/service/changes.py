"""Read the change log of a namespace."""

from __future__ import annotations

from configsvc.model.names import Namespace
from configsvc.service import access, log_page, records
from configsvc.service.log_page import Wanted
from configsvc.service.ports import Caller, Ports


def changes(  # noqa: PLR0917  # what is wanted, limit and cursor as in every listing
    ports: Ports, caller: Caller, namespace: Namespace, wanted: Wanted, limit: int, cursor: str | None
) -> dict[str, object]:
    """`{"namespace", "revision", "changes": [...], "cursor"}`, oldest first; `revision` is the namespace's.

    Whoever follows the log asks with the last revision seen as `since`, and is told when what came right after it is
    no longer kept. One read and one Query; a page with a filter may be short and still have a cursor.

    Raises:
        NotFound: absent, or not the caller's to read.
        Gone: beyond the log; `oldest` is the oldest revision there.
        InvalidRequest: a bad key, principal, time, revision, limit or cursor.
    """
    asked = log_page.checked(wanted)
    held, found = access.look(ports, caller, (records.head(namespace),), writes=False)
    head = access.readable(held, found, namespace)
    page = log_page.read(ports, records.of_namespace(namespace), head.revision, asked, limit, cursor)
    shown = [log_page.described(record) for record in page.shown]
    return {"namespace": namespace, "revision": head.revision, "changes": shown, "cursor": page.cursor}
