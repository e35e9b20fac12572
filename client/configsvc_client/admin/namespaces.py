"""Create, change, list and delete namespaces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from configsvc.model import names
from configsvc.model.errors import Unavailable
from configsvc.model.names import Namespace
from configsvc.model.snapshot import Form
from configsvc_client._service.answers import NotOurs
from configsvc_client.admin.wire.api import MOST_PAGES, AdminApi, ApiAnswer, list_items
from configsvc_client.admin.wire.members import AnswerMembers

_CREATED = 201


class NamespaceInfo(NamedTuple):
    """A namespace in a list."""

    namespace: Namespace
    description: str


class Retention(NamedTuple):
    """How much upkeep keeps: versions of each key, days of change log, days of deleted keys; None keeps all."""

    versions: int | None = None
    log_days: int | None = None
    deleted_days: int | None = None


class NamespaceSettings(NamedTuple):
    """The desired settings; None leaves one unchanged, or at its default.

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
    """A namespace after a lift; `differences` are the wrong counts in HEAD that were corrected."""

    revision: int
    served_revision: int
    floor: int
    differences: Sequence[Mapping[str, object]]


class Pruned(NamedTuple):
    """How much upkeep removed, and the oldest revision that the change log still has.

    `keys` counts deleted keys that were removed completely; `versions` includes their versions.
    """

    log: int
    keys: int
    versions: int
    oldest_revision: int | None


class Namespaces:
    """Creates, changes, shows and deletes namespaces, and maintains them."""

    def __init__(self, api: AdminApi) -> None:
        self._api = api

    def list(self, prefix: str = "") -> Iterator[NamespaceInfo]:
        """List the namespaces that the API key may read, page by page."""
        return list_items(self._api, "/namespaces", "namespaces", _read_info, {"prefix": prefix})

    def create(
        self,
        namespace: str,
        *,
        description: str | None = None,
        forms: Sequence[Form] | None = None,
        snapshot_bytes: int | None = None,
        require_preconditions: bool | None = None,
        read_only: bool | None = None,
        retention: Retention | None = None,
        schemas: Mapping[str, Mapping[str, object]] | None = None,
    ) -> bool:
        """Create a namespace, or change its settings; None leaves one unchanged. Returns whether it is new.

        Args:
            namespace: its name.
            description: its purpose.
            forms: the forms that values may have.
            snapshot_bytes: the maximum size of its snapshot, up to 4 MiB.
            require_preconditions: whether each write of a key needs a precondition.
            read_only: whether only settings may be written.
            retention: how much upkeep keeps; `Retention()` keeps everything. Replaced as a whole.
            schemas: JSON Schemas of plain values by pattern of keys (exact, `prefix.*`, `*`). Replaced as a whole.

        Raises:
            InvalidRequest, TooLarge, Unprocessable: a setting is invalid.
        """
        name = names.parse_namespace(namespace)

        def read(answer: ApiAnswer) -> bool:
            answer.members.expect("namespace", name)
            return answer.status == _CREATED

        wanted = NamespaceSettings(
            description, forms, snapshot_bytes, require_preconditions, read_only, retention, schemas
        )
        return self._api.write("PUT", f"/namespaces/{name}", _render_settings(wanted), read)

    def get(self, namespace: str) -> Mapping[str, object]:
        """Return the settings and counts of a namespace."""
        name = names.parse_namespace(namespace)

        def read(answer: ApiAnswer) -> Mapping[str, object]:
            answer.members.expect("namespace", name)
            return _read_settings(answer.members)

        return self._api.read(f"/namespaces/{name}", read)

    def delete(self, namespace: str) -> int:
        """Delete a namespace that serves nothing. Returns its last revision; if it is created again, it counts on.

        Raises:
            Conflict: it serves a key, or is read-only.
        """
        name = names.parse_namespace(namespace)

        def read(answer: ApiAnswer) -> int:
            answer.members.expect("namespace", name)
            return answer.members.number("revision")

        return self._api.write("DELETE", f"/namespaces/{name}", None, read)

    def lift(self, namespace: str, revision: int) -> Lifted:
        """Raise revision and floor, after a restore, to at least the highest revision that anyone has seen."""
        name = names.parse_namespace(namespace)

        def read(answer: ApiAnswer) -> Lifted:
            members = answer.members
            members.expect("namespace", name)
            return Lifted(
                members.number("revision"), members.number("served_revision"), members.number("floor"),
                members.inner("check").each("differences", _read_difference),
            )  # fmt: skip

        return self._api.write("POST", f"/namespaces/{name}/lift", {"revision": revision}, read)

    def run_upkeep(self, namespace: str) -> Pruned:
        """Remove what the retention settings no longer keep. Safe to stop and repeat at any time."""
        name, keys = names.parse_namespace(namespace), 0
        path, log, versions, cursor = f"/namespaces/{name}/upkeep", 0, 0, None
        for _ in range(MOST_PAGES):
            read = partial(_read_step, name, cursor)
            pruned, cursor, done = self._api.write("POST", path, None, read, query={"cursor": cursor})
            log, keys, versions = log + pruned.log, keys + pruned.keys, versions + pruned.versions
            if done:
                return Pruned(log, keys, versions, pruned.oldest_revision)
        raise Unavailable(f"Upkeep of {name} did not finish. Run it again, and check what it removed.")


def _read_info(members: AnswerMembers) -> NamespaceInfo:
    return NamespaceInfo(members.namespace(), members.text("description"))


def _read_step(namespace: Namespace, before: str | None, answer: ApiAnswer) -> tuple[Pruned, str | None, bool]:
    """Reads one step of upkeep: what it removed, the next cursor, whether it was the last. Each must make progress."""
    members = answer.members
    members.expect("namespace", namespace)
    pruned = Pruned(
        members.number("log_pruned"), members.number("keys_purged"), members.number("versions_pruned"),
        members.number_or_none("oldest_revision"),
    )  # fmt: skip
    cursor, done = members.text_or_none("cursor"), members.flag("done")
    if not done and cursor == before and not any(pruned[:3]):
        raise NotOurs("its pages never end")
    return pruned, cursor, done


def _read_settings(members: AnswerMembers) -> dict[str, object]:
    """Reads the members of a namespace, in the service's order."""
    numbers = ("revision", "served_revision", "floor", "entries", "bytes")
    retention = members.inner("retention")
    return {
        "namespace": members.namespace(),
        **{name: members.number(name) for name in numbers},
        "charset": members.text("charset"),
        "description": members.text("description"),
        "forms": list(members.texts("forms")),
        "snapshot_bytes": members.number("snapshot_bytes"),
        **{name: members.flag(name) for name in ("require_preconditions", "read_only")},
        "retention": {name: retention.number_or_none(name) for name in Retention._fields},
        "schemas": list(
            members.each("schemas", lambda each: {"keys": each.text("keys"), "schema": each.free("schema")})
        ),
    }


def _read_difference(members: AnswerMembers) -> dict[str, object]:
    return {"what": members.text("what"), **{name: members.number_or_none(name) for name in ("head", "found")}}


def _render_settings(settings: NamespaceSettings) -> dict[str, object]:
    wanted = settings._asdict()
    if settings.forms is not None:
        wanted["forms"] = list(settings.forms)
    if settings.retention is not None:
        wanted["retention"] = settings.retention._asdict()
    if settings.schemas is not None:
        wanted["schemas"] = [{"keys": keys, "schema": schema} for keys, schema in settings.schemas.items()]
    return {name: value for name, value in wanted.items() if value is not None}
