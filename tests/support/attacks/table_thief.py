"""A thief who may write the table, and knows data keys that leaked: nothing here uses any other right."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from configsvc.model import limits, names
from configsvc.model.encoding import from_base64std
from configsvc.model.envelope import Header
from configsvc.model.errors import CannotOpen
from configsvc.model.names import Kid, Namespace
from configsvc.model.snapshot import DataKey, Entry, compute_data_key_cost
from configsvc.service.engine import records
from configsvc.service.engine.ports import Remove, Repository, Write, WriteAction
from configsvc.service.engine.records import DataKeyRecord, Head, KeyState, KidCount, StoredVersion
from configsvc_client._aws.credentials import CredentialSources
from configsvc_client._aws.kms import AwsKms, resolve_endpoint
from configsvc_client._opening.cipher import Cipher
from configsvc_client._transport.http import Connection

LATER = "2099-01-01T00:00:00.000Z"


def leaked(environ: Mapping[str, str], namespace: str, data_key: DataKey) -> bytes:
    """A data key in the clear, by the `kms:Decrypt` of a stolen role: what leaks with it."""
    connection = Connection(resolve_endpoint(environ["AWS_REGION"], environ), environ)
    kms = AwsKms(connection, environ["AWS_REGION"], CredentialSources(environ).find, time.time)
    context = {"configsvc:namespace": namespace}
    try:
        deadline = time.monotonic() + 15
        answer = kms.decrypt(from_base64std(data_key.wrapped), context, data_key.kms_key, deadline)
        return bytes(answer.plaintext.reveal())
    finally:
        connection.close()


class Thief(NamedTuple):
    """One namespace, the table in the thief's hands, and the data key that leaked."""

    table: Repository
    namespace: Namespace
    known: Cipher

    def loot(self) -> dict[str, bytes]:
        """Every stored version that opens under what leaked, by key and version."""
        found: dict[str, bytes] = {}
        for record in self.table.query(records.of_namespace(self.namespace), "V#"):
            if isinstance(record, StoredVersion) and record.entry.form == "envelope":
                found |= self._opened(record.entry)
        return found

    def _opened(self, entry: Entry) -> dict[str, bytes]:
        expected = Header(self.namespace, entry.key, entry.version, entry.content_type, self.known.kid)
        try:
            return {f"{entry.key} {entry.version}": bytes(self.known.open(expected, entry.value).reveal())}
        except CannotOpen:
            return {}

    def bring_back(self, *, added: int | None = None) -> None:
        """The leaked data key live again, with a time in the far future, and at a revision of the thief's choice."""
        old = self._data_keys()[self.known.kid]
        back = old._replace(state="live", created_at=LATER, added=added or old.added)
        head = self._head()
        counted = KidCount(0, 0, compute_data_key_cost(old.data_key), old.revision)
        self._write(back, head._replace(kids={**head.kids, self.known.kid: counted}))

    def hide_the_others(self) -> None:
        """Every other data key gone."""
        head = self._head()
        gone = [each for kid, each in self._data_keys().items() if kid != self.known.kid]
        left = {kid: count for kid, count in head.kids.items() if kid == self.known.kid}
        removed: list[WriteAction] = [Remove(records.address_of(each), each.revision) for each in gone]
        self.table.commit([Write(head._replace(kids=left), head.revision), *removed])

    def retire_the_others(self) -> None:
        """Every other data key retired, as it is listed."""
        others = [each for kid, each in self._data_keys().items() if kid != self.known.kid]
        self._write(*(each._replace(state="retired") for each in others))

    def use_up_the_others(self) -> None:
        """Every other data key counted as used up."""
        head = self._head()
        full = limits.SEALS_PER_DATA_KEY
        kids = {kid: count if kid == self.known.kid else count._replace(seals=full) for kid, count in head.kids.items()}
        self._write(head._replace(kids=kids))

    def forge(self, key: str, value: bytes) -> None:
        """Another value served under a key, at the version that is served, sealed under the leaked data key."""
        at = records.key(self.namespace, key)
        state = self.table.get([at])[at]
        assert isinstance(state, KeyState)
        assert state.entry
        entry = state.entry
        header = Header(self.namespace, entry.key, entry.version, entry.content_type, self.known.kid)
        sealed = entry._replace(value=self.known.seal(header, value, bytes(12)))
        self.table.commit([Write(state._replace(entry=sealed), state.revision)])

    def _write(self, *changed: DataKeyRecord | Head) -> None:
        self.table.commit([Write(each, each.revision) for each in changed])

    def _head(self) -> Head:
        at = records.head(self.namespace)
        found = self.table.get([at])[at]
        assert isinstance(found, Head)
        return found

    def _data_keys(self) -> dict[Kid, DataKeyRecord]:
        found = self.table.query(records.of_namespace(self.namespace), "D#")
        return {each.data_key.kid: each for each in found if isinstance(each, DataKeyRecord)}


def thief(table: Repository, namespace: str, data_key: bytes) -> Thief:
    """A thief with the table and that data key."""
    return Thief(table, names.parse_namespace(namespace), Cipher(data_key))


def _in_the_future(who: Thief) -> None:
    who.bring_back()


def _above_the_new_one(who: Thief) -> None:
    who.bring_back(added=10**9)


def _alone(who: Thief) -> None:
    who.bring_back(added=10**9)
    who.hide_the_others()


def _among_retired_ones(who: Thief) -> None:
    who.bring_back()
    who.retire_the_others()


def _unused(who: Thief) -> None:
    who.bring_back()
    who.use_up_the_others()


EDITS: Mapping[str, Callable[[Thief], None]] = {
    "with a time in the future": _in_the_future,
    "above the new one": _above_the_new_one,
    "and the new one deleted": _alone,
    "and the new one retired": _among_retired_ones,
    "and the new one used up": _unused,
}
"""Ways to bring a retired data key back. All but the deletion leave a namespace that can be written and rotated."""
