"""After a restore into a new table: check and lift every namespace in it before the service uses the table.

`python -m infra.restore --old OLD --new NEW` takes what was given out from the table that was lost and is still there;
`--jump N` in its place lifts each namespace by N, for when it is not. `--stage` is whose region counts, where its file
names one. Credentials are the ordinary ones; they need to scan the old table, and to read and write the new one.
With `--old`, grants that were revoked since the backup are revoked in the new table too, unless `--keep-grants`.
Repeatable at any time: with `--old` what is lifted stays as it is; with `--jump` each repeat lifts every namespace by N
once more, which skips numbers and harms nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from configsvc.adapters.caches import RecentGrants, RenderedSnapshots
from configsvc.adapters.dynamo import DynamoRepository
from configsvc.adapters.items import from_item
from configsvc.adapters.json_schemas import JsonSchemas
from configsvc.adapters.system import SystemClock, SystemRandomness
from configsvc.model import limits, names
from configsvc.model.errors import ConfigsvcError, NotFound
from configsvc.model.grants import Action, Grant, normalize_arn
from configsvc.model.names import Namespace
from configsvc.service.engine import records
from configsvc.service.engine.access import find_record
from configsvc.service.engine.ports import Caller, ServicePorts
from configsvc.service.engine.records import GRANTS, DataKeyRecord, StoredGrants
from configsvc.service.verbs.grants import delete_grants, set_grants
from configsvc.service.verbs.lift import lift_namespace
from configsvc.service.verbs.namespaces import NamespaceWanted, create_namespace, delete_namespace
from infra import aws
from infra.escaping import escape
from infra.stage import StageError, load_unfinished

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sts import STSClient


_PARTITION = "N#"
# The description of a namespace between its creation and its deletion here: a repeat knows it by that.
_PASSING = "infra.restore keeps its numbers and deletes it"


class Lifted(NamedTuple):
    """A namespace of the new table: the revision it came back with, the one it has now, and what HEAD had wrong.

    `was` is None when nothing that is served came back: then it stays absent, and only its numbers are kept.
    """

    namespace: str
    was: int | None
    revision: int
    wrong: tuple[str, ...]


class Operator(NamedTuple):
    """The principal that lifts: a role or a user, as the change log shows it."""

    arn: str
    principal: str


def revisions(client: DynamoDBClient, table: str) -> dict[str, int]:
    """The revision of every namespace of a table, deleted ones too; reads the whole table."""
    pages = client.get_paginator("scan").paginate(
        TableName=table,
        ConsistentRead=True,
        FilterExpression="sk = :head AND begins_with(pk, :namespace)",
        ExpressionAttributeValues={":head": {"S": "HEAD"}, ":namespace": {"S": _PARTITION}},
        ProjectionExpression="pk, revision",
    )
    items = (item for page in pages for item in page["Items"])
    return {item["pk"]["S"].removeprefix(_PARTITION): int(item["revision"]["N"]) for item in items}


def find_believed(given_out: Mapping[str, int], restored: Mapping[str, int]) -> dict[str, int]:
    """The revisions that the service can have given out: a revision above any that a lift goes to was written by hand.

    Such a namespace goes up by more than it can have lost, and by no more than a warm reader takes at once.
    """
    return {
        name: revision if revision <= limits.REVISION_LIFT else restored.get(name, 0) + limits.REVISION_JUMP // 2
        for name, revision in given_out.items()
    }


def lift_all(client: DynamoDBClient, table: str, operator: Operator, given_out: Mapping[str, int]) -> Iterator[Lifted]:
    """Lift each namespace of the table to what was given out, in order of name; those that it lacks as well.

    Raises:
        ConfigsvcError: DynamoDB failed, or others write there. Repeat it.
    """
    found = revisions(client, table)
    ports, caller = _ports(client, table, operator), _caller(operator)
    for name, wanted in sorted(given_out.items()):
        namespace, was = names.parse_namespace(name), found.get(name)
        if _is_passing(ports, namespace):
            yield _numbers_only(ports, caller, namespace, wanted)
            continue
        try:
            yield _lift(ports, caller, namespace, was, wanted)
        except NotFound:
            if was is None or was < wanted:  # else it is deleted, as it was, or lifted before
                yield _numbers_only(ports, caller, namespace, wanted)


def take_away(client: DynamoDBClient, old: str, new: str, operator: Operator) -> Iterator[str]:
    """Take out of the new table what was revoked since the backup; a line for each.

    Raises:
        ConfigsvcError: DynamoDB failed, or others write there. Repeat it.
    """
    came_back, now = (read_rights(client, table) for table in (new, old))
    return remove_revoked_grants(_ports(client, new, operator), _caller(operator), came_back, now)


def _ports(client: DynamoDBClient, table: str, operator: Operator) -> ServicePorts:
    return ServicePorts(
        DynamoRepository(client, table), SystemClock(), SystemRandomness(), RecentGrants(), RenderedSnapshots(),
        (operator.principal,), JsonSchemas(),
    )  # fmt: skip


def _caller(operator: Operator) -> Caller:
    return Caller(None, operator.principal, operator.arn, "", "infra.restore", "restore")


def _lift(ports: ServicePorts, caller: Caller, namespace: Namespace, was: int | None, wanted: int) -> Lifted:
    body: Mapping[str, Any] = lift_namespace(ports, caller, namespace, wanted, None).body
    wrong = tuple(f"{each['what']} {each['head']}, not {each['found']}" for each in body["check"]["differences"])
    return Lifted(namespace, was, body["revision"], wrong)


def _numbers_only(ports: ServicePorts, caller: Caller, namespace: Namespace, wanted: int) -> Lifted:
    """Nothing of it is served; whoever creates it again goes on counting."""
    create_namespace(ports, caller, namespace, NamespaceWanted(description=_PASSING), None)
    wrong = _lift(ports, caller, namespace, None, wanted).wrong
    body: Mapping[str, Any] = delete_namespace(ports, caller, namespace, None).body
    return Lifted(namespace, None, body["revision"], wrong)


def _is_passing(ports: ServicePorts, namespace: Namespace) -> bool:
    """Whether an earlier run created it and did not get as far as deleting it."""
    at = records.settings(namespace)
    settings = find_record(ports.repository.get([at]), at, records.StoredSettings)
    return settings is not None and settings.description == _PASSING


def _operator(client: STSClient) -> Operator:
    arn = client.get_caller_identity()["Arn"]
    principal = normalize_arn(arn)
    if principal is None:
        raise SystemExit(f"{arn} is neither a role nor a user, and the change log must name one.")
    return Operator(arn, principal)


def _describe_outcome(lifted: Lifted) -> str:
    came = "was absent and stays absent" if lifted.was is None else f"came back at {lifted.was}"
    wrong = f"; HEAD was wrong: {'; '.join(lifted.wrong)}" if lifted.wrong else ""
    return f"{lifted.namespace:<40} {came}, now at {lifted.revision}{wrong}"


def main(arguments: list[str] | None = None) -> int:
    """Lift, and print the result of each namespace; return 1 if it could not be finished."""
    parser = argparse.ArgumentParser(prog="python -m infra.restore", description=__doc__)
    parser.add_argument("--new", required=True, metavar="TABLE", help="the restored table")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--old", metavar="TABLE", help="the table that was in use; nothing may write to it now")
    source.add_argument("--jump", type=int, metavar="N", help="lift by N, more than any namespace can have lost")
    parser.add_argument(
        "--keep-grants", action="store_true", help="keep grants that the old table lacks, because it lost them itself"
    )
    parser.add_argument("--stage", help="a file in infra/stages, without .toml; its region is used")
    asked = parser.parse_args(arguments)
    try:
        session = aws.session(load_unfinished(asked.stage).region if asked.stage else None)
        client, operator = session.client("dynamodb"), _operator(session.client("sts"))
        if asked.old:
            given_out = find_believed(revisions(client, asked.old), revisions(client, asked.new))
        else:
            given_out = {name: revision + asked.jump for name, revision in revisions(client, asked.new).items()}
        for lifted in lift_all(client, asked.new, operator, given_out):
            print(escape(_describe_outcome(lifted)))
        for line in take_away(client, asked.old, asked.new, operator) if asked.old and not asked.keep_grants else ():
            print(escape(line))
    except (aws.Unreachable, StageError) as error:
        print(escape(error), file=sys.stderr)
        return 1
    except (ConfigsvcError, BotoCoreError, ClientError) as error:
        print(escape(_describe_failure(error, asked)), file=sys.stderr)
        return 1
    print("Every namespace is lifted. The service may use the table.")
    return 0


def _describe_failure(error: ConfigsvcError | BotoCoreError | ClientError, asked: argparse.Namespace) -> str:
    why = str(error) if isinstance(error, ConfigsvcError) else aws.explain(error)
    again = "Run it again." if asked.old else f"Running it again lifts everything by another {asked.jump}."
    return f"Not finished: {why} {again}"


class Rights(NamedTuple):
    """The grants of each principal, and the state of each data key by namespace and kid."""

    grants: Mapping[str, tuple[Grant, ...]]
    data_keys: Mapping[tuple[str, str], str]


def read_rights(client: DynamoDBClient, table: str) -> Rights:
    """Those of a table; reads the whole table."""
    records = [from_item(item) for item in _items(client, table)]
    return Rights(
        {each.principal: each.grants for each in records if isinstance(each, StoredGrants)},
        {(each.namespace, each.data_key.kid): each.state for each in records if isinstance(each, DataKeyRecord)},
    )


def remove_revoked(came_back: tuple[Grant, ...], now: tuple[Grant, ...]) -> tuple[Grant, ...]:
    """Remove every action on every pattern that is no longer granted from the restored grants."""
    still = _pairs(now)
    patterns: defaultdict[tuple[Action, ...], list[str]] = defaultdict(list)
    for grant in came_back:
        for pattern in grant.namespaces:
            patterns[tuple(each for each in grant.actions if (each, pattern) in still)].append(pattern)
    return tuple(Grant(actions, tuple(named)) for actions, named in patterns.items() if actions)


def remove_revoked_grants(ports: ServicePorts, caller: Caller, new: Rights, old: Rights) -> Iterator[str]:
    """Take away what was revoked since, and say so; then name the data keys that were retired since."""
    for principal, came_back in sorted(new.grants.items()):
        left = remove_revoked(came_back, old.grants.get(principal, ()))
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


if __name__ == "__main__":
    sys.exit(main())
