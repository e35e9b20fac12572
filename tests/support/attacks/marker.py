"""Somebody who can write the table marks keys plain, and plants values of their own."""

from __future__ import annotations

from configsvc.model import names
from configsvc.model.snapshot import Entry
from configsvc.service.engine import records
from configsvc.service.engine.ports import Repository, Write
from configsvc.service.engine.records import KeyState, StoredVersion

PLANTED = "planted"


class Marker:
    """Who may write the table, and read it."""

    def __init__(self, table: Repository, namespace: str) -> None:
        self._table = table
        self._namespace = namespace

    def mark_plain(self, key: str, value: str = PLANTED) -> None:
        """Serve a value of the thief's in the clear, as if it had been written so."""
        state = self._state(key)
        assert state.entry is not None
        self._plant(key, state.entry.version, value)
        self._write(state._replace(entry=self._plain(key, state.entry.version, value), latest_form="plain"))

    def plant(self, key: str, version: int, value: str = PLANTED) -> None:
        """Replace an earlier version by a plain one, and say that nothing was ever sealed."""
        self._plant(key, version, value)

    def sees(self) -> str:
        """Everything that is in the table."""
        found = self._table.query(records.of_namespace(self._namespace), "")
        return "\n".join(map(repr, found))

    def _plant(self, key: str, number: int, value: str) -> None:
        address = records.version(self._namespace, key, number)
        held = self._table.get([address])[address]
        assert isinstance(held, StoredVersion)
        self._write(held._replace(entry=self._plain(key, number, value)))

    def _plain(self, key: str, version: int, value: str) -> Entry:
        return Entry(names.parse_key(key), version, "plain", "text/plain", value)

    def _state(self, key: str) -> KeyState:
        address = records.key(self._namespace, key)
        held = self._table.get([address])[address]
        assert isinstance(held, KeyState)
        return held

    def _write(self, record: KeyState | StoredVersion) -> None:
        self._table.commit([Write(record, record.revision)])
