"""Decides by the plain model what upkeep may remove, and removes what is gone."""

from dataclasses import replace
from itertools import takewhile

from configsvc.service.engine.ports import Caller
from configsvc.service.engine.records import LogRecord, RetentionSettings
from tests.support.machines import recount
from tests.support.machines.predict import ADMINISTRATOR, may
from tests.support.machines.worlds import DAY, LoggedWrite, Refusal, Space, World


def predict_refusal(world: World, who: Caller, ns: str) -> Refusal | None:
    """Returns why upkeep is refused there, or None."""
    live = world.space(ns).live
    if not (may(world, who.principal, "admin", ns) or who.principal == ADMINISTRATOR):
        known = may(world, who.api_key, "read", ns) or may(world, who.principal, "read", ns)
        return Refusal("forbidden" if live and known else "not_found")
    if not live:
        return Refusal("not_found")
    return Refusal("conflict") if world.space(ns).settings.read_only else None


def list_outdated(space: Space, now: float) -> list[int]:
    """Returns the beginning of the log that retention does not keep, oldest first."""
    days = (space.settings.retention or RetentionSettings()).log_days
    if days is None:
        return []
    log = (revision for revision in sorted(space.log) if revision < space.revision)
    return list(takewhile(lambda revision: space.log[revision].at < now - days * DAY, log))


def list_surplus(space: Space) -> set[tuple[str, int]]:
    """Returns versions beyond those kept that no revision in the log served."""
    kept = (space.settings.retention or RetentionSettings()).versions
    if kept is None:
        return set()
    needed = {item for revision in space.log for item in space.past[revision].items()}
    return {
        (key, version)
        for key, known in space.keys.items()
        for version in sorted(known.versions)[: max(0, len(known.versions) - kept)]
        if (key, version) not in needed and version != known.active
    }


def list_due(space: Space, now: float) -> set[str]:
    """Returns keys that were deleted longer ago than deleted keys are kept."""
    days = (space.settings.retention or RetentionSettings()).deleted_days
    if days is None:
        return set()
    return {key for key, known in space.keys.items() if known.deleted and known.deleted_at < now - days * DAY}


def _apply_purge(space: Space, record: LogRecord, now: float) -> Space:
    """Returns the namespace after a write that purged keys. Raises AssertionError if upkeep may not do that."""
    assert (record.verb, record.revision, record.served) == ("purge", space.revision + 1, space.served)
    gone = {change.key: space.keys[change.key] for change in record.changes}
    assert gone
    assert set(gone) <= list_due(space, now), "upkeep purged keys that are kept"
    rows = tuple((key, "purge", known.latest, None, None) for key, known in gone.items())
    logged = LoggedWrite(space.served, "purge", "", rows, record.principal, now)
    return replace(
        space, revision=record.revision, floor=max(space.floor, *(known.latest for known in gone.values())),
        keys={key: known for key, known in space.keys.items() if key not in gone},
        log={**space.log, record.revision: logged}, past={**space.past, record.revision: space.active},
    )  # fmt: skip


def follow_upkeep(space: Space, found: recount.StoredNamespace, now: float) -> Space:
    """Returns the namespace without what is gone. Raises AssertionError if any of it had to stay."""
    ripe = list_due(space, now)
    for record in found.log:
        if record.revision > space.revision:
            space = _apply_purge(space, record, now)
    gone = sorted(set(space.log) - {record.revision for record in found.log})
    assert gone == list_outdated(space, now)[: len(gone)], "upkeep removed log records that are kept"
    kept = {revision: each for revision, each in space.log.items() if revision not in gone}
    space = replace(space, log=kept, past={revision: space.past[revision] for revision in kept})
    lost = {(key, number) for key, known in space.keys.items() for number in known.versions} - set(found.versions)
    assert {each for each in lost if each[0] not in ripe} <= list_surplus(space), (
        "upkeep removed versions that are needed"
    )
    keys = {
        key: known._replace(versions={n: value for n, value in known.versions.items() if (key, n) not in lost})
        for key, known in space.keys.items()
    }
    return replace(space, keys=keys)
