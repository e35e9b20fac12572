"""Runs upkeep in every namespace, and collects what is due in each. A namespace that fails stops no other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from configsvc.model.errors import ConfigsvcError, Conflict, Contended, Internal, NotFound, Throttled, Unavailable
from configsvc.model.grants import UPKEEP
from configsvc.model.names import Namespace
from configsvc.service.engine import records
from configsvc.service.engine.ports import Announcer, Caller, ServicePorts
from configsvc.service.engine.records import Listed
from configsvc.service.verbs.due import Due, DueDataKey, DueDays, find_due, group_by_day
from configsvc.service.verbs.upkeep import run_upkeep

CALL_SECONDS = 30.0
"""Seconds for one call of a verb: more than any takes, and less than the reserve at the end of a run."""

SLICE_SECONDS = 60.0
"""Seconds after which a namespace that is not done lets all others go first. If the rest of the run has less for each
namespace, that much: a few with a backlog must not take a whole run while the others wait for days."""

MOST_IDLE = 20
"""Calls in a row that neither removed anything nor got further. A key that is written to all the time is skipped, and
upkeep then starts over: at some point that is left to the next day."""

MOST_REFUSED = 3
"""Calls in a row for a namespace, or for the listing, that the store or concurrent writes may refuse. All other
namespaces have a turn in between."""

REST_SECONDS = 2.0
"""Seconds of rest after a refusal: the calls have waited out what lasts less, and others may need the table more."""


class UpkeepRun(NamedTuple):
    """Everything that a run may use.

    Args:
        within: returns the ports for a call that must end within so many seconds.
        announcer: sends what is due.
        left: returns the seconds in which new work may begin; zero or less ends the run.
        days: decide what is due.
        caller: who appears in the change log.
        note_fault: called with each error of a namespace.
    """

    within: Callable[[float], ServicePorts]
    announcer: Announcer
    left: Callable[[], float]
    days: DueDays
    caller: Caller
    note_fault: Callable[[Namespace | None, Exception], None]

    def ports(self) -> ServicePorts:
        """Returns the ports for the next call."""
        return self.within(CALL_SECONDS)


class DueDay(NamedTuple):
    """How many keys of a namespace are due by a day, and the first of them."""

    namespace: Namespace
    rotate_by: str
    first: str
    number: int


@dataclass
class UpkeepTally:
    """The findings and removals of a run. `failed` has a code for each namespace; None means the listing of them."""

    namespaces: int = 0
    left: int = 0
    skipped: int = 0
    log_pruned: int = 0
    keys_purged: int = 0
    versions_pruned: int = 0
    rotation_due: int = 0
    rotation_overdue: int = 0
    failed: dict[Namespace | None, str] = field(default_factory=dict)
    days: list[DueDay] = field(default_factory=list)
    data_keys: list[DueDataKey] = field(default_factory=list)

    @property
    def failures(self) -> int:
        """Namespaces that failed, or that no time was left for."""
        return len(self.failed) + self.left


class UpkeepJob(NamedTuple):
    """A namespace whose upkeep is under way: where it continues, its idle calls, its refused calls."""

    namespace: Namespace
    cursor: str | None = None
    idle: int = 0
    refused: int = 0
    done: bool = False


def make_caller(correlation_id: str) -> Caller:
    """Returns the caller `system:upkeep`, for ports whose cache of grants knows it."""
    return Caller(None, UPKEEP, "", "", "configsvc-upkeep", correlation_id)


def run_upkeep_everywhere(run: UpkeepRun) -> UpkeepTally:
    """Reports what is due in every live namespace, then runs upkeep in each until it is done or time runs out.

    What is due comes first, so that no backlog of upkeep delays a report. The order of namespaces begins at a random
    one, so that a run that ends early does not always leave the same ones. Deleted namespaces have no settings: nothing
    of theirs is due, and nothing is removed.
    """
    tally = UpkeepTally()
    names = _list_namespaces(run, tally)
    tally.namespaces = len(names)
    unfinished = {*_give_turns(run, tally, names, _report), *_give_turns(run, tally, names, _prune)}
    tally.left = len(unfinished - tally.failed.keys())
    return tally


def _list_namespaces(run: UpkeepRun, tally: UpkeepTally) -> list[Namespace]:
    """Lists all live namespaces; those before a broken record, if there is one."""
    names = list[Namespace]()
    with _noting(run, tally, None):
        refused = 0
        while not _read_listing(run, names, last=refused + 1 >= MOST_REFUSED):
            refused += 1
    start = int(run.ports().chance.uniform(len(names)))
    return [*names[start:], *names[:start]]


def _read_listing(run: UpkeepRun, names: list[Namespace], *, last: bool) -> bool:
    """Fills in the names; returns whether the store let it read them all.

    Raises:
        ConfigsvcError: it did not, and this was the last attempt.
    """
    names.clear()
    try:
        for each in run.ports().repository.query(records.NAMESPACES, ""):
            if isinstance(each, Listed):
                names.append(each.namespace)  # noqa: PERF401  # what was read is kept if the reading fails
    except (Throttled, Unavailable):
        if last:
            raise
        _rest(run)
        return False
    return True


def _rest(run: UpkeepRun) -> None:
    run.ports().clock.sleep(max(0.0, min(REST_SECONDS, run.left())))


@contextmanager
def _noting(run: UpkeepRun, tally: UpkeepTally, namespace: Namespace | None) -> Iterator[None]:
    """Notes an error of the block as the namespace's, unless it has one already."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  # whatever one namespace has, the others go on
        if namespace is not None and _is_gone(run, namespace, error):
            return
        tally.failed.setdefault(namespace, error.code if isinstance(error, ConfigsvcError) else Internal.code)
        run.note_fault(namespace, error)


