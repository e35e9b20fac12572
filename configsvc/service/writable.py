"""A namespace that may be written to: live, and not read-only."""

from __future__ import annotations

from typing import NamedTuple

from configsvc.model.errors import Conflict
from configsvc.model.names import Namespace
from configsvc.service import records
from configsvc.service.found import Found, live_head, one
from configsvc.service.ports import Check, LostRace
from configsvc.service.records import Address, Head, Settings


class Writable(NamedTuple):
    """What every write of a namespace rests on."""

    head: Head
    settings: Settings

    @property
    def condition(self) -> Check:
        """That the settings are still these when it commits."""
        return Check(records.address_of(self.settings), self.settings.revision)


def writable_addresses(namespace: Namespace) -> tuple[Address, Address]:
    """What is read to know it."""
    return (records.head(namespace), records.settings(namespace))


def writable(found: Found, namespace: Namespace) -> Writable:
    """HEAD and settings.

    Raises:
        Conflict: the namespace is read-only.
        LostRace: it came or went while it was read.
    """
    head, settings = live_head(found, namespace), one(found, records.settings(namespace), Settings)
    if head is None or settings is None:
        raise LostRace(writable_addresses(namespace))
    if settings.read_only:
        raise read_only(namespace)
    return Writable(head, settings)


def read_only(namespace: Namespace) -> Conflict:
    """The refusal of a write to a namespace that takes none."""
    return Conflict(
        f"{namespace} is read-only. An administrator can change that: "
        f"configsvc namespace set {namespace} --no-read-only"
    )
