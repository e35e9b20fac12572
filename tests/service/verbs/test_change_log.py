"""The change log as it is read: oldest first, in pages, filtered, and Gone if records were pruned."""

from itertools import pairwise
from json import dumps

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model import limits, names
from configsvc.model.change_set import Delete
from configsvc.model.errors import Forbidden, Gone, InvalidName, InvalidRequest, NotFound
from configsvc.model.names import Key
from configsvc.model.snapshot import compute_cost
from configsvc.service.engine import records
from configsvc.service.engine.ports import Caller, Remove, Write
from configsvc.service.verbs.change_log import LogWanted, list_changes, list_grant_changes
from configsvc.service.verbs.grants import set_grants
from configsvc.service.verbs.keys import destroy_version
from configsvc.service.verbs.lift import lift_namespace
from tests.support.service.world import ADMIN, DEVELOPER, NS, READER, ROLES, STRANGER, World, grant, make_world, text

EVERYTHING = LogWanted()


@pytest.fixture
def world() -> World:
    return make_world()


def read(
    world: World, wanted: LogWanted = EVERYTHING, limit: int = 1000, cursor: str | None = None, who: Caller = READER
) -> tuple[list[dict[str, object]], str | None]:
    page = list_changes(world.ports, who, NS, wanted, limit, cursor)
    found, more = page["changes"], page["cursor"]
    assert isinstance(found, list)
    assert more is None or isinstance(more, str)
    return found, more


def list_revisions(world: World, wanted: LogWanted = EVERYTHING, limit: int = 1000) -> list[object]:
    """Reads all pages and joins them."""
    found, cursor = read(world, wanted, limit)
    while cursor:
        page, cursor = read(world, wanted, limit, cursor)
        found += page
    return [each["revision"] for each in found]


def prune(world: World, *gone: int) -> None:
    partition = records.of_namespace(NS)
    world.repository.commit([Remove(records.log(partition, revision), revision) for revision in gone])


def test_every_revision_has_one_record_of_who_what_and_why(world: World) -> None:
    world.put(text("db.url", "canary-old"))
    world.put(text("db.url", "canary-new"))
    found, cursor = read(world)
    assert ([each["revision"] for each in found], cursor) == ([1, 2, 3, 4], None)
    assert found[3] == {
        "revision": 4, "served_revision": 4, "verb": "change", "subject": "", "details": {},
        "keys": [{"key": "db.url", "op": "put", "version": 2, "was": 1, "now": 2}],
        "message": "why", "at": "2027-01-15T08:00:00.000Z",
        "principal": ROLES + "Developer", "arn": DEVELOPER.arn, "api_key": "api-key:devkey",
        "source_ip": "192.0.2.1", "user_agent": "tests/1", "correlation_id": "c-1",
    }  # fmt: skip
    assert "canary" not in str(found)


def test_a_page_is_one_read_and_one_query(world: World) -> None:
    world.repository.calls.clear()
    read(world)
    assert world.repository.calls == ["get", "query"]


def test_since_omits_earlier_revisions(world: World) -> None:
    world.put(text("a"))
    assert list_revisions(world, LogWanted(since=2)) == [3]
    assert list_revisions(world, LogWanted(since=3)) == []
    assert list_revisions(world, LogWanted(since=99)) == []
    assert list_revisions(world, LogWanted(since=0)) == [1, 2, 3]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 7])
def test_pages_continue_without_overlap_and_end(world: World, limit: int) -> None:
    for number in range(4):
        world.put(text("a", str(number)))
    assert list_revisions(world, EVERYTHING, limit) == [1, 2, 3, 4, 5, 6]
    found, cursor = read(world, EVERYTHING, 6)
    assert (len(found), cursor) == (6, None)


def test_changes_made_during_a_page_are_on_the_next(world: World) -> None:
    world.repository.before_query.append(lambda: world.put(text("a")) and None)
    assert [each["revision"] for each in read(world)[0]] == [1, 2]
    assert list_revisions(world, LogWanted(since=2)) == [3]


