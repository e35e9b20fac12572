"""Values: read, put, and choose which version is served."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from configsvc.model import names
from configsvc.model.change_set import Activate, Delete
from configsvc.model.entry import Entry, Form
from configsvc.model.errors import CannotOpen, Conflict, NotFound
from configsvc.model.names import Key, Namespace
from configsvc.model.snapshot import SealedSnapshot
from configsvc_client._secret import Secret
from configsvc_client.admin._backwards import last_served, version_before
from configsvc_client.admin._draft import Draft, Json, draft
from configsvc_client.admin._guarded import Guarded, guard
from configsvc_client.admin._history import LogFilter
from configsvc_client.admin._parts import Facet
from configsvc_client.admin._reader import KeyInfo, Known, Opened
from configsvc_client.admin._together import check_together
from configsvc_client.admin._wire import Changed, Stored
from configsvc_client.admin._writer import Change, Part


class Values(Facet):
    """The values of namespaces."""

    def keys(self, namespace: str, prefix: str = "") -> Iterator[KeyInfo]:
        """The keys of a namespace in their order and without values, page by page."""
        return self._parts.reader.keys(names.namespace(namespace), prefix)

    def known(self, namespace: str, keys: Iterable[str]) -> Known:
        """Those of the keys that were ever written, without values. Read first, they are what drafts are guarded by."""
        return self._parts.reader.known(names.namespace(namespace), [names.key(each) for each in keys])

    def guard(self, namespace: str, drafts: Sequence[Draft], snapshot: SealedSnapshot) -> Guarded:
        """The drafts on the condition that their keys serve what they did in a snapshot, and are not written since."""
        known = self.known(namespace, [each.key for each in drafts])
        return guard(drafts, known, {entry.key: entry.version for entry in snapshot.entries})

    def entry(self, namespace: str, key: str, version: int | None = None) -> Entry:
        """The entry that is served under a key, or that of any version, sealed as it is.

        Raises:
            NotFound: nothing is served there, or there is no such version.
            Gone: the value of that version was destroyed.
        """
        return self._parts.reader.entry(names.namespace(namespace), names.key(key), version)

    def get(self, namespace: str, key: str, version: int | None = None) -> Opened:
        """The value that is served under a key, or that of any version, in the clear.

        Raises:
            NotFound, Gone: as `entry`.
            CannotOpen: it does not open, or KMS refuses.
            Misconfigured: it is sealed, and no KMS key is pinned or no AWS credentials are found.
        """
        return self.opened(namespace, self.entry(namespace, key, version))

    def opened(self, namespace: str, entry: Entry) -> Opened:
        """An entry in the clear.

        Raises:
            CannotOpen, Misconfigured: as `get`.
        """
        return self._parts.opener.open(names.namespace(namespace), entry)

    def snapshot(self, namespace: str, revision: int | None = None) -> SealedSnapshot:
        """All entries that are served, or were at a revision, sealed as they are."""
        return self._parts.reader.snapshot(names.namespace(namespace), revision)

    def values(self, namespace: str) -> dict[str, Opened]:
        """Everything that is served, in the clear: one request, and one KMS call for all envelopes.

        Raises:
            CannotOpen, Misconfigured: as `get`.
        """
        found: dict[str, Opened] = {}
        snapshot = self.snapshot(namespace)
        for key, opened in self.open_all(snapshot, snapshot.entries).items():
            if isinstance(opened, CannotOpen):
                raise CannotOpen(f"{key} does not open. {opened.detail}", **{**opened.members, "key": key})
            found[key] = opened
        return found

    def open_all(self, snapshot: SealedSnapshot, entries: Iterable[Entry]) -> dict[Key, Opened | CannotOpen]:
        """Some entries of a snapshot in the clear, each by itself: those that do not open are told with why.

        Raises:
            Misconfigured: one is sealed, and no KMS key is pinned or no AWS credentials are found.
        """
        return self._parts.opener.open_all(snapshot.namespace, entries, snapshot.data_keys)

    def put(
        self,
        namespace: str,
        key: str,
        value: Json | bytes,
        *,
        form: Form = "envelope",
        content_type: str | None = None,
        message: str = "",
        if_match: int | None = None,
    ) -> Stored:
        """Seal a Python value (`str` text, `bytes` bytes, else JSON) and store it as the next version of a key.

        Raises:
            VersionClaimed, PreconditionFailed: others wrote the key; with `if_match` at once, else after many tries.
        """
        given = Secret(value)
        del value  # this frame is shown with what is raised
        made = draft(key, given.reveal(), form=form, content_type=content_type)
        return self.put_draft(namespace, made._replace(if_match=if_match), message)

    def put_draft(self, namespace: str, draft: Draft, message: str = "") -> Stored:
        """As `put`, with all that a draft can say."""
        return self._parts.writer.put(names.namespace(namespace), draft, message)

    def change(
        self, namespace: str, changes: Sequence[Change], message: str = "", *, if_match: int | None = None
    ) -> Changed:
        """Drafts, `Activate`s and `Delete`s in one change set: all or nothing, at most 40 of them, 1 MiB stored."""
        return self._parts.writer.change(names.namespace(namespace), changes, message, if_match)

    def check_together(self, namespace: str, drafts: Sequence[Draft]) -> None:
        """Whether one change set takes all these drafts, told before anything is sealed or sent.

        Raises:
            TooLarge: it does not.
            Unprocessable: a plain value is not what its content type says.
        """
        check_together(names.namespace(namespace), drafts)

    def store(
        self, namespace: str, drafts: Sequence[Draft], message: str = "", *, known: Known | None = None
    ) -> Iterator[Part]:
        """Any number of drafts in as few change sets as the limits allow; each is told as it is done or refused.

        `known` saves asking for the keys once more, where they were read before.
        """
        return self._parts.writer.store(names.namespace(namespace), drafts, message, known)

    def activate(
        self, namespace: str, key: str, version: int, message: str = "", *, if_match: int | None = None
    ) -> Changed:
        """Serve a version that is there: staged, earlier, or deleted. Nothing is sealed again.

        Raises:
            NotFound: there is no such version.
            Gone: its value was destroyed.
            Conflict: its data key is retired.
        """
        return self.change(namespace, [Activate(names.key(key), version, if_match)], message)

    def rollback(self, namespace: str, key: str, message: str = "", *, version: int | None = None) -> Changed:
        """Serve a version again; left out, of those lower than the active one the one that was served last.

        Raises:
            NotFound: nothing is served under the key, or no lower version was; or there is no such version.
            PreconditionFailed: someone writes the key meanwhile.
            Gone: the value of that version was destroyed.
            Conflict: that version's data key is retired; names the revision to go back to instead.
        """
        info = self.known(namespace, [key]).get(names.key(key))
        if info is None or (version is None and info.active is None):
            raise NotFound(f"Nothing is served under {key}. Activate a version instead.", key=key)
        chosen = version or self._before(names.namespace(namespace), info)
        try:
            return self.activate(namespace, key, chosen, message, if_match=info.revision)
        except Conflict as error:
            if "kid" not in error.members:
                raise
        raise self._under_a_retired_data_key(names.namespace(namespace), info.key, chosen)

    def _under_a_retired_data_key(self, namespace: Namespace, key: Key, version: int) -> Conflict:
        """The refusal that names the way to serve such a version's value all the same."""
        log = self._parts.history.changes(namespace, LogFilter(key=key))
        revision = last_served(log, key, version)
        way = (
            f"configsvc rollback {key} -n {namespace} --to-revision {revision}" if revision
            else f"configsvc get {key} -n {namespace} --version {version} shows the value, to put it again"
        )  # fmt: skip
        return Conflict(
            f"Version {version} of {key} is sealed under a retired data key, so it cannot be activated. Seal its value "
            f"again under the current one: {way}", key=key, version=version,
        )  # fmt: skip

    def _before(self, namespace: Namespace, info: KeyInfo) -> int:
        history, active = self._parts.history, info.active or 0
        kept = {each.version for each in history.versions(namespace, info.key) if not each.destroyed}
        found = version_before(history.changes(namespace, LogFilter(key=info.key)), info.key, active, kept)
        if found is None:
            raise NotFound(
                f"No version of {info.key} lower than {active}, which is active, was ever served and is still there. "
                "Name one with --to-version.", key=info.key, version=active,
            )  # fmt: skip
        return found

    def delete(self, namespace: str, key: str, message: str = "", *, if_match: int | None = None) -> Changed:
        """Serve a key no longer. Its versions stay, and `activate` brings one back.

        Raises:
            NotFound: nothing is served under it.
        """
        return self.change(namespace, [Delete(names.key(key), if_match)], message)

    def destroy(self, namespace: str, key: str, version: int) -> int:
        """Destroy the value of a version for good; its record stays. The revision that did it.

        Raises:
            NotFound: there is no such version.
            Conflict: it is served.
        """
        return self._parts.writer.destroy(names.namespace(namespace), names.key(key), version)
