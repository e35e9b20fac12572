"""The rules that every storm must satisfy, judged by all responses and the final table.

Each rule is a function that raises AssertionError; tests/storms/test_planted.py shows that each finds something.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import inf
from typing import Any, NamedTuple

from configsvc.service.engine.records import LogRecord
from tests.support.machines import recount
from tests.support.races import linearizability
from tests.support.races.linearizability import History, NotLinearizable, Row, Seen, Written
from tests.support.storms.plan import PAIRS
from tests.support.storms.reader import Taken
from tests.support.storms.storm import Came
from tests.support.storms.wire import UNKNOWN
from tests.support.storms.wishes import pair
from tests.support.storms.writer import Effort


class Commit(NamedTuple):
    """A record of the change log, and the attempt that made it."""

    record: LogRecord
    effort: Effort
    attempt: int


def judge(came: Came) -> None:
    """Raises AssertionError, such as NotLinearizable, with the seed."""
    try:
        for namespace, found in came.stored.items():
            recount.check(found)
            list_given_out(came.logs[namespace], found.log)
            commits = check_complete(found.log, [each for each in came.efforts if each.wish.namespace == namespace])
            _check_linearizable(came, namespace, found, commits)
        for reader in came.readers:
            check_monotonic(reader)
    except AssertionError as broken:
        raise type(broken)(f"{broken} ({came})") from broken


def check_complete(log: Sequence[LogRecord], efforts: Sequence[Effort]) -> list[Commit]:
    """Each acknowledged write is in the change log once; everything else there had an unknown outcome."""
    by_name = {each.name: each for each in efforts}
    commits = [_commit(each, by_name) for each in log if each.verb == "change"]
    made: Mapping[str, list[Commit]] = defaultdict(list)
    for commit in commits:
        made[commit.effort.name].append(commit)
    for name, several in made.items():
        assert len(several) == 1, f"{name} was applied {len(several)} times"
    for effort in efforts:
        _check_acknowledged(effort, made[effort.name][0] if effort.name in made else None)
    return commits


def list_given_out(told: Sequence[Mapping[str, Any]], log: Sequence[LogRecord]) -> None:
    """The change log from the service is that in the table; later records may be missing."""
    said = [(each["revision"], each["correlation_id"], [key["key"] for key in each["keys"]]) for each in told]
    there = [(each.revision, each.correlation_id, [change.key for change in each.changes]) for each in log]
    assert said, "no change log was given out"
    assert said == there[: len(said)], "the change log that was given out is not the table's"


def _commit(record: LogRecord, efforts: Mapping[str, Effort]) -> Commit:
    name, _, attempt = record.correlation_id.rpartition(".")
    assert name in efforts, f"nobody asked for {record.correlation_id}, which is in the log"
    effort, number = efforts[name], int(attempt)
    status = effort.attempts[number].status
    assert status < 300 or status >= UNKNOWN, f"{record.correlation_id} was refused with {status} and is in the log"
    return Commit(record, effort, number)


def _check_acknowledged(effort: Effort, commit: Commit | None) -> None:
    heard = effort.answered
    if heard is None:
        last = effort.attempts[-1].status
        assert not commit or last >= UNKNOWN or last == HTTPStatus.TOO_MANY_REQUESTS, (
            f"{effort.name} was done, and a repetition was refused with {last}"
        )
        return
    assert commit, f"{effort.name} was acknowledged and is not in the log"
    assert effort.attempts.index(heard) >= commit.attempt, f"{effort.name} was acknowledged before it was done"
    assert heard.body["revision"] == commit.record.revision, f"{effort.name} was acknowledged with another revision"
    told = heard.body.get("results", [heard.body])
    rows = [(each.key, each.version, each.now) for each in commit.record.changes]
    assert [_render_row(each) for each in told] == rows, f"{effort.name} was told {told}, and the log says {rows}"


def _render_row(told: Mapping[str, Any]) -> tuple[str, int | None, int | None]:
    return told["key"], told["version"], told["active"]


def check_monotonic(reader: Sequence[Taken]) -> None:
    """No reader sees a namespace go back."""
    held: dict[str, int] = {}
    for taken in reader:
        before = held.get(taken.namespace, 0)
        assert taken.revision >= before, f"{taken.namespace} went back from {before} to {taken.revision}"
        held[taken.namespace] = taken.revision


def check_whole(taken: Taken) -> None:
    """Both keys of a pair have the same value, or neither exists."""
    for number in range(PAIRS):
        one, other = (taken.values.get(key) for key in pair(number))
        assert one == other, f"{taken.namespace} at {taken.revision} is torn: pair {number} is {one} and {other}"


def _check_linearizable(came: Came, namespace: str, found: recount.StoredNamespace, commits: Sequence[Commit]) -> None:
    """There is one order that real time allows, with every snapshot in it, and it leads to the final table."""
    taken = [each for reader in came.readers for each in reader if each.namespace == namespace]
    for each in taken:
        check_whole(each)
    values = {  # what a write puts is its own name
        (str(change.key), commit.effort.name): change.version
        for commit in commits
        for change in commit.record.changes
        if change.op == "put"
    }
    history = History(
        found.log[0].revision, [_list_written(each) for each in commits], [_list_seen(each, values) for each in taken],
        [refused for where, refused in came.refused if where == namespace],
        [looked for where, looked in came.looked if where == namespace],
    )  # fmt: skip
    replay = linearizability.check(history)
    served = {key: state.active for key, state in found.keys.items() if state.active}
    assert served == replay.active[found.head.served], f"{namespace} is not what its log leads to"
    for (key, number), version in found.versions.items():
        assert values[key, version.entry.value] == number, f"version {number} of {key} holds another value"


def _list_written(commit: Commit) -> Written:
    effort, record = commit.effort, commit.record
    rows: tuple[Row, ...] = tuple((each.key, each.op, each.version, each.now) for each in record.changes)
    end = effort.answered.end if effort.answered else inf
    return Written(effort.attempts[commit.attempt].start, end, record.revision, rows, effort.wish.bases)


def _list_seen(taken: Taken, values: Mapping[tuple[str, str], int | None]) -> Seen:
    """Derives versions from the values. If the reader saw versions as well, they must agree."""
    active: dict[str, int] = {}
    for key, value in taken.values.items():
        version = values.get((key, value))
        if version is None:
            raise NotLinearizable(f"{key} was read as {value}, which nobody put")
        active[key] = version
    assert taken.versions is None or taken.versions == active, f"{taken.namespace} told other versions than it served"
    return Seen(taken.start, taken.end, taken.revision, active)
