"""The promises that every run must keep on any machine: counts only."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from bench.load.counted import DATA_KEYS, HEAD, HEAD_WITH_GRANTS, SNAPSHOT, WRITE
from bench.load.run import Result

_CREATED = 201
_READS = {HEAD, HEAD_WITH_GRANTS, SNAPSHOT, DATA_KEYS}


class Promise(NamedTuple):
    """One promise, what was observed, and whether it was kept."""

    name: str
    seen: str
    held: bool


def promises(result: Result) -> list[Promise]:
    """Every one, of one run."""
    return [
        _errors(result),
        _writes(result),
        _once(result),
        _heads(result),
        _queries(result),
        _promise_nothing_else(result),
    ]


def count_passed_over(result: Result) -> int:
    """Changes that consumers did not see because the next one came before they asked again."""
    return sum(later - earlier - 1 for each in result.seen.consumers for earlier, later in pairwise(each.revisions))


def _errors(result: Result) -> Promise:
    failed, came = sum(result.seen.failures.values()), len(result.seen.consumers)
    served = sum(1 for each in result.seen.consumers if each.revisions)
    return Promise(
        "every consumer is served, and no request fails",
        f"{_polls(result):,} requests of {served:,} consumers, {failed} failed",
        not failed and came == served == result.plan.clients,
    )


def _writes(result: Result) -> Promise:
    refused = sum(1 for each in result.written if each.status != _CREATED)
    return Promise("every write is committed", f"{len(result.written)} writes, {refused} refused", not refused)


def _once(result: Result) -> Promise:
    """A 200 for the first snapshot and one for each newer one; else 304."""
    sent = sum(len(each.revisions) for each in result.seen.consumers)
    again = sum(1 for each in result.seen.consumers for earlier, later in pairwise(each.revisions) if later <= earlier)
    firsts = len(result.seen.consumers)
    return Promise(
        "one snapshot request for each consumer and change",
        f"{firsts:,} first snapshots and {sent - firsts:,} for changes, {again} twice or of an older revision, "
        f"{count_passed_over(result)} changes passed over",
        not again,
    )


def _heads(result: Result) -> Promise:
    """Once more where a write came between HEAD and the Query: at most once for each write and process."""
    read, polls = result.calls[HEAD] + result.calls[HEAD_WITH_GRANTS], _polls(result)
    return Promise(
        "a poll reads HEAD, once",
        f"{read:,} reads of HEAD for {polls:,} polls",
        polls <= read <= polls + _torn(result),
    )


def _queries(result: Result) -> Promise:
    most = result.plan.processes * (result.plan.namespaces + len(result.written))
    queries = result.calls[SNAPSHOT]
    return Promise(
        "a changed snapshot is read once by each warm process, and not by each consumer",
        f"{queries:,} queries, of at most {most:,}",
        result.calls[DATA_KEYS] <= queries <= most + _torn(result),
    )


def _promise_nothing_else(result: Result) -> Promise:
    """The rest is the writer's: a batch and a transaction each."""
    others = sum(many for call, many in result.calls.items() if call not in _READS)
    held = result.calls[WRITE] == len(result.written) and others == 2 * len(result.written)
    return Promise(
        "nothing else is read, and only writes write", f"{others} calls for {len(result.written)} writes", held
    )


def _polls(result: Result) -> int:
    return sum(each.polls for each in result.seen.consumers)


def _torn(result: Result) -> int:
    return result.plan.processes * len(result.written)
