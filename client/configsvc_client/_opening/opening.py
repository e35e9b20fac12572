"""Open everything in a sealed snapshot. Its own claims are compared with what was asked for, and never trusted."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from configsvc.model import limits
from configsvc.model.envelope import Header
from configsvc.model.errors import CannotOpen, NotTaken, StaleRevision
from configsvc.model.names import Kid, Namespace
from configsvc.model.record import Record
from configsvc.model.snapshot import Entry, SealedSnapshot
from configsvc_client._opening.keyring import Keyring
from configsvc_client._opening.snapshot import NamespaceLayer
from configsvc_client._opening.value import ConfigValue, read_value
from configsvc_client._ports import FetchedSnapshot
from configsvc_client._secret import Secret

if TYPE_CHECKING:
    from configsvc_client._opening.cipher import Cipher
    from configsvc_client._setting_parsers import KeyPatterns


OpenedValues = TypeVar("OpenedValues")

_MOST_REFUSALS = 20
"""After so many refusals KMS is not asked for the rest of a namespace: calls cost all callers time and quota."""

_DENIED = "AccessDeniedException"
"""The answer of KMS if a policy names single keys: the next key may be allowed."""


class OpeningRules(Record):
    """How to open: the keyring, the lowest revision to accept, and the keys that must be sealed."""

    keyring: Keyring
    floors: Mapping[Namespace, int] = MappingProxyType({})
    sealed_keys: KeyPatterns | None = None

    def check_sealed(self, entry: Entry) -> None:
        """Refuses a downgrade from sealed to plain.

        Raises:
            CannotOpen: the entry is plain, but its key must be sealed.
        """
        if entry.form == "plain" and self.sealed_keys is not None and self.sealed_keys.matches(entry.key):
            raise CannotOpen(
                f"{entry.key} is plain, but CONFIGSVC_SEALED_KEYS requires it sealed. Run `configsvc put --seal`.",
                key=entry.key,
            )


def open_layer(
    namespace: Namespace,
    found: FetchedSnapshot,
    rules: OpeningRules,
    deadline: float,
    may_break: Container[str] | None = None,
) -> NamespaceLayer:
    """Opens every entry of a namespace. Entries that do not open are returned with the reason.

    Args:
        namespace: the one that was asked for.
        found: the fetched snapshot.
        rules: how to open.
        deadline: monotonic seconds.
        may_break: the only keys that may fail to open; they are tried last. If left out, any key may fail.

    Raises:
        CannotOpen: a key outside `may_break` does not open. The rest is not tried, to save KMS calls.
        Unavailable: KMS did not answer, so it is unknown whether sealed values open.
    """
    opening = _OpeningPass(namespace, found, rules, deadline, may_break)
    entries = (
        sorted(found.sealed.entries, key=lambda each: each.key in may_break) if may_break else found.sealed.entries
    )
    # With `map`, no variable holds an opened value while opening the next one may raise.
    opened = dict(map(opening.open_entry, entries))
    broken = {key: value for key, value in opened.items() if isinstance(value, CannotOpen)}
    values = {key: value for key, value in opened.items() if not isinstance(value, CannotOpen)}
    sealed = frozenset(entry.key for entry in found.sealed.entries if entry.sealed)
    return NamespaceLayer(
        namespace, found.sealed.revision, found.etag,
        values=values, sealed=sealed, broken=broken, fingerprint=compute_fingerprint(found.sealed),
        reopen=found.sealed if broken else None,
    )  # fmt: skip


class _OpeningPass:
    """One pass over a snapshot: asks for each data key once, even if it does not unwrap."""

    def __init__(
        self,
        namespace: Namespace,
        found: FetchedSnapshot,
        rules: OpeningRules,
        deadline: float,
        may_break: Container[str] | None,
    ) -> None:
        self._namespace = namespace
        self._rules = rules
        self._keyring = rules.keyring
        self._deadline = deadline
        self._may_break = may_break
        self._refusals = {"kms": 0, "envelope": 0}
        self._data_keys = {data_key.kid: data_key for data_key in found.sealed.data_keys}
        self._ciphers: dict[Kid, Cipher | CannotOpen] = {}

    def open_entry(self, entry: Entry) -> tuple[str, ConfigValue | CannotOpen]:
        """Returns the key of an entry, and its value or the reason why it does not open."""
        try:
            self._rules.check_sealed(entry)
            return entry.key, read_value(entry.key, entry.content_type, self._find_plaintext(entry))
        except CannotOpen as error:
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            # A copy: the traceback of the original would keep opened values alive.
            broken = CannotOpen(error.detail, **error.members)
        if self._may_break is not None and entry.key not in self._may_break:
            raise broken
        return entry.key, broken

    def _find_plaintext(self, entry: Entry) -> Secret:
        """Returns the plaintext of an entry: text if it is plain, otherwise bytes."""
        if entry.form == "plain":
            return Secret(entry.value)
        if entry.form == "kms":
            return self._ask("kms", lambda: self._open_kms_value(entry))
        return self._open_envelope(entry)

    def _open_kms_value(self, entry: Entry) -> Secret:
        return self._keyring.open_value(self._namespace, entry.key, entry.value, self._deadline)

    def _open_envelope(self, entry: Entry) -> Secret:
        from configsvc_client._opening.cipher import read_kid

        kid = read_kid(entry.value)
        expected = Header(self._namespace, entry.key, entry.version, entry.content_type, kid)
        return self._get_cipher(kid).open(expected, entry.value)

    def _get_cipher(self, kid: Kid) -> Cipher:
        if kid not in self._ciphers:
            self._ciphers[kid] = self._unwrap(kid)
        found = self._ciphers[kid]
        if isinstance(found, CannotOpen):
            raise found
        return found

    def _unwrap(self, kid: Kid) -> Cipher | CannotOpen:
        if kid not in self._data_keys:
            return CannotOpen(f"The snapshot has no data key {kid}.", kid=kid)
        try:
            return self._ask(
                "envelope", lambda: self._keyring.open_data_key(self._namespace, self._data_keys[kid], self._deadline)
            )
        except CannotOpen as error:
            return error  # `open_entry` checks the error it came from

    def _ask(self, form: str, ask: Callable[[], OpenedValues]) -> OpenedValues:
        """Asks the keyring, which may ask KMS.

        Raises:
            CannotOpen: KMS refuses, or has refused too many others.
        """
        if self._refusals[form] >= _MOST_REFUSALS:
            raise CannotOpen(
                f"Not tried: {_MOST_REFUSALS} other values in {self._namespace} did not open. Repair those first."
            )
        try:
            return ask()
        except CannotOpen as error:
            self._refusals[form] += error.members.get("reason") != _DENIED
            raise


class RememberedSnapshot(Record):
    """The revision of the current snapshot, and a fingerprint that is valid within this process."""

    revision: int
    fingerprint: int


def compute_fingerprint(sealed: SealedSnapshot) -> int:
    """Hashes the entries in any order: keys, versions, forms, content types and stored values."""
    return hash(frozenset(sealed.entries))


def check_follows(namespace: Namespace, held: RememberedSnapshot, sealed: SealedSnapshot) -> None:
    """Checks that a snapshot may follow the current one.

    Raises:
        StaleRevision: its revision is lower.
        NotTaken: its revision is too high, or the same with different entries.
    """
    revision = sealed.revision
    if revision < held.revision:
        raise StaleRevision(
            f"The snapshot of {namespace} has revision {revision}, below the current {held.revision}.",
            namespace=namespace,
        )
    if revision > held.revision + limits.REVISION_JUMP:
        raise NotTaken(
            f"The snapshot of {namespace} has revision {revision}, more than {limits.REVISION_JUMP} above the current "
            f"{held.revision}. Writes alone cannot explain that. See docs/OPERATIONS.md, A revision was raised.",
            namespace=namespace,
        )
    if revision == held.revision and compute_fingerprint(sealed) != held.fingerprint:
        raise NotTaken(
            f"The snapshot of {namespace} has the current revision {revision} but different entries. If the table was "
            f"restored or edited, run: configsvc namespace lift {namespace} --revision {revision}",
            namespace=namespace,
        )


def check_begins(namespace: Namespace, sealed: SealedSnapshot, least: int) -> None:
    """Checks that a snapshot may be the first one. `least` comes from CONFIGSVC_MIN_REVISION; 0 if that is not set.

    Raises:
        StaleRevision: its revision is below the least.
        NotTaken: its revision is higher than any number of writes explains.
    """
    revision = sealed.revision
    if revision < least:
        raise StaleRevision(
            f"The snapshot of {namespace} has revision {revision}, but CONFIGSVC_MIN_REVISION is {least}.",
            namespace=namespace,
        )
    most = max(limits.REVISION_MOST, least + limits.REVISION_JUMP)
    if revision > most:
        raise NotTaken(
            f"The snapshot of {namespace} has revision {revision}, and a reader starts with nothing above {most}. "
            "Writes alone cannot explain that. See docs/OPERATIONS.md, A revision was raised.",
            namespace=namespace,
        )
