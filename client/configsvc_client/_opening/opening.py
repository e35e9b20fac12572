"""Open everything in a sealed snapshot. What it says of itself is compared with what was asked for, never believed."""

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
"""Refusals of KMS after which the rest of a namespace is not asked for: calls take time and quota from all others."""

_DENIED = "AccessDeniedException"
"""What KMS answers where a policy names single keys: the next one may be allowed."""


class OpeningRules(Record):
    """How to open: with which keyring, from which revision on, and which keys must have been sealed."""

    keyring: Keyring
    floors: Mapping[Namespace, int] = MappingProxyType({})
    sealed_keys: KeyPatterns | None = None

    def check_sealed(self, entry: Entry) -> None:
        """Refuses a downgrade.

        Raises:
            CannotOpen: the entry is plain, and its key is one that must be sealed.
        """
        if entry.form == "plain" and self.sealed_keys is not None and self.sealed_keys.matches(entry.key):
            raise CannotOpen(
                f"{entry.key} is plain, and CONFIGSVC_SEALED_KEYS wants it sealed. Run `configsvc put --seal`.",
                key=entry.key,
            )


def open_layer(
    namespace: Namespace,
    found: FetchedSnapshot,
    rules: OpeningRules,
    deadline: float,
    may_break: Container[str] | None = None,
) -> NamespaceLayer:
    """A namespace with every entry opened; those that do not open come with the reason.

    Args:
        namespace: the one that was asked for.
        found: what came.
        rules: how to open.
        deadline: monotonic seconds.
        may_break: the only keys that may fail to open, and are tried last; any may where it is left out.

    Raises:
        CannotOpen: another key than these does not open. The rest is not tried: it would cost KMS calls for nothing.
        Unavailable: KMS did not answer; nothing is known of what was sealed.
    """
    opening = _Opening(namespace, found, rules, deadline, may_break)
    entries = (
        sorted(found.sealed.entries, key=lambda each: each.key in may_break) if may_break else found.sealed.entries
    )
    # By `map`, so that what is opened is in no variable while the next may raise.
    opened = dict(map(opening.pair, entries))
    broken = {key: value for key, value in opened.items() if isinstance(value, CannotOpen)}
    values = {key: value for key, value in opened.items() if not isinstance(value, CannotOpen)}
    sealed = frozenset(entry.key for entry in found.sealed.entries if entry.sealed)
    return NamespaceLayer(
        namespace, found.sealed.revision, found.etag,
        values=values, sealed=sealed, broken=broken, fingerprint=compute_fingerprint(found.sealed),
        reopen=found.sealed if broken else None,
    )  # fmt: skip


