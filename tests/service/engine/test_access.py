"""Access: deny by default, no action implies another, and a refusal reveals no more than the caller may know."""

from collections.abc import Callable

import pytest

from configsvc.model.change_set import ChangeSet
from configsvc.model.errors import ConfigsvcError, Forbidden, Hidden, NotFound, to_problem
from configsvc.model.grants import Grant
from configsvc.model.names import Key, Namespace
from configsvc.service.engine.ports import Caller, ServicePorts
from configsvc.service.verbs.change_sets import commit_change_set
from configsvc.service.verbs.data_keys import add_data_key, list_data_keys
from configsvc.service.verbs.grants import delete_grants, describe_caller, get_grants, set_grants
from configsvc.service.verbs.keys import put_key
from configsvc.service.verbs.namespaces import NamespaceWanted, create_namespace, get_namespace
from configsvc.service.verbs.read_keys import get_key, list_keys
from configsvc.service.verbs.snapshots import fetch_snapshot
from tests.support.service.sealed import data_key
from tests.support.service.world import (
    ADMIN,
    DEVELOPER,
    NS,
    READER,
    ROLES,
    STRANGER,
    World,
    caller,
    grant,
    make_world,
    text,
)

Verb = Callable[[ServicePorts, Caller, Namespace], object]

READS: dict[str, Verb] = {
    "fetch": lambda ports, who, ns: fetch_snapshot(ports, who, ns, None),
    "get_namespace": get_namespace,
    "list_keys": lambda ports, who, ns: list_keys(ports, who, ns, "", 10, None),
    "get_key": lambda ports, who, ns: get_key(ports, who, ns, Key("a")),
    "list_data_keys": list_data_keys,
}
WRITES: dict[str, Verb] = {
    "put": lambda ports, who, ns: put_key(ports, who, ns, text("a"), "", None),
    "change": lambda ports, who, ns: commit_change_set(ports, who, ns, ChangeSet((text("a"),)), None),
}
ADMINS: dict[str, Verb] = {
    "create_namespace": lambda ports, who, ns: create_namespace(ports, who, ns, NamespaceWanted("x"), None),
    "add_data_key": lambda ports, who, ns: add_data_key(ports, who, ns, data_key(5), None),
}
GRANTS: dict[str, Verb] = {
    "get_grants": lambda ports, who, _: get_grants(ports, who, None, 10, None),
    "set_grants": lambda ports, who, _: set_grants(ports, who, "api-key:other", (), None),
    "delete_grants": lambda ports, who, _: delete_grants(ports, who, "api-key:readerkey", None),
}


@pytest.fixture
def world() -> World:
    world = make_world()
    world.put(text("a"))
    return world


def get_refusal(verb: Verb, world: World, who: Caller, ns: Namespace = NS) -> ConfigsvcError:
    before = world.stored()
    with pytest.raises(ConfigsvcError) as refused:
        verb(world.ports, who, ns)
    assert world.stored() == before
    return refused.value


@pytest.mark.parametrize("verb", READS.values(), ids=READS)
def test_an_unreadable_namespace_looks_absent(world: World, verb: Verb) -> None:
    hidden = get_refusal(verb, world, STRANGER)
    absent = get_refusal(verb, world, STRANGER, Namespace("payments.none"))
    assert type(hidden) is type(absent) is Hidden
    assert hidden.detail == absent.detail.replace("payments.none", NS)
    assert (hidden.members, absent.members) == ({"namespace": NS}, {"namespace": "payments.none"})
    known = NotFound(hidden.detail, namespace=NS)
    assert to_problem(hidden, "id") == to_problem(known, "id")
    assert (hidden.denied, known.denied) == (True, False)


@pytest.mark.parametrize("verb", READS.values(), ids=READS)
def test_an_absent_namespace_is_not_denied_to_a_reader(world: World, verb: Verb) -> None:
    missed = get_refusal(verb, world, READER, Namespace("payments.none"))
    assert isinstance(missed, NotFound)
    assert not missed.denied


@pytest.mark.parametrize("verb", READS.values(), ids=READS)
def test_reads_are_judged_by_the_api_key_alone(world: World, verb: Verb) -> None:
    verb(world.ports, READER, NS)
    set_grants(world.ports, ADMIN, ROLES + "Stranger", (grant("read", "write", "admin"),), None)
    assert isinstance(get_refusal(verb, world, caller("strangerkey", "Stranger")), NotFound)
    assert isinstance(get_refusal(verb, world, caller(None, "Stranger")), NotFound)


@pytest.mark.parametrize("verb", (WRITES | ADMINS).values(), ids=WRITES | ADMINS)
def test_a_reader_without_write_is_forbidden(world: World, verb: Verb) -> None:
    assert isinstance(get_refusal(verb, world, READER), Forbidden)
    assert isinstance(get_refusal(verb, world, caller("devkey", "Stranger")), Forbidden)


@pytest.mark.parametrize("verb", (WRITES | ADMINS).values(), ids=WRITES | ADMINS)
def test_a_reader_by_either_principal_is_forbidden(world: World, verb: Verb) -> None:
    set_grants(world.ports, ADMIN, ROLES + "Stranger", (grant("read"),), None)
    assert isinstance(get_refusal(verb, world, STRANGER), Forbidden)


@pytest.mark.parametrize("verb", (WRITES | ADMINS).values(), ids=WRITES | ADMINS)
def test_without_read_or_write_a_namespace_looks_absent(world: World, verb: Verb) -> None:
    hidden = get_refusal(verb, world, STRANGER)
    absent = get_refusal(verb, world, STRANGER, Namespace("payments.none"))
    assert type(hidden) is type(absent) is Hidden
    assert hidden.detail == absent.detail.replace("payments.none", NS)


