"""Keeps revoked what was revoked since a backup, by comparing the old table with the restored one.

It only ever takes rights away. Grants that the old table no longer has are taken out of the new one; data keys that it
has as retired are named, because what came back is sealed under them until it is rotated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from configsvc.adapters.items import from_item
from configsvc.model.grants import Action, Grant
from configsvc.service.delete_grants import delete_grants
from configsvc.service.ports import Caller, Ports
from configsvc.service.records import GRANTS, Granted, StoredDataKey
from configsvc.service.set_grants import set_grants

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Rights(NamedTuple):
    """The grants of each principal, and the state of each data key by namespace and kid."""

    grants: Mapping[str, tuple[Grant, ...]]
    data_keys: Mapping[tuple[str, str], str]


def rights(client: DynamoDBClient, table: str) -> Rights:
    """Those of a table; reads the whole table."""
    records = [from_item(item) for item in _items(client, table)]
    return Rights(
        {each.principal: each.grants for each in records if isinstance(each, Granted)},
        {(each.namespace, each.data_key.kid): each.state for each in records if isinstance(each, StoredDataKey)},
    )


def less(came_back: tuple[Grant, ...], now: tuple[Grant, ...]) -> tuple[Grant, ...]:
    """Take every action on every pattern that is no longer granted out of the restored grants."""
    still = _pairs(now)
    patterns: defaultdict[tuple[Action, ...], list[str]] = defaultdict(list)
    for grant in came_back:
        for pattern in grant.namespaces:
            patterns[tuple(each for each in grant.actions if (each, pattern) in still)].append(pattern)
    return tuple(Grant(actions, tuple(named)) for actions, named in patterns.items() if actions)


def take_away(ports: Ports, caller: Caller, new: Rights, old: Rights) -> Iterator[str]:
    """Take away what was revoked since, and say so; then name the data keys that were retired since."""
    for principal, came_back in sorted(new.grants.items()):
        left = less(came_back, old.grants.get(principal, ()))
        if _pairs(left) == _pairs(came_back):
            continue
        if left:
            set_grants(ports, caller, principal, left, None)
        else:
            delete_grants(ports, caller, principal, None)
        yield f"{principal}: revoked what was revoked since the backup"
    for (namespace, kid), state in sorted(new.data_keys.items()):
        if state == "live" and old.data_keys.get((namespace, kid)) == "retired":
            yield (
                f"{namespace}: data key {kid} was retired since the backup and is live again. After the switch: "
                f"configsvc data-key rotate -n {namespace} --fresh"
            )


def _pairs(grants: Iterable[Grant]) -> set[tuple[str, str]]:
    return {(action, pattern) for grant in grants for action in grant.actions for pattern in grant.namespaces}


def _items(client: DynamoDBClient, table: str) -> Iterator[Mapping[str, Any]]:
    pages = client.get_paginator("scan").paginate(
        TableName=table,
        ConsistentRead=True,
        FilterExpression="(pk = :grants AND begins_with(sk, :granted)) OR begins_with(sk, :data_key)",
        ExpressionAttributeValues={":grants": {"S": GRANTS}, ":granted": {"S": "G#"}, ":data_key": {"S": "D#"}},
    )
    return (item for page in pages for item in page["Items"])
