"""Data keys: rewrapped in place, retired when nothing needs them, and never lost."""

import json

import pytest

from configsvc.model import limits, names
from configsvc.model.change_set import Activate, Delete
from configsvc.model.errors import AlreadyExists, Conflict, Forbidden, InvalidEnvelope, NotFound, TooLarge
from configsvc.model.snapshot import DataKey, compute_cost
from configsvc.service.engine.ports import WriteOutcome
from configsvc.service.engine.tally import compute_snapshot_cost
from configsvc.service.verbs.data_keys import add_data_key, list_data_keys, retire_data_key, rewrap_data_key
from configsvc.service.verbs.history import fetch_revision
from tests.support.service.sealed import KMS_KEY, data_key, kid
from tests.support.service.world import (
    ADMIN,
    DEVELOPER,
    NS,
    READER,
    STRANGER,
    World,
    make_retry_key,
    make_world,
    sealed,
    text,
)

OTHER = KMS_KEY.replace("eu-central-1", "eu-west-1")


@pytest.fixture
def world() -> World:
    return make_world()


def make_rewrapped(number: int = 0) -> DataKey:
    return DataKey(kid(number), OTHER, "AAAA" * 50)


def rewrap(world: World, wanted: DataKey) -> WriteOutcome:
    return rewrap_data_key(world.ports, ADMIN, NS, wanted, None)


def retire(world: World, number: int = 0) -> WriteOutcome:
    return retire_data_key(world.ports, ADMIN, NS, kid(number), None)


def read_keyring(world: World) -> dict[object, dict[str, object]]:
    listed = list_data_keys(world.ports, READER, NS)["data_keys"]
    assert isinstance(listed, list)
    return {each["kid"]: each for each in listed}


def read_served_data_keys(world: World) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(world.fetch().body or "")["data_keys"]
    return found


def test_readers_who_need_the_key_get_the_new_wrapping(world: World) -> None:
    world.put(sealed("a", 1))
    held = world.fetch()
    outcome = rewrap(world, make_rewrapped())
    assert (outcome.status, outcome.etag) == (200, '"4"')
    assert outcome.body == {"namespace": NS, "kid": kid(), "state": "live", "revision": 4}
    fetched = world.fetch(held.etag)
    assert fetched.status == 200
    assert read_served_data_keys(world) == [make_rewrapped()._asdict()]
    assert compute_snapshot_cost(world.head(), "utf8") == compute_cost(fetched.body or "", "utf8")


def test_readers_who_do_not_need_the_key_get_304(world: World) -> None:
    world.put(text("a"))
    held = world.fetch()
    rewrap(world, make_rewrapped())
    assert world.fetch(held.etag).status == 304
    assert world.head().revision == 4


def test_the_replaced_wrapping_stays_in_the_log(world: World) -> None:
    rewrap(world, make_rewrapped())
    record = world.log()[-1]
    assert (record.verb, record.subject) == ("rewrap_data_key", kid())
    assert record.details == {"was": data_key()._asdict(), "now": make_rewrapped()._asdict()}


def test_the_same_wrapping_again_writes_nothing(world: World) -> None:
    first = rewrap(world, make_rewrapped())
    before = world.stored()
    assert rewrap(world, make_rewrapped()) == first
    assert world.stored() == before


def test_the_counts_of_a_data_key_survive_a_rewrap(world: World) -> None:
    world.put(sealed("a", 1))
    rewrap(world, make_rewrapped())
    world.put(sealed("b", 1))
    assert (read_keyring(world)[kid()]["seals"], read_keyring(world)[kid()]["served"]) == (2, 2)


def test_a_wrapping_that_exceeds_the_snapshot_limit_is_refused(world: World) -> None:
    world.put(sealed("a", 1))
    world.set(snapshot_bytes=compute_snapshot_cost(world.head(), "utf8") + 10)
    before = world.stored()
    with pytest.raises(TooLarge):
        rewrap(world, data_key()._replace(wrapped="A" * limits.WRAPPED_DATA_KEY))
    assert world.stored() == before


def test_a_snapshot_never_mixes_a_wrapping_with_another_revision(world: World) -> None:
    """The keys are read as one revision left them, then the data key is rewrapped before it is read."""
    world.put(sealed("a", 1))
    world.repository.before_query.append(lambda: rewrap(world, make_rewrapped()))
    body = json.loads(world.fetch().body or "")
    assert (body["revision"], body["data_keys"]) == (4, [make_rewrapped()._asdict()])


