"""The promises, checked on each commit, response and read against the writes to the table."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence

from configsvc.model.encoding import from_base64std
from configsvc.model.envelope import Header
from configsvc.model.names import Key, Kid, Namespace
from configsvc.model.snapshot import Entry
from configsvc.service.engine.ports import Remove, Write, WriteAction
from configsvc.service.engine.records import (
    DataKeyRecord,
    Head,
    KeyState,
    LogRecord,
    Record,
    StoredSummary,
    StoredVersion,
)
from configsvc_client._opening.cipher import Cipher, read_kid
from configsvc_client._secret import Secret
from tests.simulation.scheduler import VirtualTime

NS = Namespace("app.prod")
ROTATE = "rotate"


class Truth:
    """All commits to one namespace, and what others may see of them."""

    def __init__(self, time: VirtualTime) -> None:
        self.time = time
        self.violations: list[str] = []
        self.made: dict[str, bytes] = {}
        self.revision = self.served = 0
        self.log: dict[int, LogRecord] = {}
        self.began: dict[int, float] = {}
        self.states: dict[int, dict[Key, Entry]] = {}
        self.added: list[tuple[float, Kid]] = []
        self.retired: dict[Kid, float] = {}
        self.operations: dict[str, int] = {}
        self.refused: set[str] = set()
        self._keys: dict[Key, Entry] = {}
        self._versions: defaultdict[Key, dict[int, Entry]] = defaultdict(dict)
        self._opened: dict[str, str] = {}

    def violate(self, what: str) -> None:
        """Reports a broken promise, which ends the simulation."""
        self.violations.append(what)
        self.time.note("VIOLATION", what)
        self.time.stopped = True

    # Writes.

    def record_commit(self, actions: Sequence[WriteAction]) -> None:
        """Records and checks a transaction."""
        records = [action.record for action in actions if isinstance(action, Write)]
        head = next((record for record in records if isinstance(record, Head)), None)
        if head is None:
            if any(getattr(record, "namespace", None) == NS for record in records if not _is_derived(record)):
                self.violate("something was written without HEAD")
            return
        before = dict(self._keys)
        for record in records:
            self._take(record)
        for action in actions:
            if isinstance(action, Remove) and action.address.sk.startswith("K#"):
                self._keys.pop(Key(action.address.sk[2:]), None)
        log = next((record for record in records if isinstance(record, LogRecord)), None)
        self._follow(head, log, before)

    def _take(self, record: Record) -> None:
        match record:
            case KeyState(key=key, entry=None):
                self._keys.pop(key, None)
            case KeyState(key=key, entry=entry) if entry is not None:
                self._keys[key] = entry
                if self._versions[key].get(entry.version) != entry and entry.version in self._versions[key]:
                    self.violate(f"version {entry.version} of {key} is served with another content")
            case StoredVersion(entry=entry):
                highest = max(self._versions[entry.key], default=0)
                if entry.version <= highest:
                    self.violate(f"version {entry.version} of {entry.key} was given out after {highest}")
                self._versions[entry.key][entry.version] = entry
            case DataKeyRecord(state="retired", data_key=data_key):
                self.retired.setdefault(data_key.kid, self.time.now)
            case DataKeyRecord(data_key=data_key):
                self.added.append((self.time.now, data_key.kid))
            case _:
                pass

    def _follow(self, head: Head, log: LogRecord | None, before: Mapping[Key, Entry]) -> None:
        what = f"{log.verb} {log.message or log.subject}" if log else "nothing"
        self.time.note("table", f"revision {head.revision} serves {head.served}: {what}")
        if head.revision != self.revision + 1:
            self.violate(f"revision {head.revision} after {self.revision}")
        if log is None or log.revision != head.revision or log.served != head.served:
            self.violate(f"revision {head.revision} has no record of its own in the change log")
            return
        if head.served != head.revision and (head.served != self.served or self._keys != before):
            self.violate(f"revision {head.revision} changes what is served, and says {head.served}")
        self.revision, self.log[head.revision] = head.revision, log
        if head.served != self.served:
            self.served, self.began[head.served] = head.served, self.time.now
            self.states[head.served] = dict(self._keys)
        self._check_data_keys()
        self._check_operation(log, before)

    def _check_data_keys(self) -> None:
        needed = {read_kid(entry.value) for entry in self._keys.values() if entry.form == "envelope"}
        if needed & self.retired.keys():
            self.violate("something is served under a retired data key")

    def _check_operation(self, log: LogRecord, before: Mapping[Key, Entry]) -> None:
        if log.message == ROTATE:
            changed = [change.key for change in log.changes]
            if any(self.plain(before[key]) != self.plain(self._keys[key]) for key in changed if key in before):
                self.violate("a rotation changed a value")
        elif log.message:
            if log.message in self.operations:
                self.violate(f"{log.message} was applied twice")
            if log.message in self.refused:
                self.violate(f"{log.message} was answered as not written, and is written")
            self.operations[log.message] = log.revision

    def all_under_the_newest(self) -> bool:
        """Whether every served envelope is under the newest data key, and all other data keys are retired."""
        newest = self.added[-1][1]
        needed = {read_kid(entry.value) for entry in self._keys.values() if entry.form == "envelope"}
        return needed <= {newest} and {kid for _, kid in self.added} - self.retired.keys() == {newest}

    # Reads.

    def plain(self, entry: Entry) -> str:
        """The value of an entry, opened without the client."""
        if entry.value not in self._opened:
            self._opened[entry.value] = self._open(entry)
        return self._opened[entry.value]

    def _open(self, entry: Entry) -> str:
        if entry.form == "plain":
            return entry.value
        if entry.form == "kms":
            return from_base64std(json.loads(from_base64std(entry.value))[2]).decode()
        kid = read_kid(entry.value)
        header = Header(NS, entry.key, entry.version, entry.content_type, kid)
        opened = Cipher(Secret(self.made[kid])).open(header, entry.value).reveal()
        return opened.decode() if isinstance(opened, bytes) else str(opened)

    def values(self, revision: int) -> dict[str, str]:
        """The values of a served revision."""
        return {str(key): self.plain(entry) for key, entry in self.states[revision].items()}

    def newer_since(self, revision: int) -> float | None:
        """When something newer than a served revision was first served."""
        return min((at for served, at in self.began.items() if served > revision), default=None)

    def find_passed(self, at: float) -> set[Kid]:
        """The data keys that were retired or replaced by then."""
        added = [kid for when, kid in self.added if when <= at]
        return {*added[:-1], *(kid for kid, when in self.retired.items() if when <= at)}


def _is_derived(record: Record) -> bool:
    """Whether it only repeats other records: a log summary may come at any time after them."""
    return isinstance(record, StoredSummary)
