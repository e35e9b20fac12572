"""Whatever is written: every revision is served again as a plain model has it, and what differs is what differs."""

import json
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from configsvc.adapters.memory import MemoryRepository
from configsvc.model.errors import Gone, Unavailable
from configsvc.model.snapshot import parse
from configsvc.service.engine import records
from configsvc.service.engine.ports import Remove
from configsvc.service.verbs.history import diff_revisions, fetch_revision
from tests.support.service.histories import Step, Told, histories
from tests.support.service.world import NS, READER

Served = dict[str, tuple[int, str]]


def fetched(told: Told, revision: int) -> Served | None:
    """None when it is gone."""
    try:
        body = fetch_revision(told.world.ports, READER, NS, revision, None).body
    except Gone:
        return None
    snapshot = parse(json.loads(body or ""))
    assert [entry.key for entry in snapshot.entries] == sorted(entry.key for entry in snapshot.entries)
    return {entry.key: (entry.version, entry.value) for entry in snapshot.entries}


def modelled(told: Told, revision: int) -> Served | None:
    active = told.revisions[revision]
    if told.destroyed.intersection(active.items()):
        return None
    return {key: (version, told.values[key, version]) for key, version in active.items()}


def prune(told: Told, kept: int) -> None:
    """As upkeep does: the log below `kept`, and every version that no revision left in it serves."""
    needed = {item for active in told.revisions[kept:] for item in active.items()}
    partition = records.of_namespace(NS)
    gone = [Remove(records.log(partition, revision), revision) for revision in range(1, kept)]
    for key, version in told.values.keys() - needed:
        at = records.version(NS, key, version)
        gone.append(Remove(at, told.world.repository.get([at])[at].revision))
    for action in gone:
        told.world.repository.commit([action])


@given(histories)
def test_every_revision_is_served_as_in_the_model(history: list[list[Step]]) -> None:
    told = Told().write(history)
    found = [fetched(told, revision) for revision in range(1, told.revision + 1)]
    assert found == [modelled(told, revision) for revision in range(1, told.revision + 1)]


@given(histories, st.data())
def test_pruning_takes_nothing_from_the_remaining_revisions(history: list[list[Step]], data: st.DataObject) -> None:
    told = Told().write(history)
    kept = data.draw(st.integers(1, told.revision))
    prune(told, kept)
    for revision in range(1, told.revision + 1):
        gone = revision < min(kept, told.world.head().served)
        assert fetched(told, revision) == (None if gone else modelled(told, revision))


@settings(max_examples=40)
@given(histories, st.data())
def test_a_diff_names_the_keys_whose_versions_differ(history: list[list[Step]], data: st.DataObject) -> None:
    told = Told().write(history)
    first, last = (data.draw(st.integers(1, told.revision)) for _ in range(2))
    was, now = told.revisions[first], told.revisions[last]
    found = diff_revisions(told.world.ports, READER, NS, first, last, 1000, None)["differences"]
    assert isinstance(found, list)
    sides = [(each["key"], *(side and side["version"] for side in (each["was"], each["now"]))) for each in found]
    keys = sorted({*was, *now})
    assert sides == [(key, was.get(key), now.get(key)) for key in keys if was.get(key) != now.get(key)]


@settings(max_examples=200)
@given(histories, histories, st.data())
def test_writes_in_the_gaps_between_reads_never_mix_into_a_revision(
    history: list[list[Step]], meanwhile: list[list[Step]], data: st.DataObject
) -> None:
    """A revision is as it was, or gone because what it served was destroyed just now, or not to be had under writes."""
    pending = iter(meanwhile)
    gaps = set(data.draw(st.lists(st.integers(0, 30), max_size=4)))
    passed, reading = count(), False

    def between() -> None:
        nonlocal reading
        if reading and next(passed) in gaps:
            reading = False
            told.write([change_set for change_set in [next(pending, None)] if change_set])
            reading = True

    told = Told(MemoryRepository(between)).write(history)
    revision = data.draw(st.integers(1, told.revision))
    reading = True
    try:
        found = fetched(told, revision)
    except Unavailable:
        return
    reading = False
    expected = {key: (version, told.values[key, version]) for key, version in told.revisions[revision].items()}
    assert found == expected or (found is None and modelled(told, revision) is None)
