"""The identical envelope again, at the latest version: the version and revision of the first answer, nothing written.

An envelope names its version, so posting it again can only mean that the first answer was lost.
"""

from __future__ import annotations

from typing import NamedTuple

from configsvc.model.change_set import Operation, Put
from configsvc.model.names import Namespace
from configsvc.service import key_state, records
from configsvc.service.found import Found, one
from configsvc.service.key_state import Known
from configsvc.service.ports import LostRace
from configsvc.service.records import Version


class Replayed(NamedTuple):
    """A version that is there already, and its key."""

    version: Version
    known: Known


def replayed(namespace: Namespace, operation: Operation, found: Found) -> Replayed | None:
    """The version that an operation would write again, None when it would write something else.

    A deleted key may have lost its versions to an upkeep that was not brought to its end: nothing is repeated then.

    Raises:
        LostRace: the key serves, has that version, and it was not there when it was read: somebody was writing it.
    """
    if not isinstance(operation, Put) or operation.header is None:
        return None
    number = operation.header.version
    at = records.version(namespace, operation.key, number)
    version = one(found, at, Version)
    known = key_state.known(found, namespace, operation.key)
    state = known.state
    if state is None or state.latest != number:
        return None
    if version is None and known.served:
        raise LostRace([at])
    if version is None or version.entry.value != operation.value:
        return None
    return Replayed(version, known)
