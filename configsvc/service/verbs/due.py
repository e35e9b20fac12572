"""Finds what is due for rotation in a namespace: served values by their date, live data keys by age and seals."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from configsvc.model.due import WhyDue, find_data_key_reasons, is_due, is_overdue
from configsvc.model.names import Key, Kid, Namespace
from configsvc.service.engine import access, records
from configsvc.service.engine.access import find_live_head
from configsvc.service.engine.ports import Caller, RotationDue, ServicePorts
from configsvc.service.engine.records import DataKeyRecord, Head, KeyState
from configsvc.service.engine.retention import parse_seconds


class DueDays(NamedTuple):
    """The days that decide, in UTC: today, and the last day that is near."""

    today: str
    last: str


class DueKey(NamedTuple):
    """A served key whose value should be replaced soon, or should have been."""

    key: Key
    rotate_by: str
    overdue: bool


class DueDataKey(NamedTuple):
    """A live data key that should be replaced, and why."""

    namespace: Namespace
    kid: Kid
    why: tuple[WhyDue, ...]


class Due(NamedTuple):
    """Everything that is due in a namespace; keys in their order, data keys in the order of kids."""

    keys: tuple[DueKey, ...] = ()
    data_keys: tuple[DueDataKey, ...] = ()


def find_due(ports: ServicePorts, caller: Caller, namespace: Namespace, days: DueDays) -> Due:
    """Returns what is due. It reads every served key and every data key, without values.

    Each record is as of a moment of its own, as in a listing.

    Raises:
        NotFound, Forbidden: the namespace is absent, or the caller's principal does not have the admin action.
    """
    held, found = access.read_with_rights(ports, caller, (records.head(namespace),), writes=True)
    access.require(held, found, namespace, "admin")
    head = find_live_head(found, namespace)
    if head is None:
        raise access.build_absent_refusal(namespace)
    partition = records.of_namespace(namespace)
    states = (each for each in ports.repository.query(partition, "K#", values=False) if isinstance(each, KeyState))
    data_keys = (each for each in ports.repository.query(partition, "D#") if isinstance(each, DataKeyRecord))
    return Due(tuple(_select_keys(states, days)), tuple(_select_data_keys(head, data_keys, ports.clock.now().seconds)))


def _select_keys(states: Iterable[KeyState], days: DueDays) -> Iterable[DueKey]:
    for each in states:
        if each.rotate_by and is_due(each.state, each.rotate_by, days.today, days.last):
            yield DueKey(each.key, each.rotate_by, is_overdue(each.state, each.rotate_by, days.today))


def _select_data_keys(head: Head, stored: Iterable[DataKeyRecord], now: float) -> Iterable[DueDataKey]:
    for each in stored:
        count = head.kids.get(each.data_key.kid)
        if each.state != "live" or count is None:
            continue
        if why := find_data_key_reasons(now - parse_seconds(each.created_at), count.seals):
            yield DueDataKey(head.namespace, each.data_key.kid, why)


def group_by_day(namespace: Namespace, due: Due) -> list[RotationDue]:
    """Returns the due keys of each day, the earliest day first."""
    ordered = sorted(due.keys, key=lambda each: (each.rotate_by, each.key))
    return [
        RotationDue(namespace, day, tuple(each.key for each in keys))
        for day, keys in groupby(ordered, key=lambda each: each.rotate_by)
    ]
