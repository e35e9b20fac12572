"""Namespaces themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from configsvc.model.entry import Form
from configsvc.model.names import Namespace
from configsvc_client.admin._api import Api

_CREATED = 201


class Retention(NamedTuple):
    """What upkeep keeps: versions of each key, days of the change log; None keeps all."""

    versions: int | None = None
    log_days: int | None = None


class NamespaceSettings(NamedTuple):
    """Settings to have; None leaves one as it is, or as it is by default.

    `schemas` are JSON Schemas of plain values by pattern of keys (exact, `prefix.*`, `*`); they and `retention` are
    replaced as a whole.
    """

    description: str | None = None
    forms: Sequence[Form] | None = None
    snapshot_bytes: int | None = None
    require_preconditions: bool | None = None
    read_only: bool | None = None
    retention: Retention | None = None
    schemas: Mapping[str, Mapping[str, object]] | None = None


class Lifted(NamedTuple):
    """A namespace after a lift; `differences` are what HEAD had counted wrong, and no longer has."""

    revision: int
    served_revision: int
    floor: int
    differences: Sequence[Mapping[str, object]]


class Pruned(NamedTuple):
    """What upkeep took away, and the oldest revision that the change log still has."""

    log: int
    versions: int
    oldest_revision: int | None


class Namespaces:
    """Create, change, show and delete namespaces, and what keeps them in order."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def create(self, namespace: Namespace, settings: NamespaceSettings) -> bool:
        """Create a namespace, or change its settings; whether it is new."""
        return self._api.write("PUT", f"/namespaces/{namespace}", _body(settings)).status == _CREATED

    def get(self, namespace: Namespace) -> Mapping[str, object]:
        """Its settings and counts."""
        return self._api.read(f"/namespaces/{namespace}").body

    def delete(self, namespace: Namespace) -> int:
        """Make it absent to everyone; its last revision. Whoever creates it again goes on counting.

        Raises:
            Conflict: something is served, or it is read-only.
        """
        return int(str(self._api.write("DELETE", f"/namespaces/{namespace}", None).body["revision"]))

    def lift(self, namespace: Namespace, revision: int) -> Lifted:
        """After a restore: bring revision and floor to at least the highest revision that anyone has seen."""
        body: Mapping[str, Any] = self._api.write("POST", f"/namespaces/{namespace}/lift", {"revision": revision}).body
        return Lifted(body["revision"], body["served_revision"], body["floor"], body["check"]["differences"])

    def upkeep(self, namespace: Namespace) -> Pruned:
        """Take away what the retention settings let go, in as many requests as it takes; repeatable at any time."""
        log, versions, cursor = 0, 0, None
        while True:
            path = f"/namespaces/{namespace}/upkeep"
            body: Mapping[str, Any] = self._api.write("POST", path, None, query={"cursor": cursor}).body
            log, versions, cursor = log + body["log_pruned"], versions + body["versions_pruned"], body["cursor"]
            if body["done"]:
                return Pruned(log, versions, body["oldest_revision"])


def _body(settings: NamespaceSettings) -> dict[str, object]:
    wanted = settings._asdict()
    if settings.forms is not None:
        wanted["forms"] = list(settings.forms)
    if settings.retention is not None:
        wanted["retention"] = settings.retention._asdict()
    if settings.schemas is not None:
        wanted["schemas"] = [{"keys": keys, "schema": schema} for keys, schema in settings.schemas.items()]
    return {name: value for name, value in wanted.items() if value is not None}
