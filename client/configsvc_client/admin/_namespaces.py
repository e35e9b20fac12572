"""Namespaces themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from configsvc.model.entry import Form
from configsvc.model.names import Namespace
from configsvc_client.admin._api import Api

_CREATED = 201


class Namespaces:
    """Create, change and show namespaces."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def create(self, namespace: Namespace, description: str | None, forms: Sequence[Form] | None) -> bool:
        """Create a namespace, or change its settings; whether it is new. What is None stays as it is."""
        wanted = {"description": description, "forms": None if forms is None else list(forms)}
        body = {name: value for name, value in wanted.items() if value is not None}
        return self._api.write("PUT", f"/namespaces/{namespace}", body).status == _CREATED

    def get(self, namespace: Namespace) -> Mapping[str, object]:
        """Its settings and counts."""
        return self._api.read(f"/namespaces/{namespace}").body