@pytest.mark.parametrize(("verb", "action"), [(WRITES["put"], "write"), (ADMINS["add_data_key"], "admin")])
def test_a_refusal_names_the_action_and_the_command_that_grants_it(world: World, verb: Verb, action: str) -> None:
    refused = get_refusal(verb, world, caller("devkey", "Stranger"))
    who = ROLES + "Stranger"
    assert refused.members == {"action": action, "namespace": NS, "principal": who, "lacks": "iam"}
    assert f"configsvc grant {who} -a {action} -n {NS}" in refused.detail
    granted = get_refusal(GRANTS["get_grants"], world, caller("devkey", "Stranger"))
    assert f"configsvc grant {who} -a admin -n '*'" in granted.detail


@pytest.mark.parametrize("verb", (WRITES | {"add_data_key": ADMINS["add_data_key"]}).values())
def test_a_write_to_an_absent_namespace_is_404(world: World, verb: Verb) -> None:
    set_grants(world.ports, ADMIN, ROLES + "Developer", (grant("write", "admin"),), None)
    assert isinstance(get_refusal(verb, world, DEVELOPER, Namespace("payments.none")), NotFound)


def test_a_write_grant_of_an_api_key_has_no_effect(world: World) -> None:
    set_grants(world.ports, ADMIN, "api-key:readerkey", (grant("read", "write", "admin"),), None)
    for verb in (WRITES | ADMINS).values():
        assert isinstance(get_refusal(verb, world, READER), Forbidden)


@pytest.mark.parametrize("verb", WRITES.values(), ids=WRITES)
def test_neither_admin_nor_being_an_administrator_implies_write(world: World, verb: Verb) -> None:
    set_grants(world.ports, ADMIN, ROLES + "Keeper", (grant("admin"),), None)
    assert isinstance(get_refusal(verb, world, caller("devkey", "Keeper")), Forbidden)
    assert isinstance(get_refusal(verb, world, ADMIN), Forbidden)


@pytest.mark.parametrize("verb", READS.values(), ids=READS)
def test_being_an_administrator_does_not_imply_read(world: World, verb: Verb) -> None:
    assert isinstance(get_refusal(verb, world, caller("strangerkey", "Admin")), NotFound)


def test_write_does_not_imply_admin(world: World) -> None:
    for verb in ADMINS.values():
        assert isinstance(get_refusal(verb, world, DEVELOPER), Forbidden)


def test_a_grant_names_namespaces_by_pattern(world: World) -> None:
    create_namespace(world.ports, ADMIN, Namespace("payments"), NamespaceWanted(), None)
    create_namespace(world.ports, ADMIN, Namespace("shared.prod"), NamespaceWanted(), None)
    for namespace in (Namespace("payments"), Namespace("shared.prod")):
        assert isinstance(get_refusal(READS["fetch"], world, READER, namespace), NotFound)


@pytest.mark.parametrize("verb", GRANTS.values(), ids=GRANTS)
def test_only_administrators_of_everything_manage_grants(world: World, verb: Verb) -> None:
    set_grants(world.ports, ADMIN, ROLES + "Developer", (grant("write", "admin"),), None)
    assert isinstance(get_refusal(verb, world, DEVELOPER), Forbidden)
    set_grants(world.ports, ADMIN, ROLES + "Developer", (grant("admin", on="*"),), None)
    verb(world.ports, DEVELOPER, NS)


def test_a_grant_applies_at_once_here_and_within_10_seconds_elsewhere(world: World) -> None:
    elsewhere = World(world.repository)
    elsewhere.fetch()
    set_grants(world.ports, ADMIN, "api-key:readerkey", (), None)
    assert isinstance(get_refusal(READS["fetch"], world, READER), NotFound)
    elsewhere.clock.pass_by(9.9)
    elsewhere.fetch()
    elsewhere.clock.pass_by(0.2)
    with pytest.raises(NotFound):
        elsewhere.fetch()


def test_whoami_describes_both_principals_and_their_grants(world: World) -> None:
    found = describe_caller(world.ports, DEVELOPER)
    assert found == {
        "api_key": {"principal": "api-key:devkey", "grants": [{"actions": ["read"], "namespaces": ["payments.*"]}]},
        "iam": {
            "principal": ROLES + "Developer",
            "arn": DEVELOPER.arn,
            "grants": [{"actions": ["write"], "namespaces": ["payments.*"]}],
            "administrator": False,
        },
    }
    assert describe_caller(world.ports, READER)["iam"] is None
    administrator = describe_caller(world.ports, caller(None, "Admin"))
    assert administrator["api_key"] is None
    assert isinstance(administrator["iam"], dict)
    assert administrator["iam"]["administrator"] is True


def test_whoami_writes_nothing_and_is_one_read(world: World) -> None:
    world.clock.pass_by(11)
    world.repository.calls.clear()
    describe_caller(world.ports, DEVELOPER)
    assert world.repository.calls == ["get"]


def test_an_iam_user_named_like_an_administrator_role_is_none(world: World) -> None:
    who = caller("devkey", "Admin")._replace(principal="arn:aws:iam::123456789012:user/Admin")
    assert isinstance(get_refusal(GRANTS["get_grants"], world, who), Forbidden)


def test_a_grant_without_the_action_allows_nothing() -> None:
    world = make_world()
    set_grants(world.ports, ADMIN, "api-key:readerkey", (Grant(("write",), ("*",)),), None)
    assert isinstance(get_refusal(READS["fetch"], world, READER), NotFound)