class _Opening:
    """One pass: each data key is asked for once, also when it does not unwrap."""

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
        self._in_vain = {"kms": 0, "envelope": 0}
        self._data_keys = {data_key.kid: data_key for data_key in found.sealed.data_keys}
        self._ciphers: dict[Kid, Cipher | CannotOpen] = {}

    def pair(self, entry: Entry) -> tuple[str, ConfigValue | CannotOpen]:
        """The key of an entry, and its value or why it does not open."""
        try:
            self._rules.check_sealed(entry)
            return entry.key, read_value(entry.key, entry.content_type, self._plaintext(entry))
        except CannotOpen as error:
            from configsvc_client._interrupts import reraise_interrupt

            reraise_interrupt(error)
            # A copy: with its traceback it would keep what was opened alive.
            broken = CannotOpen(error.detail, **error.members)
        if self._may_break is not None and entry.key not in self._may_break:
            raise broken
        return entry.key, broken

    def _plaintext(self, entry: Entry) -> Secret:
        """What an entry holds: bytes, of a plain one text."""
        if entry.form == "plain":
            return Secret(entry.value)
        if entry.form == "kms":
            return self._asked("kms", lambda: self._value(entry))
        return self._open(entry)

    def _value(self, entry: Entry) -> Secret:
        return self._keyring.value(self._namespace, entry.key, entry.value, self._deadline)

    def _open(self, entry: Entry) -> Secret:
        from configsvc_client._opening.cipher import read_kid

        kid = read_kid(entry.value)
        expected = Header(self._namespace, entry.key, entry.version, entry.content_type, kid)
        return self._cipher(kid).open(expected, entry.value)

    def _cipher(self, kid: Kid) -> Cipher:
        if kid not in self._ciphers:
            self._ciphers[kid] = self._unwrapped(kid)
        found = self._ciphers[kid]
        if isinstance(found, CannotOpen):
            raise found
        return found

    def _unwrapped(self, kid: Kid) -> Cipher | CannotOpen:
        if kid not in self._data_keys:
            return CannotOpen(f"The snapshot has no data key {kid}.", kid=kid)
        try:
            return self._asked(
                "envelope", lambda: self._keyring.cipher(self._namespace, self._data_keys[kid], self._deadline)
            )
        except CannotOpen as error:
            return error  # `pair` looks at what it was raised upon

    def _asked(self, form: str, ask: Callable[[], OpenedValues]) -> OpenedValues:
        """What KMS gives, or the keyring holds.

        Raises:
            CannotOpen: KMS refuses it, or has refused too many others.
        """
        if self._in_vain[form] >= _MOST_REFUSALS:
            raise CannotOpen(
                f"Not tried, because {_MOST_REFUSALS} others in {self._namespace} did not open. Repair those."
            )
        try:
            return ask()
        except CannotOpen as error:
            self._in_vain[form] += error.members.get("reason") != _DENIED
            raise


class RememberedSnapshot(Record):
    """What is remembered of a snapshot that is held: its revision, and a fingerprint within this process."""

    revision: int
    fingerprint: int


def compute_fingerprint(sealed: SealedSnapshot) -> int:
    """The same for the same entries in any order: keys, versions, forms, content types and stored values."""
    return hash(frozenset(sealed.entries))


def check_follows(namespace: Namespace, held: RememberedSnapshot, sealed: SealedSnapshot) -> None:
    """Whether a snapshot may come after one that is held.

    Raises:
        StaleRevision: its revision is lower.
        NotTaken: its revision is too far above, or the same with other entries.
    """
    revision = sealed.revision
    if revision < held.revision:
        raise StaleRevision(
            f"{namespace} came at revision {revision}, and {held.revision} is held.", namespace=namespace
        )
    if revision > held.revision + limits.REVISION_JUMP:
        raise NotTaken(
            f"{namespace} came at revision {revision}, which is more than {limits.REVISION_JUMP} above "
            f"{held.revision}, the one held: no number of writes explains it. "
            "See docs/OPERATIONS.md, A revision was raised.",
            namespace=namespace,
        )
    if revision == held.revision and compute_fingerprint(sealed) != held.fingerprint:
        raise NotTaken(
            f"{namespace} came at revision {revision}, as is held, with other entries. Was the table restored or "
            f"written to? Then: configsvc namespace lift {namespace} --revision {revision}",
            namespace=namespace,
        )


def check_begins(namespace: Namespace, sealed: SealedSnapshot, least: int) -> None:
    """Whether a snapshot may be the first; `least` is what CONFIGSVC_MIN_REVISION says, 0 for nothing.

    Raises:
        StaleRevision: its revision is below the least.
        NotTaken: its revision is above any that writes explain.
    """
    revision = sealed.revision
    if revision < least:
        raise StaleRevision(
            f"{namespace} came at revision {revision}, and CONFIGSVC_MIN_REVISION is {least}.", namespace=namespace
        )
    most = max(limits.REVISION_MOST, least + limits.REVISION_JUMP)
    if revision > most:
        raise NotTaken(
            f"{namespace} came at revision {revision}, and nothing above {most} is begun with: no number of writes "
            "explains it. See docs/OPERATIONS.md, A revision was raised.",
            namespace=namespace,
        )
