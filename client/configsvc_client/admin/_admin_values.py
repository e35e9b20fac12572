"""Values: read, put, and choose which version is served."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from configsvc.model import names
from configsvc.model.change_set import Activate
from configsvc.model.entry import Entry, Form
from configsvc.model.errors import CannotOpen, Misconfigured, Unprocessable
from configsvc.model.names import Key, Namespace
from configsvc.model.sizes import refused_namespace
from configsvc.model.snapshot import SealedSnapshot
from configsvc_client._secret import Secret
from configsvc_client.admin._draft import Draft, Json, decided, draft
from configsvc_client.admin._fits import check_size, served_with
from configsvc_client.admin._guarded import Guarded, guard
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
        form: Form | None = None,
        content_type: str | None = None,
        message: str = "",
        if_match: int | None = None,
    ) -> Stored:
        """Seal a Python value (`str` text, `bytes` bytes, else JSON) and store it as the next version of a key.

        Without a form the policy decides, and without one it is sealed.

        Raises:
            Misconfigured: plain, for a key of CONFIGSVC_SEALED_KEYS.
            VersionClaimed, PreconditionFailed: others wrote the key; with `if_match` at once, else after many tries.
        """
        given = Secret(value)
        value = None  # this frame is shown with what is raised
        made = draft(key, given.reveal(), form=form, content_type=content_type)
        return self.put_draft(namespace, made._replace(if_match=if_match), message)

    def put_draft(self, namespace: str, draft: Draft, message: str = "") -> Stored:
        """As `put`, with all that a draft can say.

        Raises:
            TooLarge: its form does not take so many bytes, whatever the number of the version.
        """
        name = names.namespace(namespace)
        ready = self._decided(name, draft)
        check_size(name, ready)
        return self._parts.writer.put(name, ready, message)

    def named_form(self, namespace: str, key: str, asked: Form | None = None) -> Form | None:
        """The form that the caller, CONFIGSVC_SEALED_KEYS or the policy names; without any it is sealed.

        Raises:
            Misconfigured: plain, for a key of CONFIGSVC_SEALED_KEYS.
        """
        return self._parts.rules.named(names.namespace(namespace), names.key(key), asked)

    def _decided(self, namespace: Namespace, draft: Draft) -> Draft:
        return decided(draft, namespace, self._parts.rules)

    def change(
        self, namespace: str, changes: Sequence[Change], message: str = "", *, if_match: int | None = None,
        declassify: bool = False,
    ) -> Changed:  # fmt: skip
        """Drafts, `Activate`s and `Delete`s in one change set: all or nothing, at most 40 of them, 1 MiB stored.

        `declassify` lets an `Activate` serve a plain version in the place of a sealed one. A draft says so itself.

        Raises:
            TooLarge: it does not take them, which is said before anything is sealed.
            Unprocessable: an `Activate` would, without `declassify`.
        """
        name = names.namespace(namespace)
        activates = [each for each in changes if isinstance(each, Activate)]
        self._parts.activations.check(name, activates, declassify=declassify)
        ready = [self._decided(name, each) if isinstance(each, Draft) else each for each in changes]
        drafts = [each for each in ready if isinstance(each, Draft)]
        check_together(name, drafts, len(ready) - len(drafts))
        return self._parts.writer.change(name, ready, message, if_match)

    def check_size(self, namespace: str, draft: Draft) -> None:
        """Refuse a draft whose form does not take so many bytes, before anything is sealed or sent.

        Raises:
            TooLarge: names the key, its size and the most that it may have.
        """
        check_size(names.namespace(namespace), draft)

    def check_room(self, snapshot: SealedSnapshot, drafts: Sequence[Draft]) -> None:
        """Refuse drafts that a namespace has no room for beside what it serves, before anything is sealed or sent.

        Costs one request, for the namespace's limit, if it would serve more than it does.

        Raises:
            TooLarge: names the namespace, its size, its limit and what raises it.
        """
        if served_with(snapshot, drafts, "ascii") <= served_with(snapshot, (), "ascii"):
            return
        found = self._parts.namespaces.get(snapshot.namespace)
        limit, charset = found["snapshot_bytes"], found["charset"]
        size = served_with(snapshot, drafts, "ascii" if charset == "ascii" else "utf8")
        if isinstance(limit, int) and size > limit:
            raise refused_namespace(snapshot.namespace, size, limit)

    def check_together(self, namespace: str, drafts: Sequence[Draft], advice: str = "Split it.") -> None:
        """Whether one change set takes all these drafts, told before anything is sealed or sent.

        Raises:
            TooLarge: it does not.
            Unprocessable: a plain value is not what its content type says.
        """
        name = names.namespace(namespace)
        check_together(name, [self._decided(name, each) for each in drafts], advice=advice)

    def store(
        self, namespace: str, drafts: Sequence[Draft], message: str = "", *, known: Known | None = None
    ) -> Iterator[Part]:
        """Any number of drafts in as few change sets as the limits allow; each is told as it is done or refused.

        `known` saves asking for the keys once more, where they were read before.
        """
        name, ready = names.namespace(namespace), list[Draft]()
        for each in drafts:
            try:
                ready.append(self._decided(name, each))
            except (Misconfigured, Unprocessable) as error:
                yield Part((each.key,), error=error)
        yield from self._parts.writer.store(name, ready, message, known)
