"""How many puts are split into change sets: as few as the limits allow, in the order they came in."""

from __future__ import annotations

import json
from collections.abc import Iterable

from configsvc.model import limits
from configsvc.model.change_set import Put, stored_bytes

_GROWTH = 4 * limits.KIB
"""Room for versions with more digits, when a change set is sealed again after a lost race."""

_FRAME = 16 * limits.KIB
"""Room in a request's body for the message and the members of each operation."""

STORED = limits.CHANGE_SET_BYTES - _GROWTH
SENT = limits.REQUEST_BYTES - _FRAME - _GROWTH


def split(puts: Iterable[Put]) -> list[tuple[Put, ...]]:
    """Change sets of at most 40 operations and 1 MiB of stored values, in bodies of at most 2 MiB.

    A value that is too large by itself is in a change set of its own, for the service to refuse it by name.
    """
    groups: list[list[Put]] = []
    stored = body = 0
    for put in puts:
        stored += stored_bytes(put.value)
        body += _sent_bytes(put.value)
        if not groups or len(groups[-1]) == limits.OPERATIONS or stored > STORED or body > SENT:
            groups.append([])
            stored, body = stored_bytes(put.value), _sent_bytes(put.value)
        groups[-1].append(put)
    return [tuple(group) for group in groups]


def sent(puts: Iterable[Put]) -> int:
    """Bytes that a request's body with these may have."""
    return _FRAME + sum(_sent_bytes(put.value) for put in puts)


def _sent_bytes(value: str) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())
