"""Write puts and change sets: seal for the next version, send, and seal again if another writer was faster.

An envelope contains its version, so every write is a compare-and-set: a lost race is a 409 that names the next version,
and never an overwrite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from configsvc.model import errors
from configsvc.model.change_set import Activate, Delete, Put, check_put
from configsvc.model.etag import of_revision
from configsvc.model.names import Key, Namespace
from configsvc.model.retry import Backoff
from configsvc_client._ports import Clocks
from configsvc_client.admin.ports import Randomness
from configsvc_client.admin.reading import Known, find_next_version
from configsvc_client.admin.sealing.drafts import Draft
from configsvc_client.admin.wire import writes
from configsvc_client.admin.wire.api import AdminApi
from configsvc_client.admin.wire.writes import Changed, Stored

TRIES = 16
"""How often a value is sealed again for the next version. Whenever one writer loses a race, another one wins it."""

SEALS = 3
"""How often a value is sealed for one version: under the cached data key, and under its successors."""

_BACKOFF = Backoff(first=0.25, most=1.0)

_LASTING = (errors.Forbidden, errors.NotFound, errors.Throttled, errors.Unavailable)

RequestedChange = Draft | Activate | Delete
WriterResult = TypeVar("WriterResult")


class Part(NamedTuple):
    """One change set of a series: its keys, with the revision that stored them or the error."""

    keys: tuple[Key, ...]
    revision: int | None = None
    error: errors.ConfigsvcError | None = None


SealDraft = Callable[[Namespace, Draft, int], Put]
FindKnown = Callable[[Namespace, Sequence[Key]], Known]
ForgetDataKeys = Callable[[Namespace], None]


class Writer:
    """The write side of a namespace's values.

    Args:
        api: sends the writes.
        seal: makes the put of a draft at a version.
        find_known: looks up keys and their next versions in the service.
        clock: waits after a lost race.
        chance: draws how long.
        forget: drops the cached data key of a namespace.
    """

    def __init__(
        self,
        api: AdminApi,
        seal: SealDraft,
        find_known: FindKnown,
        clock: Clocks,
        chance: Randomness,
        *,
        forget: ForgetDataKeys,
    ) -> None:
        self._api = api
        self._seal = seal
        self._forget = forget
        self._find_known = find_known
        self._clock = clock
        self._chance = chance

    def put(self, namespace: Namespace, draft: Draft, message: str) -> Stored:
        """Store one value as the next version of its key.

        Raises:
            VersionClaimed: others were faster each time, or once if `if_match` or `create_only` is set.
            ConfigsvcError: as the service answered.
        """
        version = self._find_next_version(namespace, draft.key) if draft.is_envelope else 0

        def attempt() -> Stored:
            nonlocal version
            try:
                return self._send_put(namespace, self._seal(namespace, draft, version), message)
            except errors.VersionClaimed as error:
                version = _read_next_version(error) or self._find_next_version(namespace, draft.key)
                raise

        return self._retry_lost_races(namespace, attempt, once=draft.if_match is not None or draft.create_only)

    def change(
        self, namespace: Namespace, changes: Sequence[RequestedChange], message: str, if_match: int | None = None
    ) -> Changed:
        """Make all changes in one change set, or none.

        Raises:
            VersionClaimed: others were faster each time, or once if `if_match` is set.
            ConfigsvcError: as the service answered.
        """

        def attempt() -> Changed:
            return self._send_changes(namespace, self._make_operations(namespace, changes), message, if_match)

        return self._retry_lost_races(namespace, attempt, once=if_match is not None)

    def store(
        self, namespace: Namespace, drafts: Sequence[Draft], message: str, known: Known | None = None
    ) -> Iterator[Part]:
        """Store any number of values in as few change sets as the limits allow. Yields refusals and continues.

        Each change set is all or nothing; the series is not. `known` are the keys as they were read; if left out, they
        are looked up.

        Raises:
            Forbidden, NotFound, Throttled, Unavailable: nothing further would be accepted.
        """
        by_key = {draft.key: draft for draft in drafts}
        known = self._look_up(namespace, drafts) if known is None else known
        fitting: list[Put] = []
        for draft in drafts:
            try:
                put = self._seal(namespace, draft, find_next_version(known, draft.key))
                check_put(put)
                fitting.append(put)
            except (errors.TooLarge, errors.Unprocessable) as error:
                yield Part((draft.key,), error=error)
        for puts in writes.split_puts(fitting):
            yield from self._store_part(namespace, [by_key[put.key] for put in puts], puts, message)

    def destroy(self, namespace: Namespace, key: Key, version: int) -> int:
        """Destroy the value of a version. Returns the revision of this change.

        Raises:
            NotFound: there is no such version.
            Conflict: it is served.
        """
        read = partial(writes.read_destroyed, namespace, key, version)
        return self._api.write("DELETE", f"/namespaces/{namespace}/keys/{key}/versions/{version}", None, read)

    def _store_part(
        self, namespace: Namespace, drafts: Sequence[Draft], puts: Sequence[Put], message: str
    ) -> Iterator[Part]:
        """Stores one change set. If the service refuses a key by name, stores the others without it."""
        try:
            done = self._send_or_seal_again(namespace, drafts, puts, message)
            yield Part(tuple(draft.key for draft in drafts), revision=done.revision)
        except errors.ConfigsvcError as error:
            refused = tuple(draft.key for draft in drafts if draft.key == error.members.get("key"))
            if not refused and isinstance(error, _LASTING):
                raise
            yield Part(refused or tuple(draft.key for draft in drafts), error=error)
            others = [draft for draft in drafts if refused and draft.key not in refused]
            if others:
                yield from self._store_part(namespace, others, [put for put in puts if put.key not in refused], message)

    def _send_or_seal_again(
        self, namespace: Namespace, drafts: Sequence[Draft], puts: Sequence[Put], message: str
    ) -> Changed:
        try:
            return self._send_changes(namespace, puts, message, None)
        except errors.VersionClaimed:
            return self.change(namespace, drafts, message)
        except errors.ConfigsvcError as error:
            if not _is_of_old_data_key(error):
                raise
            self._forget(namespace)
        return self.change(namespace, drafts, message)

    def _make_operations(
        self, namespace: Namespace, changes: Sequence[RequestedChange]
    ) -> list[Put | Activate | Delete]:
        known = self._look_up(namespace, changes)
        return [
            self._seal(namespace, each, find_next_version(known, each.key)) if isinstance(each, Draft) else each
            for each in changes
        ]

    def _look_up(self, namespace: Namespace, changes: Sequence[RequestedChange]) -> Known:
        """Looks up the keys that get envelopes: only envelopes contain the next version."""
        enveloped = [each.key for each in changes if isinstance(each, Draft) and each.is_envelope]
        return self._find_known(namespace, enveloped)

    def _find_next_version(self, namespace: Namespace, key: Key) -> int:
        return find_next_version(self._find_known(namespace, [key]), key)

    def _retry_lost_races(
        self, namespace: Namespace, attempt: Callable[[], WriterResult], *, once: bool
    ) -> WriterResult:
        """Makes the attempt, and repeats it after a lost race, unless the caller has to decide."""
        for tried in range(1, 1 if once else TRIES):
            try:
                return self._retry_outdated_data_keys(namespace, attempt)
            except errors.VersionClaimed:
                self._clock.pause(self._chance.fraction() * _BACKOFF.longest(tried))
        return self._retry_outdated_data_keys(namespace, attempt)

    def _retry_outdated_data_keys(self, namespace: Namespace, attempt: Callable[[], WriterResult]) -> WriterResult:
        """Makes the attempt, and repeats it under the newest data key if the cached one is outdated.

        Preconditions still hold, because earlier attempts were refused as a whole. A rotation may overtake the second
        attempt too, as it may be retried for some time. Whatever the result, a refused data key is not used again.
        """
        refused: errors.ConfigsvcError
        for _ in range(SEALS):
            try:
                return attempt()
            except errors.ConfigsvcError as error:
                if not _is_of_old_data_key(error):
                    raise
                refused = error
            self._forget(namespace)
        raise refused

    def _send_put(self, namespace: Namespace, put: Put, message: str) -> Stored:
        body = writes.render_put(put) | ({"message": message} if message else {})
        read = partial(writes.read_stored, namespace, put.key)
        path, headers = f"/namespaces/{namespace}/keys/{put.key}", writes.render_preconditions(put)
        return self._api.write("PUT", path, body, read, headers=headers)

    def _send_changes(
        self, namespace: Namespace, operations: Sequence[Put | Activate | Delete], message: str, if_match: int | None
    ) -> Changed:
        body = {"operations": [writes.render_operation(each) for each in operations]} | (
            {"message": message} if message else {}
        )
        headers = {} if if_match is None else {"if-match": of_revision(if_match)}
        read = partial(writes.read_changed, namespace, [each.key for each in operations])
        return self._api.write("POST", f"/namespaces/{namespace}/changes", body, read, headers=headers)


def _is_of_old_data_key(error: errors.ConfigsvcError) -> bool:
    """Whether a refusal means that the data key was rotated, retired or used up since it was listed."""
    used_up = isinstance(error, errors.Conflict) and "kid" in error.members and "version" not in error.members
    return used_up or isinstance(error, errors.InvalidEnvelope)


def _read_next_version(error: errors.VersionClaimed) -> int | None:
    """Reads the next version from the error of the service."""
    version = error.members.get("next_version")
    return version if isinstance(version, int) and version > 0 else None