def _is_gone(run: UpkeepRun, namespace: Namespace, error: Exception) -> bool:
    """Whether the namespace was deleted since it was listed, so that nothing is to be done."""
    if not isinstance(error, NotFound):
        return False
    try:
        return not run.ports().repository.get([records.address_of_listed(namespace)])
    except Exception:  # noqa: BLE001  # then it is not known, and the first error counts
        return False


Turn = Callable[[UpkeepRun, UpkeepTally, UpkeepJob, float], UpkeepJob]
"""Works on a namespace for at most so many seconds, and returns the job as it then is."""


def _give_turns(run: UpkeepRun, tally: UpkeepTally, names: Sequence[Namespace], turn: Turn) -> list[Namespace]:
    """Gives each namespace turns until it is done; returns those that are not when time runs out."""
    waiting = deque(UpkeepJob(each) for each in names)
    while waiting and (left := run.left()) > 0:
        share = min(SLICE_SECONDS, left / len(waiting))
        job = waiting.popleft()
        with _noting(run, tally, job.namespace):
            after = turn(run, tally, job, share)
            if not after.done:
                waiting.append(after)
    return [each.namespace for each in waiting]


def _report(run: UpkeepRun, tally: UpkeepTally, job: UpkeepJob, _: float) -> UpkeepJob:
    """Reports what is due in the namespace. Events are not sent again: the announcer has tried for long enough.

    Raises:
        ConfigsvcError: it fails, or was refused too often.
    """
    try:
        due = find_due(run.ports(), run.caller, job.namespace, run.days)
    except (Throttled, Unavailable):
        if job.refused + 1 >= MOST_REFUSED:
            raise
        return _postpone(run, job)
    _count_due(tally, job.namespace, due)
    if due.keys:
        run.announcer.announce(group_by_day(job.namespace, due))
    return job._replace(done=True)


def _postpone(run: UpkeepRun, job: UpkeepJob) -> UpkeepJob:
    _rest(run)
    return job._replace(refused=job.refused + 1)


def _count_due(tally: UpkeepTally, namespace: Namespace, due: Due) -> None:
    tally.rotation_due += len(due.keys)
    tally.rotation_overdue += sum(each.overdue for each in due.keys)
    tally.data_keys += due.data_keys
    tally.days += [
        DueDay(namespace, each.rotate_by, each.keys[0], len(each.keys)) for each in group_by_day(namespace, due)
    ]


def _prune(run: UpkeepRun, tally: UpkeepTally, job: UpkeepJob, share: float) -> UpkeepJob:
    """Calls upkeep until it is done or the turn is over.

    Raises:
        ConfigsvcError: it fails, or was refused too often.
    """
    end = max(0.0, run.left() - share)
    try:
        job = _take_step(run, tally, job)
        while not job.done and run.left() > end:
            job = _take_step(run, tally, job)
    except (Throttled, Unavailable):
        if job.refused + 1 >= MOST_REFUSED:
            raise
        return _postpone(run, job)
    except Conflict:  # read-only
        tally.skipped += 1
        return job._replace(done=True)
    return job


def _take_step(run: UpkeepRun, tally: UpkeepTally, job: UpkeepJob) -> UpkeepJob:
    answer = run_upkeep(run.ports(), run.caller, job.namespace, job.cursor)
    counts = [_get_number(answer[name]) for name in ("log_pruned", "keys_purged", "versions_pruned")]
    tally.log_pruned += counts[0]
    tally.keys_purged += counts[1]
    tally.versions_pruned += counts[2]
    cursor = answer["cursor"]
    return advance(job, cursor if isinstance(cursor, str) else None, sum(counts), done=answer["done"] is True)


def advance(job: UpkeepJob, cursor: str | None, removed: int, *, done: bool) -> UpkeepJob:
    """Returns the job after a call.

    Raises:
        Contended: too many calls in a row achieved nothing.
    """
    idle = 0 if removed or (cursor is not None and cursor != job.cursor) else job.idle + 1
    if idle >= MOST_IDLE and not done:
        raise Contended(f"Upkeep of {job.namespace} gets no further: its keys are written to all the time.")
    return job._replace(cursor=cursor, idle=idle, refused=job.refused if idle else 0, done=done)


def _get_number(found: object) -> int:
    return found if isinstance(found, int) else 0
