"""Rotate data keys: seal everything that is served under a new data key, and retire the old ones.

Each round reads from the service what is left to do, so a run that was killed can simply be run again.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from typing import NamedTuple

from configsvc.model.errors import CannotOpen, ConfigsvcError, Conflict, PreconditionFailed, Unavailable, VersionClaimed
from configsvc.model.names import Key, Kid, Namespace
from configsvc.model.snapshot import Entry
from configsvc_client._opening.cipher import read_kid
from configsvc_client.admin.grants import CallerAccess
from configsvc_client.admin.reading import KeyInfo, Opened, Opener, Reader
from configsvc_client.admin.sealing.drafts import Draft
from configsvc_client.admin.sealing.keyrings import Keyrings, StoredDataKey, choose_newest_live, sort_newest_first
from configsvc_client.admin.writing import Part, Writer

ROUNDS = 32
"""How many rounds look for values that others wrote in the meantime."""

_OVERTAKEN = (PreconditionFailed, VersionClaimed)

RotationHook = Callable[[Part], None]


class Rotation(NamedTuple):
    """The result of a rotation.

    `sealed` are the keys whose values were sealed again, `refused` the others, with the reason. The data keys that the
    latter need stay live: those are `left`.
    """

    kid: Kid
    sealed: frozenset[Key]
    refused: Mapping[Key, ConfigsvcError]
    retired: tuple[Kid, ...]
    left: tuple[Kid, ...]


class Rotator:
    """Rotates the data keys of namespaces.

    Args:
        access: checks what the caller may do.
        data_keys: lists, adds and retires them.
        reader: reads what is served, and the revision of each key.
        opener: opens it.
        writer: stores it again.
    """

    def __init__(
        self, access: CallerAccess, data_keys: Keyrings, reader: Reader, opener: Opener, writer: Writer
    ) -> None:
        self._access = access
        self._data_keys = data_keys
        self._reader = reader
        self._opener = opener
        self._writer = writer

    def rotate(
        self, namespace: Namespace, kms_key: str | None, message: str, *, fresh: bool, on_part: RotationHook
    ) -> Rotation:
        """Seal everything that is served in envelopes under one new data key, and retire the others.

        Several live data keys mean that a rotation was begun: it continues with the newest, unless `fresh` asks for
        another. Concurrent writes are never overwritten: each value is stored on the condition that its key has not
        changed. The caller's rights are checked first, so nothing is left half done.

        Raises:
            Forbidden: the caller may not do all of it.
            CannotOpen: KMS makes no data key, or does not open the one it made.
            Unavailable: others wrote in every round.
            ConfigsvcError: the service or KMS accepts nothing further.
        """
        self._access.require(namespace, "write", "admin")
        listed = self._data_keys.list(namespace)
        if fresh or not _is_begun(listed, self._data_keys.never(namespace)):
            self._add(namespace, kms_key or self._data_keys.kms_key(namespace, listed))
            # Whatever the service says later, the existing data keys are older than the new one.
            self._data_keys.pass_over(namespace, (each.kid for each in listed))
        run = _Run(namespace, message, on_part)
        for _ in range(ROUNDS):
            newest, *others = self._list_live(namespace)
            if self._seal_round(run, newest):
                continue
            left = self._retire(run, others)
            if run.refused or not left:
                return Rotation(newest, frozenset(run.sealed), run.refused, tuple(run.retired), left)
        raise Unavailable("Too many concurrent writes to this namespace. Run it again: it continues where it stopped.")

    def _add(self, namespace: Namespace, kms_key: str) -> None:
        """Adds a data key. It is unwrapped before it is stored, so one that this caller may not use is never stored."""
        made = self._data_keys.make(namespace, kms_key)
        self._data_keys.check(namespace, made)
        self._data_keys.store(namespace, made)

    def _list_live(self, namespace: Namespace) -> list[Kid]:
        """Lists the live data keys, the one to seal under first. Nothing is sealed under the others any more."""
        self._data_keys.forget(namespace)
        listed = self._data_keys.list(namespace)
        newest = choose_newest_live(namespace, listed, self._data_keys.never(namespace)).kid
        others = [each.kid for each in listed if each.state == "live" and each.kid != newest]
        self._data_keys.pass_over(namespace, others)
        return [newest, *others]

    def _seal_round(self, run: _Run, newest: Kid) -> bool:
        """Seals one round of values again. Returns False if only refused values are left under other data keys.

        The keys are read before their values, so if a value is put in between, the condition fails.
        """
        infos = {each.key: each for each in self._reader.keys(run.namespace)}
        snapshot = self._reader.snapshot(run.namespace)
        old = [entry for entry in snapshot.entries if entry.key not in run.refused and _is_old(entry, newest)]
        drafts: list[Draft] = []
        for key, opened in self._opener.open_all(run.namespace, old, snapshot.data_keys).items():
            if isinstance(opened, CannotOpen):
                run.record(Part((key,), error=opened))
            elif key in infos:
                drafts.append(_draft_again(opened, infos[key]))
        for part in self._writer.store(run.namespace, drafts, run.message) if drafts else ():
            run.record(part)
        return bool(old)

    def _retire(self, run: _Run, kids: Iterable[Kid]) -> tuple[Kid, ...]:
        """Retires data keys. Returns those that are still needed."""
        left: list[Kid] = []
        for kid in kids:
            try:
                self._data_keys.retire(run.namespace, kid)
                run.retired.append(kid)
            except Conflict:
                left.append(kid)
        return tuple(left)


class _Run:
    """One rotation: its target and its results so far."""

    def __init__(self, namespace: Namespace, message: str, on_part: RotationHook) -> None:
        self.namespace = namespace
        self.message = message
        self.sealed: set[Key] = set()
        self.refused: dict[Key, ConfigsvcError] = {}
        self.retired: list[Kid] = []
        self._on_part = on_part

    def record(self, part: Part) -> None:
        """Records what was done or refused. A change set that lost a race is neither: another round follows."""
        if part.error is None:
            self.sealed.update(part.keys)
        elif isinstance(part.error, _OVERTAKEN):
            return
        else:
            self.refused.update(dict.fromkeys(part.keys, part.error))
        self._on_part(part)


def _is_begun(listed: Iterable[StoredDataKey], never: Container[str]) -> bool:
    """Whether there is a data key to continue with: the newest of several live ones, if it may seal."""
    live = [each for each in sort_newest_first(listed) if each.state == "live"]
    return len(live) > 1 and live[0].seals_on and live[0].kid not in never


def _is_old(entry: Entry, newest: Kid) -> bool:
    try:
        return entry.form == "envelope" and read_kid(entry.value) != newest
    except CannotOpen:
        return True


def _draft_again(opened: Opened, info: KeyInfo) -> Draft:
    """Makes the draft of a served value, conditional on its key as it was read. Keeps the `rotate_by` day."""
    return Draft(
        opened.key, opened.data, opened.content_type, "envelope", rotate_by=info.rotate_by, if_match=info.revision
    )
