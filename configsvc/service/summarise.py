"""Write the summaries that end at a revision, once its record is written.

They are made of records that never change, so they may be made at any time, and none is needed: what fails is left out,
and whoever reads the log reads its parts instead. The next level is made of those parts as well, so it mends that.
"""

from __future__ import annotations

from configsvc.service import log_tree, summaries
from configsvc.service.ports import LostRace, Ports, Write
from configsvc.service.records import StoredSummary
from configsvc.service.summaries import Node


def summarise(ports: Ports, partition: str, revision: int) -> None:
    """After the write of a multiple of 16: one read of 16 records and one write of an item, a level.

    It says nothing of what fails: the write that it follows is done, and its answer must not depend on this. A record
    that somebody damaged fails in ways that no list here foresees.
    """
    for node in summaries.ending(revision):
        try:
            stored = _made(ports, partition, node)
            if stored is None:
                return
            _store(ports, stored)
        except Exception:  # noqa: BLE001  # whatever it is, the caller's write is written
            return


def _made(ports: Ports, partition: str, node: Node) -> StoredSummary | None:
    found = log_tree.whole(ports.repository, partition, node.start, node.children())
    return summaries.packed(found, partition, node) if found else None


def _store(ports: Ports, stored: StoredSummary) -> None:
    """Over what a lost time may have left there: its stamp is the same revision."""
    try:
        ports.repository.commit([Write(stored, None)])
    except LostRace:
        ports.repository.commit([Write(stored, stored.revision)])
