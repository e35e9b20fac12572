"""Values of several namespaces as a consumer reads them: the first namespace that serves a key wins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from configsvc.model.errors import CannotOpen, NotFound
from configsvc.model.names import matches
from configsvc_client import _wording
from configsvc_client.cli.output import terminal

if TYPE_CHECKING:
    from configsvc.model.names import Namespace
    from configsvc.model.snapshot import Entry, SealedSnapshot
    from configsvc_client.admin import Admin, KeyInfo, Opened


Admitted = Callable[["Namespace", Sequence[str]], Iterable[str]]
"""Filters the keys of a namespace to those that may be read."""


def select_keys(keys: Iterable[str], only: Sequence[str], prefix: str) -> set[str]:
    """The keys that start with the prefix and, if `only` has patterns, match one of them.

    Raises:
        NotFound: a pattern matches none, so a value would be missing silently.
    """
    having = [key for key in keys if key.startswith(prefix)]
    for pattern in only:
        if not any(matches(key, pattern) for key in having):
            near = (
                _wording.suggest(_wording.find_similar(pattern.removesuffix("*"), having))
                or "To see the keys: configsvc list."
            )
            raise NotFound(f"{pattern} matches no served key. {near}")
    return {key for key in having if not only or any(matches(key, pattern) for pattern in only)}


def open_values(
    admin: Admin,
    snapshots: Sequence[SealedSnapshot],
    only: Sequence[str],
    prefix: str,
    admitted: Admitted = lambda _, keys: keys,
) -> dict[str, Opened]:
    """The selected values in the clear; the first namespace that holds a key wins. Nothing else is opened.

    Args:
        admin: opens the values.
        snapshots: of the namespaces, in their order.
        only: patterns of keys.
        prefix: of the keys.
        admitted: filters the keys of a namespace to those that may be read.

    Raises:
        NotFound: as `select_keys`.
        CannotOpen: a value cannot be opened. Names the key and the namespace.
        Misconfigured: a value is sealed, and no KMS key is pinned or no AWS credentials are found.
    """
    chosen = select_keys(dict.fromkeys(entry.key for each in snapshots for entry in each.entries), only, prefix)
    found: dict[str, Opened] = {}
    for snapshot in snapshots:
        own = [entry for entry in snapshot.entries if entry.key in chosen]
        chosen -= {entry.key for entry in own}
        may = set(admitted(snapshot.namespace, [entry.key for entry in own]))
        entries = [entry for entry in own if entry.key in may]
        for key, each in admin.values.open_entries(snapshot, entries).items():
            if isinstance(each, CannotOpen):
                raise explain_unopened(snapshot.namespace, key, each)
            found[key] = each
    return found


def explain_unopened(namespace: str, key: str, error: CannotOpen) -> CannotOpen:
    """The error with the key and the namespace, because another namespace may serve a value that does open."""
    return CannotOpen(f"{key} in {namespace} cannot be opened. {error.detail}", **{**error.members, "key": key})


def find_entry(
    admin: Admin, namespaces: Sequence[Namespace], key: str, version: int | None = None
) -> tuple[Namespace, Entry]:
    """The entry that a consumer reads under a key, and the namespace that answers.

    A version belongs to the namespace that serves the key or, if none does, to the first that has the version.

    Raises:
        NotFound: no namespace serves the key, or one of the namespaces does not exist.
        Gone: the value of that version was destroyed.
    """
    if len(namespaces) == 1:
        return namespaces[0], admin.values.get_entry(namespaces[0], key, version)
    for namespace in namespaces:
        served = _get_entry(admin, namespace, key)
        if served:
            return namespace, served if version in (None, served.version) else _find_version(
                admin, namespace, key, version
            )
    for namespace in namespaces if version else ():
        found = _get_entry(admin, namespace, key, version)
        if found:
            return namespace, found
    what = f"Version {version} of {key} is" if version else f"{key} is"
    raise NotFound(
        f"{what} in none of the namespaces {', '.join(namespaces)}.", key=key, namespaces=[*map(str, namespaces)]
    )


def _find_version(admin: Admin, namespace: Namespace, key: str, version: int | None) -> Entry:
    try:
        return admin.values.get_entry(namespace, key, version)
    except NotFound as error:
        raise NotFound(
            f"{key} comes from {namespace}, which has no version {version} of it.", **error.members,
            namespace=str(namespace),
        ) from None  # fmt: skip


def _get_entry(admin: Admin, namespace: Namespace, key: str, version: int | None = None) -> Entry | None:
    """The entry, or None if this namespace has none.

    Raises:
        NotFound: the namespace does not exist; a consumer would not start either.
    """
    try:
        return admin.values.get_entry(namespace, key, version)
    except NotFound as error:
        if "key" not in error.members:
            raise
        return None


def list_keys(listed: Mapping[Namespace, Iterable[KeyInfo]]) -> list[tuple[Namespace, KeyInfo]]:
    """Each key once, sorted by key: from the first namespace that serves it, else from the first that has it."""
    found: dict[str, tuple[Namespace, KeyInfo]] = {}
    for namespace, infos in listed.items():
        for info in infos:
            held = found.get(info.key)
            if held is None or (held[1].active is None and info.active is not None):
                found[info.key] = namespace, info
    return [found[key] for key in sorted(found)]


def find_owners(snapshots: Iterable[SealedSnapshot]) -> dict[str, Namespace]:
    """The namespace that serves each key."""
    found: dict[str, Namespace] = {}
    for snapshot in snapshots:
        for each in snapshot.entries:
            found.setdefault(each.key, snapshot.namespace)
    return found


def report_hidden(hidden: Mapping[Namespace, int]) -> None:
    """Prints how many keys of each namespace another one hides."""
    for namespace, count in hidden.items():
        if count:
            keys = "1 key is" if count == 1 else f"{count} keys are"
            terminal.say(f"{namespace}: {keys} hidden by another namespace. To see all: -n {namespace}")