def test_the_log_of_a_key_has_every_record_that_names_it(world: World) -> None:
    world.put(text("a"))
    world.put(text("b"))
    world.change(text("a", "2"), text("b", "2"))
    world.change(Delete(names.parse_key("a")))
    destroy_version(world.ports, ADMIN, NS, Key("a"), 1, None)
    assert list_revisions(world, LogWanted(key="a")) == [3, 5, 6, 7]
    assert list_revisions(world, LogWanted(key="a", since=5)) == [6, 7]
    assert list_revisions(world, LogWanted(key="nothing")) == []


def test_the_log_of_a_principal_has_only_its_changes(world: World) -> None:
    world.put(text("a"))
    assert list_revisions(world, LogWanted(principal=ROLES + "Admin")) == [1, 2]
    assert list_revisions(world, LogWanted(principal=ROLES + "Developer")) == [3]


def test_time_filters_are_inclusive_and_exclusive(world: World) -> None:
    for _ in range(3):
        world.clock.pass_by(60)
        world.put(text("a"))
    assert list_revisions(world, LogWanted(after_time="2027-01-15T08:02:00Z")) == [4, 5]
    assert list_revisions(world, LogWanted(before_time="2027-01-15T08:02:00.000Z")) == [1, 2, 3]
    assert list_revisions(world, LogWanted(after_time="2027-01-15T08:01:00Z", before_time="2027-01-15T08:03:00Z")) == [
        3,
        4,
    ]
    assert list_revisions(world, LogWanted(after_time="2027-01-16")) == []
    assert list_revisions(world, LogWanted(before_time="2027-01-16")) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "time",
    ["", "yesterday", "2027-01-15 08:00:00Z", "2027-01-15T08:00:00", "2027-01-15T08:00:00+01:00", "2027-13-01",
     "2027-01-15T24:00:00Z", "2027-01-15T08:00:00.0000Z", "\uff12027-01-15"],
)  # fmt: skip
def test_an_invalid_time_is_refused(world: World, time: str) -> None:
    with pytest.raises(InvalidRequest):
        read(world, LogWanted(after_time=time))
    with pytest.raises(InvalidRequest):
        read(world, LogWanted(before_time=time))


def test_an_invalid_filter_limit_or_cursor_is_refused(world: World) -> None:
    for wanted in (LogWanted(key="a/b"), LogWanted(principal="root")):
        with pytest.raises(InvalidName):
            read(world, wanted)
    for since in (-1, 10**12):
        with pytest.raises(InvalidRequest):
            read(world, LogWanted(since=since))
    for limit in (0, 1001):
        with pytest.raises(InvalidRequest):
            read(world, limit=limit)
    with pytest.raises(InvalidRequest):
        read(world, cursor="MDE")


def test_a_search_reads_bounded_bytes_per_page_and_continues(world: World) -> None:
    many = world.log()[-1]._replace(principal=ROLES + "Many", message="m" * 1000)
    more = [many._replace(revision=number) for number in range(3, 2011)]
    for start in range(0, len(more), 100):
        world.repository.commit([Write(record, None) for record in more[start : start + 100]])
    world.repository.commit([Write(world.head()._replace(revision=2010), 2)])
    found, cursor = read(world, LogWanted(principal=ROLES + "Nobody"))
    assert found == []
    assert cursor is not None
    assert read(world, LogWanted(principal=ROLES + "Nobody"), cursor=cursor) == ([], None)
    left = [each["revision"] for each in read(world, LogWanted(principal=ROLES + "Many"), cursor=cursor)[0]]
    assert 0 < len(left) < 1000
    assert left == [*range(2011 - len(left), 2011)]


