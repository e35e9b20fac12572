"""What a namespace served at an earlier revision, read out of its keys, its change log and its versions.

The keys are proven to be as HEAD's revision left them, the log is whole from the revision asked for, and versions do
not change. So what comes out is of exactly that revision, whatever is written, pruned or destroyed meanwhile; what is
no longer there is Gone, never left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from configsvc.model.errors import Gone, InvalidRequest, NotFound
from configsvc.model.names import Key, Namespace
from configsvc.service import history, records
from configsvc.service.found import one
from configsvc.service.history import Past
from configsvc.service.ports import Ports
from configsvc.service.records import Head, KeyState, LogRecord, Version

REVISIONS = 10**12
"""More than a sort key of the log has room for."""


def check(revision: int) -> int:
    """A number that a revision may have.

    Raises:
        InvalidRequest: none ever has it.
    """
    if not 0 < revision < REVISIONS:
        raise InvalidRequest("A revision is a number from 1.", field="revision")
    return revision


def reached(head: Head, revision: int) -> None:
    """Whether the namespace has come to a revision.

    Raises:
        NotFound: not yet.
    """
    if revision > head.revision:
        raise NotFound(
            f"{head.namespace} is at revision {head.revision}, and has not come to {revision}.", revision=head.revision
        )


def active_at(ports: Ports, head: Head, states: Sequence[KeyState], revision: int) -> Past | None:
    """What a revision served; `states` are all served keys as HEAD's revision left them.

    None when a write came between. Nothing is read when readers get the same now; else one Query of the log above that
    revision.

    Raises:
        Gone: its record is no longer in the log.
    """
    if revision >= head.served:
        return history.now(head.served, states)
    log = _log(ports, head.namespace, revision)
    at = next(log, None)
    if at is None or at.revision != revision:
        raise beyond(ports, head.namespace, revision)
    return history.past(at, states, log, head.revision)


def versions(ports: Ports, namespace: Namespace, wanted: Iterable[tuple[Key, int]]) -> list[Version]:
    """Those versions, each also when it was destroyed.

    Raises:
        Gone: one was pruned.
    """
    addresses = [records.version(namespace, key, number) for key, number in wanted]
    found = ports.repository.get(addresses) if addresses else {}
    stored = [version for at in addresses if (version := one(found, at, Version))]
    if len(stored) < len(addresses):
        raise Gone("A version that was served then is no longer kept.", oldest=oldest(ports, namespace))
    return stored


def beyond(ports: Ports, namespace: Namespace, revision: int) -> Gone:
    """The refusal of a revision that is no longer in the log; it names the oldest that is."""
    kept = oldest(ports, namespace)
    return Gone(f"The change log of {namespace} no longer has revision {revision}; the oldest is {kept}.", oldest=kept)


def oldest(ports: Ports, namespace: Namespace) -> int | None:
    """The oldest revision in the log."""
    found = ports.repository.query(records.of_namespace(namespace), "R#", limit=1)
    return next((record.revision for record in found), None)


def _log(ports: Ports, namespace: Namespace, revision: int) -> Iterator[LogRecord]:
    partition = records.of_namespace(namespace)
    after = records.log(partition, revision - 1).sk
    found = ports.repository.query(partition, "R#", after=after)
    return (record for record in found if isinstance(record, LogRecord))