def test_a_retired_data_key_seals_nothing_and_activates_nothing(world: World) -> None:
    world.put(sealed("a", 1, number=0))
    world.put(text("a", declassify=False, form="kms", value="AAAA"))
    outcome = retire(world)
    assert outcome.body == {"namespace": NS, "kid": kid(), "state": "retired", "revision": 5}
    with pytest.raises(InvalidEnvelope):
        world.put(sealed("b", 1))
    with pytest.raises(Conflict, match="retired") as refused:
        world.change(Activate(names.parse_key("a"), 1))
    assert refused.value.members == {"key": "a", "version": 1, "kid": kid()}
    with pytest.raises(Conflict, match="retired"):
        rewrap(world, make_rewrapped())
    with pytest.raises(AlreadyExists):
        add_data_key(world.ports, ADMIN, NS, data_key(), None)


def test_a_data_key_that_entries_need_is_not_retired(world: World) -> None:
    world.put(sealed("a", 1))
    before = world.stored()
    with pytest.raises(Conflict) as refused:
        retire(world)
    assert refused.value.members == {"kid": kid(), "served": 1}
    assert world.stored() == before
    world.change(Delete(names.parse_key("a")))
    assert retire(world).status == 200


def test_a_value_sealed_during_the_retirement_keeps_the_data_key(world: World) -> None:
    world.repository.before_commit.append(lambda: world.put(sealed("a", 1)))
    with pytest.raises(Conflict):
        retire(world)
    assert read_keyring(world)[kid()]["state"] == "live"


def test_retiring_changes_nothing_for_readers_and_makes_room(world: World) -> None:
    held = world.fetch()
    retire(world)
    assert world.fetch(held.etag).status == 304
    assert kid() not in world.head().kids


def test_retiring_again_gets_the_first_revision_and_writes_nothing(world: World) -> None:
    first = retire(world)
    before = world.stored()
    assert retire(world) == first
    assert world.stored() == before


def test_a_retired_data_key_still_opens_earlier_revisions(world: World) -> None:
    world.put(sealed("a", 1))
    world.change(Delete(names.parse_key("a")))
    retire(world)
    body = json.loads(fetch_revision(world.ports, READER, NS, 3, None).body or "")
    assert body["data_keys"] == [data_key()._asdict()]


def test_the_keyring_counts_seals_and_served_entries_of_each_key(world: World) -> None:
    add_data_key(world.ports, ADMIN, NS, data_key(1), None)
    world.put(sealed("a", 1))
    world.put(sealed("b", 1, number=1))
    world.put(sealed("b", 2, number=1))
    counts = {each: (found["state"], found["seals"], found["served"]) for each, found in read_keyring(world).items()}
    assert counts == {kid(): ("live", 1, 1), kid(1): ("live", 2, 1)}


def test_an_absent_data_key_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        rewrap(world, make_rewrapped(7))
    with pytest.raises(NotFound):
        retire(world, 7)


def test_only_an_admin_touches_the_keyring(world: World) -> None:
    for caller, refusal in ((DEVELOPER, Forbidden), (STRANGER, NotFound)):
        with pytest.raises(refusal):
            rewrap_data_key(world.ports, caller, NS, make_rewrapped(), None)
        with pytest.raises(refusal):
            retire_data_key(world.ports, caller, NS, kid(), None)


def test_a_lost_answer_is_given_again(world: World) -> None:
    first = retire_data_key(world.ports, ADMIN, NS, kid(), make_retry_key("k"))
    assert retire_data_key(world.ports, ADMIN, NS, kid(), make_retry_key("k")) == first
    assert rewrap_data_key(world.ports, ADMIN, NS, data_key(), make_retry_key("k")) == first


def test_each_costs_one_read_and_one_transaction(world: World) -> None:
    rewrap(world, make_rewrapped())
    retire(world)
    assert world.repository.calls == ["get", "commit"] * 2


def test_the_newest_data_key_is_the_last_added_on_any_clock(world: World) -> None:
    world.clock.pass_by(-3600)
    add_data_key(world.ports, ADMIN, NS, data_key(1), None)
    world.clock.pass_by(7200)
    rewrap(world, make_rewrapped())
    listed = list_data_keys(world.ports, READER, NS)["data_keys"]
    assert isinstance(listed, list)
    assert [(each["kid"], each["revision"]) for each in listed] == [(kid(1), 3), (kid(), 2)]
