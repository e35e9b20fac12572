"""A namespace as it is answered."""

from __future__ import annotations

from configsvc.model.schema import parsed
from configsvc.model.snapshot import Charset
from configsvc.service.records import Head, Settings
from configsvc.service.tally import snapshot_cost


def described(head: Head, settings: Settings, charset: Charset) -> dict[str, object]:
    """Counts and settings; `bytes` is what the snapshot costs in an answer in `charset`, `snapshot_bytes` its limit."""
    return {
        "namespace": head.namespace,
        "revision": head.revision,
        "served_revision": head.served,
        "floor": head.floor,
        "entries": head.entries,
        "bytes": snapshot_cost(head, charset),
        "charset": charset,
        "description": settings.description,
        "forms": list(settings.forms),
        "snapshot_bytes": settings.snapshot_bytes,
        "require_preconditions": settings.require_preconditions,
        "read_only": settings.read_only,
        "retention": settings.retention._asdict(),
        "schemas": [{"keys": each.keys, "schema": parsed(each)} for each in settings.schemas],
    }
