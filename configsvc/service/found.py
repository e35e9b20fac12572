"""What one read found, by address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from configsvc.service import records
from configsvc.service.records import Address, Head, Record

Found = Mapping[Address, Record]

Kind = TypeVar("Kind", bound=Record)


def one(found: Found, address: Address, kind: type[Kind]) -> Kind | None:
    """The record that stands there, None when nothing does.

    Raises:
        TypeError: a record of another kind stands there; the table is not ours.
    """
    record = found.get(address)
    if record is None or isinstance(record, kind):
        return record
    raise TypeError(f"{address.pk} {address.sk} holds no {kind.__name__}")


def live_head(found: Found, namespace: str) -> Head | None:
    """HEAD of a namespace that is there; a deleted one keeps its HEAD, but is absent to everyone."""
    head = one(found, records.head(namespace), Head)
    return head if head and head.state == "live" else None
