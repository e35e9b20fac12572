"""List the namespaces that the caller may read."""

from __future__ import annotations

from configsvc.model import names
from configsvc.service import access, paging, records
from configsvc.service.ports import Caller, Ports
from configsvc.service.records import Listed


def list_namespaces(ports: Ports, caller: Caller, prefix: str, limit: int, cursor: str | None) -> dict[str, object]:
    """`{"namespaces": [{"namespace", "description"}], "cursor"}` in order of name.

    Raises:
        InvalidRequest: a bad prefix, limit or cursor.
    """
    begin = paging.parse_prefix(prefix, names.namespace)
    after = paging.after(cursor, begin, names.namespace)
    held, _ = access.look(ports, caller, (), writes=False)
    found = ports.repository.query(records.NAMESPACES, begin, after=after) if held.reader else ()
    readable = (each for each in found if isinstance(each, Listed) and held.may_read(each.namespace))
    shown, more = paging.page(
        readable, limit, lambda each: each.namespace, lambda each: paging.size(_listed(each), ports.charset)
    )
    return {"namespaces": [_listed(each) for each in shown], "cursor": more}


def _listed(listed: Listed) -> dict[str, object]:
    return {"namespace": listed.namespace, "description": listed.description}