def test_a_page_fits_into_an_answer_of_lambda(world: World) -> None:
    large = {"schemas": ['"' * 300_000]}
    more = [world.log()[-1]._replace(revision=number, details=large) for number in range(3, 11)]
    world.repository.commit([Write(record, None) for record in more])
    world.repository.commit([Write(world.head()._replace(revision=10), 2)])
    found, cursor = read(world)
    assert 3 < len(found) < 10
    assert cursor is not None
    assert compute_cost(dumps(found), "utf8") < 5 * limits.MIB
    assert list_revisions(world) == list(range(1, 11))


def test_a_follower_gets_gone_if_changes_were_pruned(world: World) -> None:
    for number in range(4):
        world.put(text("a", str(number)))
    prune(world, 1, 2, 3)
    assert list_revisions(world) == [4, 5, 6]
    assert list_revisions(world, LogWanted(since=3)) == [4, 5, 6]
    for since in (0, 1, 2):
        with pytest.raises(Gone) as refused:
            read(world, LogWanted(since=since))
        assert refused.value.members["oldest"] == 4


def test_a_cursor_to_pruned_records_is_gone(world: World) -> None:
    world.put(text("a"))
    world.put(text("a"))
    _, cursor = read(world, limit=1)
    prune(world, 1, 2, 3)
    with pytest.raises(Gone):
        read(world, limit=1, cursor=cursor)


def test_a_lift_is_no_gap_but_pruning_before_it_is(world: World) -> None:
    for number in range(4):
        world.put(text("a", str(number)))
    lift_namespace(world.ports, ADMIN, NS, 100, None)
    assert list_revisions(world, LogWanted(since=6)) == [101]

    prune(world, 1, 2, 3, 4, 5, 6)
    assert list_revisions(world, LogWanted(since=6)) == [101]
    assert list_revisions(world, LogWanted(since=50)) == [101]
    for since in (0, 3, 5):
        with pytest.raises(Gone) as refused:
            read(world, LogWanted(since=since))
        assert refused.value.members["oldest"] == 101


def test_a_stranger_sees_no_log(world: World) -> None:
    with pytest.raises(NotFound):
        read(world, who=STRANGER)


def test_grants_have_a_separate_change_log(world: World) -> None:
    set_grants(world.ports, ADMIN, "api-key:readerkey", (grant("read", on="x"),), None)
    page = list_grant_changes(world.ports, ADMIN, LogWanted(since=4), 10, None)
    found = page["changes"]
    assert isinstance(found, list)
    assert (page["revision"], page["cursor"]) == (5, None)
    assert [(each["revision"], each["verb"], each["subject"]) for each in found] == [
        (5, "set_grants", "api-key:readerkey")
    ]
    assert found[0]["details"] == {
        "was": [{"actions": ["read"], "namespaces": ["payments.*"]}],
        "now": [{"actions": ["read"], "namespaces": ["x"]}],
    }


def test_only_administrators_of_everything_read_the_grant_log(world: World) -> None:
    for who in (DEVELOPER, READER, STRANGER):
        with pytest.raises(Forbidden):
            list_grant_changes(world.ports, who, EVERYTHING, 10, None)


def test_grants_have_no_keys(world: World) -> None:
    with pytest.raises(InvalidRequest):
        list_grant_changes(world.ports, ADMIN, LogWanted(key="a"), 10, None)


@given(st.integers(1, 9), st.sampled_from([None, "a", "b"]), st.sampled_from([None, 0, 3, 5]))
def test_pages_of_any_limit_have_exactly_the_matching_records(limit: int, key: str | None, since: int | None) -> None:
    world = make_world()
    for number in range(5):
        world.put(text("ab"[number % 2], str(number)))
    asked = LogWanted(since=since, key=key)
    expected = [
        record.revision
        for record in world.log()
        if record.revision > (since or 0) and (key is None or any(change.key == key for change in record.changes))
    ]
    found = list_revisions(world, asked, limit)
    assert found == expected
    assert all(isinstance(one, int) and isinstance(other, int) and one < other for one, other in pairwise(found))
