"""Describe a namespace."""

from __future__ import annotations

from configsvc.model import names
from configsvc.model.errors import Unavailable
from configsvc.service import access, records
from configsvc.service.describe_namespace import described
from configsvc.service.found import one
from configsvc.service.ports import Caller, Ports
from configsvc.service.records import Settings


def get_namespace(ports: Ports, caller: Caller, ns: str) -> dict[str, object]:
    """Revisions, counts and settings.

    Raises:
        NotFound: absent, or not the caller's to read.
        Unavailable: it was being created.
    """
    namespace = names.namespace(ns)
    at = records.settings(namespace)
    held, found = access.look(ports, caller, (records.head(namespace), at), writes=False)
    head = access.readable(held, found, namespace)
    settings = one(found, at, Settings)
    if settings is None:
        raise Unavailable("The namespace is being created. Try again.", retry_after=1)
    return described(head, settings)
