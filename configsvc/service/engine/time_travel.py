"""Reconstructs what a namespace served at an earlier revision from its keys, its change log and its versions.

The keys are proven to be as HEAD's revision left them, the log is complete from that revision on, and versions do
not change. So the result is exactly that revision, whatever is written, pruned or destroyed in the meantime. What is
no longer there is Gone, never omitted. The log is read through its summaries: about 30 items per level, however long.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from configsvc.model.errors import Gone, InvalidRequest, NotFound
from configsvc.model.names import Key, Namespace
from configsvc.service.engine import log_tree, records, summaries
from configsvc.service.engine.access import find_record
from configsvc.service.engine.ports import ServicePorts
from configsvc.service.engine.records import Head, KeyState, LogRecord, StoredVersion
from configsvc.service.engine.summaries import Past

REVISIONS = 10**12
"""One more than the highest revision that fits into a sort key of the log."""


def check_revision(revision: int) -> int:
    """Validates a number as a revision.

    Raises:
        InvalidRequest: no revision can have it.
    """
    if not 0 < revision < REVISIONS:
        raise InvalidRequest("A revision must be 1 or more.", field="revision")
    return revision


def require_reached(head: Head, revision: int) -> None:
    """Checks that the namespace has reached a revision.

    Raises:
        NotFound: it has not.
    """
    if revision > head.revision:
        raise NotFound(
            f"{head.namespace} is at revision {head.revision}; revision {revision} does not exist yet.",
            revision=head.revision,
        )


def read_past(ports: ServicePorts, head: Head, states: Sequence[KeyState], revision: int) -> Past | None:
    """Returns what a revision served; `states` are all served keys as HEAD's revision left them.

    None means that a write came between. Nothing is read if readers get the same now.

    Raises:
        Gone: its record is no longer in the log.
        Unprocessable: too many keys were written since for one request to read.
    """
    if revision >= head.served:
        return summaries.build_present(head.served, states)
    (at,) = read_log_records(ports, head.namespace, [revision])
    partition = records.of_namespace(head.namespace)
    later = log_tree.read_between(ports.repository, partition, revision, head.revision)
    return None if later is None else summaries.undo_changes(at, states, later)


def read_log_records(ports: ServicePorts, namespace: Namespace, revisions: Sequence[int]) -> list[LogRecord]:
    """Returns the records of those revisions.

    Raises:
        Gone: one is no longer in the log.
    """
    wanted = [records.log(records.of_namespace(namespace), revision) for revision in revisions]
    found = ports.repository.get(wanted) if wanted else {}
    stored = [find_record(found, at, LogRecord) for at in wanted]
    for revision, record in zip(revisions, stored, strict=True):
        if record is None:
            raise build_gone(ports, namespace, revision)
    return [record for record in stored if record]


def read_versions(ports: ServicePorts, namespace: Namespace, wanted: Iterable[tuple[Key, int]]) -> list[StoredVersion]:
    """Returns those versions, including destroyed ones.

    Raises:
        Gone: one was pruned.
    """
    addresses = {records.version(namespace, key, number): (key, number) for key, number in wanted}
    found = ports.repository.get(tuple(addresses)) if addresses else {}
    stored = list[StoredVersion]()
    for at, (key, number) in addresses.items():
        version = find_record(found, at, StoredVersion)
        if version is None:
            raise Gone(
                f"Version {number} of {key}, which was served then, is no longer kept.",
                key=key, version=number, oldest=find_oldest_revision(ports, namespace),
            )  # fmt: skip
        stored.append(version)
    return stored


def build_gone(ports: ServicePorts, namespace: Namespace, revision: int) -> Gone:
    """Returns the refusal of a revision that is no longer in the log; it names the oldest that is."""
    first = find_oldest_revision(ports, namespace)
    return Gone(
        f"The change log of {namespace} no longer has revision {revision}; the oldest is {first}.", oldest=first
    )


def find_oldest_revision(ports: ServicePorts, namespace: Namespace) -> int | None:
    """Returns the oldest revision in the log."""
    found = ports.repository.query(records.of_namespace(namespace), "R#", limit=1)
    return next((record.revision for record in found), None)
