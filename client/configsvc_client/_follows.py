"""What may be held first, and what may come after what is held: decisions on revisions and entries. Pure."""

from __future__ import annotations

from configsvc.model import limits
from configsvc.model.errors import NotTaken, StaleRevision
from configsvc.model.names import Namespace
from configsvc.model.record import Record
from configsvc.model.snapshot import SealedSnapshot


class RememberedSnapshot(Record):
    """What is remembered of a snapshot that is held: its revision, and a fingerprint within this process."""

    revision: int
    fingerprint: int


def fingerprint(sealed: SealedSnapshot) -> int:
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
    if revision == held.revision and fingerprint(sealed) != held.fingerprint:
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
