"""Several namespaces read as a consumer reads them: the first that serves a key answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from configsvc.model.errors import NotFound
from configsvc_client.cli import _terminal

if TYPE_CHECKING:
    from configsvc.model.entry import Entry
    from configsvc.model.names import Namespace
    from configsvc.model.snapshot import SealedSnapshot
    from configsvc_client.admin import Admin, KeyInfo


def entry(
    admin: Admin, namespaces: Sequence[Namespace], key: str, version: int | None = None
) -> tuple[Namespace, Entry]:
    """The entry that a consumer reads under a key, and the namespace that answers.

    A version is one of the namespace that serves the key; if none does, of the first that has the version.

    Raises:
        NotFound: no namespace serves the key, or one of the namespaces does not exist.
        Gone: the value of that version was destroyed.
    """
    if len(namespaces) == 1:
        return namespaces[0], admin.values.get_entry(namespaces[0], key, version)
    for namespace in namespaces:
        served = _entry(admin, namespace, key)
        if served:
            return namespace, served if version in (None, served.version) else _of_version(
                admin, namespace, key, version
            )
    for namespace in namespaces if version else ():
        found = _entry(admin, namespace, key, version)
        if found:
            return namespace, found
    what = f"Version {version} of {key} is" if version else f"{key} is"
    raise NotFound(
        f"{what} in none of the namespaces {', '.join(namespaces)}.", key=key, namespaces=[*map(str, namespaces)]
    )


def _of_version(admin: Admin, namespace: Namespace, key: str, version: int | None) -> Entry:
    try:
        return admin.values.get_entry(namespace, key, version)
    except NotFound as error:
        raise NotFound(
            f"{key} is from {namespace}, and has no version {version} there.", **error.members, namespace=str(namespace)
        ) from None


def _entry(admin: Admin, namespace: Namespace, key: str, version: int | None = None) -> Entry | None:
    """The entry, None where this namespace has none.

    Raises:
        NotFound: there is no such namespace; a consumer does not start then.
    """
    try:
        return admin.values.get_entry(namespace, key, version)
    except NotFound as error:
        if "key" not in error.members:
            raise
        return None


def keys(listed: Mapping[Namespace, Iterable[KeyInfo]]) -> list[tuple[Namespace, KeyInfo]]:
    """Each key once, in the order of keys: from the first namespace that serves it, else from the first that has it."""
    found: dict[str, tuple[Namespace, KeyInfo]] = {}
    for namespace, infos in listed.items():
        for info in infos:
            held = found.get(info.key)
            if held is None or (held[1].active is None and info.active is not None):
                found[info.key] = namespace, info
    return [found[key] for key in sorted(found)]


def owners(snapshots: Iterable[SealedSnapshot]) -> dict[str, Namespace]:
    """The namespace that answers for each key."""
    found: dict[str, Namespace] = {}
    for snapshot in snapshots:
        for each in snapshot.entries:
            found.setdefault(each.key, snapshot.namespace)
    return found


def tell_hidden(hidden: Mapping[Namespace, int]) -> None:
    """Say how many keys of each namespace another one hides."""
    for namespace, count in hidden.items():
        if count:
            keys = "1 key is" if count == 1 else f"{count} keys are"
            _terminal.say(f"{namespace}: {keys} hidden by another namespace; -n {namespace} shows all")
