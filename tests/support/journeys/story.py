"""A namespace of a test's own, and the usual requests about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.journeys.api import Api, Reply, Who
from tests.support.journeys.sealing import DataKey, new_data_key, seal_body
from tests.support.journeys.stage import Stage


class Story:
    def __init__(self, api: Api, stage: Stage, namespace: str) -> None:
        self.api, self.stage, self.namespace = api, stage, namespace

    @property
    def path(self) -> str:
        return f"/v1/namespaces/{self.namespace}"

    @property
    def revision(self) -> int:
        """The namespace's revision now."""
        return int(self.api.send("GET", self.path, self.stage.reader).json()["revision"])

    def create(self) -> dict[str, Any]:
        return self.api.send("PUT", self.path, self.stage.admin, {"description": "a journey"}).json()

    def add_data_key(self) -> DataKey:
        data_key = new_data_key()
        self.api.send("POST", f"{self.path}/data-keys", self.stage.admin, data_key.body).json()
        return data_key

    def put(self, key: str, body: object, headers: Mapping[str, str] | None = None, who: Who = None) -> Reply:
        return self.api.send("PUT", f"{self.path}/keys/{key}", who or self.stage.writer, body, headers)

    def seal(self, data_key: DataKey, key: str, version: int, text: str) -> Reply:
        return self.put(key, seal_body(data_key, self.namespace, key, version, text.encode()))

    def change(self, operations: list[dict[str, object]], headers: Mapping[str, str] | None = None) -> Reply:
        return self.api.send(
            "POST", f"{self.path}/changes", self.stage.writer, {"operations": operations, "message": "a test"}, headers
        )

    def get(self, key: str) -> Reply:
        return self.api.send("GET", f"{self.path}/keys/{key}", self.stage.reader)

    def read(self, rest: str, query: Mapping[str, object] | None = None) -> Reply:
        """A GET below the namespace, by the reader."""
        return self.api.send("GET", f"{self.path}{rest}", self.stage.reader, query=query)

    def activate(self, key: str, version: int, headers: Mapping[str, str] | None = None) -> Reply:
        body = {"version": version, "message": "a test"}
        return self.api.send("POST", f"{self.path}/keys/{key}/activate", self.stage.writer, body, headers)

    def delete(self, key: str, headers: Mapping[str, str] | None = None) -> Reply:
        return self.api.send("DELETE", f"{self.path}/keys/{key}", self.stage.writer, headers=headers)

    def administer(
        self, method: str, rest: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """A write below the namespace, by the administrator."""
        return self.api.send(method, f"{self.path}{rest}", self.stage.admin, body, headers)

    def snapshot(self, held: str | None = None) -> Reply:
        headers = {"If-None-Match": held} if held else None
        return self.api.send("GET", f"{self.path}/snapshot", self.stage.reader, headers=headers)

    def entries(self) -> dict[str, dict[str, Any]]:
        """The served entries by key."""
        return {entry["key"]: entry for entry in self.snapshot().json()["entries"]}
