"""Grants: set as a whole, listed and deleted, each time with a record in a separate change log."""

from collections.abc import Iterator
from json import dumps

import pytest

from configsvc.model import limits
from configsvc.model.errors import InvalidName, NotFound, PreconditionFailed, TooLarge
from configsvc.model.grants import UPKEEP, Grant
from configsvc.model.snapshot import compute_cost
from configsvc.service.engine import records
from configsvc.service.verbs.grants import ExpectedGrants, delete_grants, get_grants, set_grants
from tests.support.service.world import ADMIN, ROLES, World, grant, make_retry_key

ALICE = "api-key:alice"


@pytest.fixture
def world() -> World:
    return World()


def test_grants_are_replaced_as_a_whole(world: World) -> None:
    set_grants(world.ports, ADMIN, ALICE, (grant("read"), grant("read", on="shared")), None)
    outcome = set_grants(world.ports, ADMIN, ALICE, (grant("read", on="shared"),), None)
    assert outcome.status == 200
    assert outcome.body == get_grants(world.ports, ADMIN, ALICE, 10, None) == {
        "principal": ALICE, "grants": [{"actions": ["read"], "namespaces": ["shared"]}], "revision": 2,
    }  # fmt: skip


def test_deleted_grants_are_gone_and_may_be_set_again(world: World) -> None:
    set_grants(world.ports, ADMIN, ALICE, (grant("read"),), None)
    outcome = delete_grants(world.ports, ADMIN, ALICE, None)
    assert (outcome.status, outcome.body) == (204, {})
    with pytest.raises(NotFound):
        get_grants(world.ports, ADMIN, ALICE, 10, None)
    with pytest.raises(NotFound):
        delete_grants(world.ports, ADMIN, ALICE, None)
    assert set_grants(world.ports, ADMIN, ALICE, (grant("read"),), None).body["revision"] == 3


def test_all_grants_are_listed_page_by_page(world: World) -> None:
    for name in ("api-key:a", "api-key:b", ROLES + "C"):
        set_grants(world.ports, ADMIN, name, (grant("read"),), None)
    first = get_grants(world.ports, ADMIN, None, 2, None)
    assert isinstance(first["grants"], list)
    assert [each["principal"] for each in first["grants"]] == ["api-key:a", "api-key:b"]
    assert isinstance(first["cursor"], str)
    rest = get_grants(world.ports, ADMIN, None, 2, first["cursor"])
    assert isinstance(rest["grants"], list)
    assert [each["principal"] for each in rest["grants"]] == [ROLES + "C"]
    assert rest["cursor"] is None


def read_every_page(world: World) -> Iterator[list[dict[str, object]]]:
    cursor: str | None = ""
    while cursor is not None:
        page = get_grants(world.ports, ADMIN, None, 1000, cursor or None)
        found, more = page["grants"], page["cursor"]
        assert isinstance(found, list)
        assert more is None or isinstance(more, str)
        yield found
        cursor = more


def test_a_page_of_grants_fits_into_an_answer_of_lambda(world: World) -> None:
    many = tuple(f"{number:03d}{'x' * 57}.*" for number in range(limits.GRANT_PATTERNS))
    names = [f"api-key:{number:03d}" for number in range(80)]
    for name in names:
        set_grants(world.ports, ADMIN, name, (Grant(("read",), many),), None)

    pages = list(read_every_page(world))
    assert all(compute_cost(dumps(page), "utf8") < 4 * limits.MIB for page in pages)
    assert [each["principal"] for page in pages for each in page] == names


def test_the_log_of_grants_has_old_and_new_grants(world: World) -> None:
    set_grants(world.ports, ADMIN, ALICE, (grant("read"),), None)
    delete_grants(world.ports, ADMIN, ALICE, None)
    log = world.log(records.GRANTS)
    was = [{"actions": ["read"], "namespaces": ["payments.*"]}]
    assert [(each.revision, each.verb, each.subject) for each in log] == [
        (1, "set_grants", ALICE), (2, "delete_grants", ALICE),
    ]  # fmt: skip
    assert [each.details for each in log] == [{"was": [], "now": was}, {"was": was, "now": []}]
    assert log[0].principal == ROLES + "Admin"


