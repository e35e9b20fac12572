"""The operations of CloudWatch Logs that ministack lacks, over its state: saved queries, and answers to all of them.

Definitions are among ministack's queries, so that they survive a restart with them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import ModuleType
from typing import Any
from uuid import uuid4

from local.emulator.insights.engine import Event, Row, run
from local.emulator.insights.language import InsightsError

Answer = tuple[int, dict[str, str], bytes]
"""A response as ministack's services return it: status, headers, body."""

Operation = Callable[[Mapping[str, Any]], Answer]

_MARK = "definition"
_REFUSED = 400


class SavedQueries:
    """Puts, lists and deletes saved queries.

    Args:
        logs: ministack's module for CloudWatch Logs.
    """

    def __init__(self, logs: ModuleType) -> None:
        self._logs = logs
        self.operations: dict[str, Operation] = {
            "PutQueryDefinition": self.put, "DescribeQueryDefinitions": self.describe,
            "DeleteQueryDefinition": self.delete,
        }  # fmt: skip

    def put(self, asked: Mapping[str, Any]) -> Answer:
        """PutQueryDefinition."""
        identifier = asked.get("queryDefinitionId") or str(uuid4())
        members = {name: asked[name] for name in ("name", "queryString", "logGroupNames") if name in asked}
        self._logs._queries[identifier] = {_MARK: {"queryDefinitionId": identifier, **members}}  # noqa: SLF001
        return self._answer({"queryDefinitionId": identifier})

    def describe(self, asked: Mapping[str, Any]) -> Answer:
        """DescribeQueryDefinitions, in one page."""
        held = [each[_MARK] for each in self._logs._queries.values() if _MARK in each]  # noqa: SLF001
        prefix = asked.get("queryDefinitionNamePrefix", "")
        return self._answer({"queryDefinitions": [each for each in held if each["name"].startswith(prefix)]})

    def delete(self, asked: Mapping[str, Any]) -> Answer:
        """DeleteQueryDefinition."""
        found = self._logs._queries.pop(asked.get("queryDefinitionId"), None)  # noqa: SLF001
        return self._answer({"success": found is not None})

    def start(self, start_query: Operation) -> Operation:
        """Returns StartQuery with the answers of our engine; ministack's knows no `stats` and ignores most filters."""

        def start(asked: Mapping[str, Any]) -> Answer:
            started = start_query(asked)
            if started[0] >= _REFUSED:
                return started
            query = self._logs._queries[json.loads(started[2])["queryId"]]  # noqa: SLF001
            groups = self._logs._resolve_query_log_groups(asked)  # noqa: SLF001
            records = self._logs._collect_query_records(groups, asked["startTime"], asked["endTime"])  # noqa: SLF001
            events = [Event(each["_timestamp_ms"], each["@message"]) for each in records]
            try:
                rows = run(asked["queryString"], events, strict=False)
            except InsightsError as error:
                refused: Answer = self._logs.error_response_json("MalformedQueryException", str(error), 400)
                return refused
            query["results"] = [_describe_row(row) for row in rows]
            return started

        return start

    def provision(self) -> dict[str, Callable[..., Any]]:
        """Returns how CloudFormation makes, changes and deletes `AWS::Logs::QueryDefinition`."""

        def save(properties: Mapping[str, Any], identifier: str | None = None) -> tuple[str, dict[str, str]]:
            members = {f"{name[0].lower()}{name[1:]}": value for name, value in properties.items()}
            made = json.loads(self.put({**members, "queryDefinitionId": identifier})[2])["queryDefinitionId"]
            return made, {"QueryDefinitionId": made}

        return {
            "create": lambda _logical, properties, _stack: save(properties),
            "update": lambda identifier, _old, properties, _stack: save(properties, identifier),
            "delete": lambda identifier, _properties: self.delete({"queryDefinitionId": identifier}),
        }

    def _answer(self, body: Mapping[str, object]) -> Answer:
        answered: Answer = self._logs.json_response(body)
        return answered


def _describe_row(row: Row) -> list[dict[str, str]]:
    return [
        {"field": name, "value": _show_time(value) if name == "@timestamp" else value} for name, value in row.items()
    ]


def _show_time(milliseconds: str) -> str:
    """As Logs Insights shows @timestamp: in UTC, without saying so."""
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
