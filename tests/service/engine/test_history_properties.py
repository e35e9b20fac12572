"""Whatever is written, every revision is served as a plain model has it, and diffs are right."""

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
from tests.support.service.histories import ModelledWorld, Step, histories
from tests.support.service.world import NS, READER

Served = dict[str, tuple[int, str]]


def fetch_entries(model: ModelledWorld, revision: int) -> Served | None:
    """Returns the entries of a revision, or None if it is gone."""
    try:
        body = fetch_revision(model.world.ports, READER, NS, revision, None).body
    except Gone:
        return None
    snapshot = parse(json.loads(body or ""))
    assert [entry.key for entry in snapshot.entries] == sorted(entry.key for entry in snapshot.entries)
    return {entry.key: (entry.version, entry.value) for entry in snapshot.entries}


def model_entries(model: ModelledWorld, revision: int) -> Served | None:
    active = model.revisions[revision]
    if model.destroyed.intersection(active.items()):
        return None
    return {key: (version, model.values[key, version]) for key, version in active.items()}


def prune(model: ModelledWorld, kept: int) -> None:
    """Prunes as upkeep does: the log below `kept`, and every version that no remaining revision serves."""
    needed = {item for active in model.revisions[kept:] for item in active.items()}
    partition = records.of_namespace(NS)
    gone = [Remove(records.log(partition, revision), revision) for revision in range(1, kept)]
    for key, version in model.values.keys() - needed:
        at = records.version(NS, key, version)
        gone.append(Remove(at, model.world.repository.get([at])[at].revision))
    for action in gone:
        model.world.repository.commit([action])


@given(histories)
def test_every_revision_is_served_as_in_the_model(history: list[list[Step]]) -> None:
    model = ModelledWorld().write(history)
    found = [fetch_entries(model, revision) for revision in range(1, model.revision + 1)]
    assert found == [model_entries(model, revision) for revision in range(1, model.revision + 1)]


@given(histories, st.data())
def test_pruning_takes_nothing_from_the_remaining_revisions(history: list[list[Step]], data: st.DataObject) -> None:
    model = ModelledWorld().write(history)
    kept = data.draw(st.integers(1, model.revision))
    prune(model, kept)
    for revision in range(1, model.revision + 1):
        gone = revision < min(kept, model.world.head().served)
        assert fetch_entries(model, revision) == (None if gone else model_entries(model, revision))


@settings(max_examples=40)
@given(histories, st.data())
def test_a_diff_names_the_keys_whose_versions_differ(history: list[list[Step]], data: st.DataObject) -> None:
    model = ModelledWorld().write(history)
    first, last = (data.draw(st.integers(1, model.revision)) for _ in range(2))
    was, now = model.revisions[first], model.revisions[last]
    found = diff_revisions(model.world.ports, READER, NS, first, last, 1000, None)["differences"]
    assert isinstance(found, list)
    sides = [(each["key"], *(side and side["version"] for side in (each["was"], each["now"]))) for each in found]
    keys = sorted({*was, *now})
    assert sides == [(key, was.get(key), now.get(key)) for key in keys if was.get(key) != now.get(key)]


@settings(max_examples=200)
@given(histories, histories, st.data())
def test_writes_in_the_gaps_between_reads_never_mix_into_a_revision(
    history: list[list[Step]], interruptions: list[list[Step]], data: st.DataObject
) -> None:
    """A revision is unchanged, or gone because its value was just destroyed, or not available during writes."""
    pending = iter(interruptions)
    gaps = set(data.draw(st.lists(st.integers(0, 30), max_size=4)))
    passed, reading = count(), False

    def between() -> None:
        nonlocal reading
        if reading and next(passed) in gaps:
            reading = False
            model.write([change_set for change_set in [next(pending, None)] if change_set])
            reading = True

    model = ModelledWorld(MemoryRepository(between)).write(history)
    revision = data.draw(st.integers(1, model.revision))
    reading = True
    try:
        found = fetch_entries(model, revision)
    except Unavailable:
        return
    reading = False
    expected = {key: (version, model.values[key, version]) for key, version in model.revisions[revision].items()}
    assert found == expected or (found is None and model_entries(model, revision) is None)
