"""Namespaces: create, set, delete, and keep in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from configsvc.model import names
from configsvc.model.entry import Form
from configsvc_client.admin._namespaces import Lifted, NamespaceSettings, Pruned, Retention
from configsvc_client.admin._parts import Facet
from configsvc_client.admin._reader import NamespaceInfo


class AllNamespaces(Facet):
    """Namespaces themselves."""

    def namespaces(self, prefix: str = "") -> Iterator[NamespaceInfo]:
        """The namespaces that the API key may read, page by page."""
        return self._parts.reader.namespaces(prefix)

    def namespace(self, namespace: str) -> Mapping[str, object]:
        """The settings and counts of a namespace."""
        return self._parts.namespaces.get(names.namespace(namespace))

    def create_namespace(
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
        """Create a namespace, or change its settings; whether it is new. What is None stays as it is.

        Args:
            namespace: its name.
            description: what it is for.
            forms: the forms that may be put.
            snapshot_bytes: the most that its snapshot may take, up to 4 MiB.
            require_preconditions: whether each write of a key needs a precondition.
            read_only: whether nothing but settings may be written.
            retention: what upkeep keeps; `Retention()` is everything. Replaced as a whole.
            schemas: JSON Schemas of plain values by pattern of keys (exact, `prefix.*`, `*`). Replaced as a whole.

        Raises:
            InvalidRequest, TooLarge, Unprocessable: a setting is not what it may be.
        """
        wanted = NamespaceSettings(
            description, forms, snapshot_bytes, require_preconditions, read_only, retention, schemas
        )
        return self._parts.namespaces.create(names.namespace(namespace), wanted)

    def delete_namespace(self, namespace: str) -> int:
        """Make a namespace that serves nothing absent to everyone; its last revision.

        Raises:
            Conflict: something is served, or it is read-only.
        """
        return self._parts.namespaces.delete(names.namespace(namespace))

    def lift(self, namespace: str, revision: int) -> Lifted:
        """After a restore: bring revision and floor to at least the highest revision that anyone has seen."""
        return self._parts.namespaces.lift(names.namespace(namespace), revision)

    def upkeep(self, namespace: str) -> Pruned:
        """Take away what the retention settings let go. May be stopped and repeated at any moment."""
        return self._parts.namespaces.upkeep(names.namespace(namespace))