def test_grants_set_at_the_same_time_are_all_kept(world: World) -> None:
    world.repository.before_commit.append(
        lambda: ignore(set_grants(world.ports, ADMIN, "api-key:bob", (grant("read"),), None))
    )
    assert set_grants(world.ports, ADMIN, ALICE, (grant("read"),), None).body["revision"] == 2
    assert get_grants(world.ports, ADMIN, "api-key:bob", 10, None)["revision"] == 1


def test_grants_are_set_only_if_unchanged_since_read(world: World) -> None:
    set_grants(world.ports, ADMIN, ALICE, (grant("read"),), None, ExpectedGrants(none=True))
    set_grants(world.ports, ADMIN, ALICE, (grant("write"),), None, ExpectedGrants(if_match=1))
    before = world.stored()
    for expected in (ExpectedGrants(if_match=1), ExpectedGrants(if_match=3), ExpectedGrants(none=True)):
        with pytest.raises(PreconditionFailed) as refused:
            set_grants(world.ports, ADMIN, ALICE, (grant("read"),), None, expected)
        assert refused.value.members["revision"] == 2
    with pytest.raises(PreconditionFailed):
        set_grants(world.ports, ADMIN, "api-key:bob", (grant("read"),), None, ExpectedGrants(if_match=2))
    with pytest.raises(PreconditionFailed):
        delete_grants(world.ports, ADMIN, ALICE, None, ExpectedGrants(if_match=1))
    assert world.stored() == before
    assert delete_grants(world.ports, ADMIN, ALICE, None, ExpectedGrants(if_match=2)).status == 204


def test_a_grants_precondition_is_checked_again_after_a_lost_race(world: World) -> None:
    set_grants(world.ports, ADMIN, ALICE, (grant("read"),), None)
    world.repository.before_commit.append(
        lambda: ignore(set_grants(world.ports, ADMIN, ALICE, (grant("admin"),), None))
    )
    with pytest.raises(PreconditionFailed):
        set_grants(world.ports, ADMIN, ALICE, (grant("write"),), None, ExpectedGrants(if_match=1))
    assert get_grants(world.ports, ADMIN, ALICE, 10, None)["revision"] == 2


def test_a_repeated_request_gets_its_first_answer(world: World) -> None:
    first = set_grants(world.ports, ADMIN, ALICE, (grant("read"),), make_retry_key("k1"))
    assert set_grants(world.ports, ADMIN, ALICE, (grant("read"),), make_retry_key("k1")) == first
    delete_grants(world.ports, ADMIN, ALICE, make_retry_key("k2"))
    assert delete_grants(world.ports, ADMIN, ALICE, make_retry_key("k2")).status == 204


@pytest.mark.parametrize(
    "principal",
    ["", "alice", "api-key:", "arn:aws:iam::123456789012:role/path/Name", "arn:aws:sts::123456789012:assumed-role/A/s"],
)
def test_an_invalid_principal_is_refused(world: World, principal: str) -> None:
    with pytest.raises(InvalidName):
        set_grants(world.ports, ADMIN, principal, (grant("read"),), None)


def test_an_invalid_pattern_is_refused(world: World) -> None:
    with pytest.raises(InvalidName):
        set_grants(world.ports, ADMIN, ALICE, (grant("read", on="pay*"),), None)


def test_grants_of_one_principal_have_a_limit(world: World) -> None:
    with pytest.raises(TooLarge):
        set_grants(world.ports, ADMIN, ALICE, (grant("read"),) * (limits.GRANTS + 1), None)
    many = Grant(("read",), tuple(f"n{number}" for number in range(limits.GRANT_PATTERNS + 1)))
    with pytest.raises(TooLarge):
        set_grants(world.ports, ADMIN, ALICE, (many,), None)


def ignore(_outcome: object) -> None:
    return


def test_grants_to_the_scheduled_upkeep_are_refused(world: World) -> None:
    before = len(world.log(records.GRANTS))
    with pytest.raises(InvalidName):
        set_grants(world.ports, ADMIN, UPKEEP, (grant("admin", on="*"),), None)
    assert len(world.log(records.GRANTS)) == before
