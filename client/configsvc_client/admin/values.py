"""Read and put values, and choose which version is served."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from configsvc.model import names
from configsvc.model.change_set import Activate, Delete
from configsvc.model.errors import CannotOpen, ConfigsvcError, PreconditionFailed
from configsvc.model.names import Key
from configsvc.model.snapshot import Entry, Form, SealedSnapshot
from configsvc_client._secret import Secret
from configsvc_client.admin.change_sets import ChangeSets
from configsvc_client.admin.reading import KeyInfo, Known, Opened, Opener, Reader
from configsvc_client.admin.sealing.drafts import Draft, DraftJson, decide_form, make_draft
from configsvc_client.admin.sealing.protection import FormRules
from configsvc_client.admin.sealing.sealer import check_size
from configsvc_client.admin.wire.writes import Changed, Stored
from configsvc_client.admin.writing import Writer


class Values:
    """The values of namespaces, and their served versions.

    Args:
        reader: reads them without opening them.
        opener: opens them.
        writer: stores them.
        change_sets: serves other versions.
        rules: the writer's own settings, which decide the form of a value.
    """

    def __init__(
        self, reader: Reader, opener: Opener, writer: Writer, change_sets: ChangeSets, rules: FormRules
    ) -> None:  # fmt: skip
        self._reader = reader
        self._opener = opener
        self._writer = writer
        self._change_sets = change_sets
        self._rules = rules

    def list_keys(self, namespace: str, prefix: str = "") -> Iterator[KeyInfo]:
        """List the keys of a namespace in order, without values, page by page."""
        return self._reader.keys(names.parse_namespace(namespace), prefix)

    def find_keys(self, namespace: str, keys: Iterable[str]) -> Known:
        """Look up those keys that were ever written, without values. Pass the result to `guard_draft`."""
        return self._reader.known(names.parse_namespace(namespace), [names.parse_key(each) for each in keys])

    def guard(self, namespace: str, drafts: Sequence[Draft], snapshot: SealedSnapshot) -> Guarded:
        """Make drafts conditional: their keys must still serve what they did in a snapshot."""
        known = self.find_keys(namespace, [each.key for each in drafts])
        return guard_drafts(drafts, known, {entry.key: entry.version for entry in snapshot.entries})

    def get_entry(self, namespace: str, key: str, version: int | None = None) -> Entry:
        """Read the served entry of a key, or that of any version, without opening it.

        Raises:
            NotFound: the key is not served, or there is no such version.
            Gone: the value of that version was destroyed.
        """
        return self._reader.entry(names.parse_namespace(namespace), names.parse_key(key), version)

    def get(self, namespace: str, key: str, version: int | None = None) -> Opened:
        """Read and open the served value of a key, or that of any version.

        Raises:
            NotFound, Gone: as `get_entry`.
            CannotOpen: it does not open, or KMS refuses.
            Misconfigured: it is sealed, but no KMS key is pinned or no AWS credentials are found.
        """
        return self.open_entry(namespace, self.get_entry(namespace, key, version))

    def open_entry(self, namespace: str, entry: Entry) -> Opened:
        """Open an entry.

        Raises:
            CannotOpen, Misconfigured: as `get`.
        """
        return self._opener.open(names.parse_namespace(namespace), entry)

    def get_snapshot(self, namespace: str, revision: int | None = None) -> SealedSnapshot:
        """Read all entries that are served, or were served at a revision, without opening them."""
        return self._reader.snapshot(names.parse_namespace(namespace), revision)

    def get_all(self, namespace: str) -> dict[str, Opened]:
        """Read and open everything that is served: one request, and one KMS call for all envelopes.

        Raises:
            CannotOpen, Misconfigured: as `get`.
        """
        found: dict[str, Opened] = {}
        snapshot = self.get_snapshot(namespace)
        for key, opened in self.open_entries(snapshot, snapshot.entries).items():
            if isinstance(opened, CannotOpen):
                raise CannotOpen(f"{key} does not open. {opened.detail}", **{**opened.members, "key": key})
            found[key] = opened
        return found

    def open_entries(self, snapshot: SealedSnapshot, entries: Iterable[Entry]) -> dict[Key, Opened | CannotOpen]:
        """Open some entries of a snapshot. An entry that does not open is returned as the error.

        Raises:
            Misconfigured: one is sealed, and no KMS key is pinned or no AWS credentials are found.
        """
        return self._opener.open_all(snapshot.namespace, entries, snapshot.data_keys)

    def put(
        self,
        namespace: str,
        key: str,
        value: DraftJson | bytes,
        *,
        form: Form | None = None,
        content_type: str | None = None,
        message: str = "",
        if_match: int | None = None,
    ) -> Stored:
        """Seal a Python value (`str` text, `bytes` bytes, else JSON) and store it as the next version of a key.

        Without a form the policy decides, and without a policy it is sealed.

        Raises:
            Misconfigured: plain, for a key of CONFIGSVC_SEALED_KEYS.
            VersionClaimed, PreconditionFailed: others wrote the key; with `if_match` at once, else after many tries.
        """
        given = Secret(value)
        value = None  # this frame is shown with what is raised
        made = make_draft(key, given.reveal(), form=form, content_type=content_type)
        return self.put_draft(namespace, made._replace(if_match=if_match), message)

    def put_draft(self, namespace: str, draft: Draft, message: str = "") -> Stored:
        """Store a draft, which has more options than `put`.

        Raises:
            TooLarge: the value is too large for its form, at any version.
        """
        name = names.parse_namespace(namespace)
        ready = decide_form(draft, name, self._rules)
        check_size(name, ready)
        return self._writer.put(name, ready, message)

    def resolve_form(self, namespace: str, key: str, asked: Form | None = None) -> Form | None:
        """Return the form that the caller, CONFIGSVC_SEALED_KEYS or the policy sets. None means that it will be sealed.

        Raises:
            Misconfigured: plain, but CONFIGSVC_SEALED_KEYS names the key.
        """
        return self._rules.named(names.parse_namespace(namespace), names.parse_key(key), asked)

    def check_size(self, namespace: str, draft: Draft) -> None:
        """Refuse a draft that is too large for its form, before anything is sealed or sent.

        Raises:
            TooLarge: names the key, its size and the limit.
        """
        check_size(names.parse_namespace(namespace), draft)

    def activate(
        self, namespace: str, key: str, version: int, message: str = "", *, if_match: int | None = None,
        declassify: bool = False,
    ) -> Changed:  # fmt: skip
        """Serve an existing version: staged, earlier, or deleted. Nothing is sealed again.

        Raises:
            Unprocessable: it is plain but the served version is sealed; `declassify` allows it.
            NotFound: there is no such version.
            Gone: its value was destroyed.
            Conflict: its data key is retired.
        """
        changes = [Activate(names.parse_key(key), version, if_match)]
        return self._change_sets.apply(namespace, changes, message, declassify=declassify)

    def delete(self, namespace: str, key: str, message: str = "", *, if_match: int | None = None) -> Changed:
        """Stop serving a key. Its versions are kept, and `activate` brings one back.

        Raises:
            NotFound: it is not served.
        """
        return self._change_sets.apply(namespace, [Delete(names.parse_key(key), if_match)], message)

    def destroy(self, namespace: str, key: str, version: int) -> int:
        """Destroy the value of a version permanently, but keep its record. Returns the revision of this change.

        Raises:
            NotFound: there is no such version.
            Conflict: it is served.
        """
        return self._writer.destroy(names.parse_namespace(namespace), names.parse_key(key), version)


class Guarded(NamedTuple):
    """Drafts with their preconditions, the keys these depend on, and the keys that someone else wrote first."""

    drafts: list[Draft]
    known: Known
    overtaken: dict[str, ConfigsvcError]


def guard_draft(draft: Draft, known: Known) -> Draft:
    """Adds a precondition to a draft: the key's revision, or `create_only` if the key was never written."""
    if draft.key in known:
        return draft._replace(if_match=known[draft.key].revision, create_only=False)
    return draft._replace(if_match=None, create_only=True)


def guard_drafts(drafts: Iterable[Draft], known: Known, served: Mapping[Key, int]) -> Guarded:
    """Adds preconditions to drafts whose keys still serve what they did in a snapshot that was read before `known`.

    `served` are the versions in that snapshot. If someone wrote a key in between, decisions based on the snapshot do
    not hold for it.
    """
    found = Guarded([], known, {})
    for each in drafts:
        active = known[each.key].active if each.key in known else None
        if active == served.get(each.key):
            found.drafts.append(guard_draft(each, known))
        else:
            found.overtaken[each.key] = PreconditionFailed("Someone else wrote the key in the meantime.", key=each.key)
    return found
