"""Describe a namespace."""

from __future__ import annotations

from configsvc.model.names import Namespace
from configsvc.service import access, records
from configsvc.service.describe_namespace import described
from configsvc.service.found import one
from configsvc.service.ports import Caller, Ports
from configsvc.service.records import Head, Settings
from configsvc.service.snapshot import TRIES, again, too_fast


def get_namespace(ports: Ports, caller: Caller, namespace: Namespace) -> dict[str, object]:
    """Revisions, counts and settings, all of one revision.

    Raises:
        NotFound: absent, or not the caller's to read.
        Contended: it changed each time while it was read.
    """
    held, found = access.look(ports, caller, (records.head(namespace),), writes=False)
    head = access.readable(held, found, namespace)
    for _ in range(TRIES):
        if settings := _settings(ports, head):
            return described(head, settings, ports.charset)
        head = again(ports, head)
    raise too_fast()


def _settings(ports: Ports, head: Head) -> Settings | None:
    """As HEAD's revision left them, for they are read after HEAD; None when a write came between."""
    at = records.settings(head.namespace)
    settings = one(ports.repository.get([at]), at, Settings)
    return settings if settings and settings.revision <= head.revision else None
