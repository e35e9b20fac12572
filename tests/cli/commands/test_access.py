"""Revoking and listing grants, and the change log."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model.grants import ACTIONS, Action, Grant, allows
from configsvc.model.names import parse_namespace as named
from configsvc_client.cli.commands import revoke
from tests.support.admin.loopback import Loopback, arn
from tests.support.cli.shell import Shell

PATTERNS = ("payments.prod", "payments.*", "shared.prod", "*")

grants = st.lists(
    st.builds(
        Grant,
        st.lists(st.sampled_from(ACTIONS), min_size=1, unique=True).map(tuple),
        st.lists(st.sampled_from(PATTERNS), min_size=1, unique=True).map(tuple),
    ),
    max_size=4,
)


@pytest.fixture
def administrator(service: Loopback) -> Shell:
    return Shell(service.environ("admin"))


@given(
    held=grants,
    actions=st.lists(st.sampled_from(ACTIONS), min_size=1, unique=True),
    patterns=st.lists(st.sampled_from(PATTERNS), min_size=1, unique=True),
)
def test_revoke_removes_only_what_was_named(held: list[Grant], actions: list[Action], patterns: list[str]) -> None:
    def pairs(found: list[Grant]) -> set[tuple[str, str]]:
        return {(action, pattern) for each in found for action in each.actions for pattern in each.namespaces}

    left = list(revoke.remove_grants(held, actions, patterns))
    assert pairs(left) == pairs(held) - {(action, pattern) for action in actions for pattern in patterns}
    assert all(each.actions and each.namespaces for each in left)
    for pattern in patterns:
        name = named(pattern.replace("*", "any") if pattern != "*" else "any")
        if any(allows(left, action, name) for action in actions):
            assert revoke.find_remaining(left, actions, patterns)


def test_grant_can_be_revoked_in_part_or_whole(service: Loopback, administrator: Shell) -> None:
    who, admin = f"api-key:{uuid4().hex}", service.admin("admin")
    administrator.ok("grant", who, "-a", "read", "-a", "write", "-n", "payments.*", "-n", "shared.prod")
    administrator.ok("revoke", who, "-a", "write", "-n", "payments.*")
    assert set(admin.grants.get(who)) == {
        Grant(("read", "write"), ("shared.prod",)), Grant(("read",), ("payments.*",)),
    }  # fmt: skip
    assert administrator.ok("grants", who).splitlines() == [
        f"{who}\tread, write\tshared.prod",
        f"{who}\tread\tpayments.*",
    ]
    assert who in administrator.ok("grants")
    held = admin.grants.get(who)
    unasked = administrator.run("revoke", who, "--all")
    assert (unasked.code, "--yes" in unasked.err, admin.grants.get(who)) == (2, True, held)
    administrator.ok("revoke", who, "--all", "--yes")
    assert admin.grants.get(who) == ()
    again = administrator.run("revoke", who, "--all")
    assert (again.code, "has no such grant" in again.err) == (3, True)


def test_revoke_reports_access_that_another_pattern_still_allows(administrator: Shell) -> None:
    who = f"api-key:{uuid4().hex}"
    administrator.ok("grant", who, "-a", "read", "-n", "payments.*", "-n", "payments.prod")
    assert "access through its grant on payments.*" in administrator.run("revoke", who, "-n", "payments.prod").err


@pytest.mark.parametrize("arguments", [(), ("-n", "a", "--all"), ("--all", "-a", "write", "--yes")])
def test_revoke_needs_an_explicit_target(administrator: Shell, service: Loopback, arguments: tuple[str, ...]) -> None:
    service.requests.clear()
    done = administrator.but(CONFIGSVC_NAMESPACES="payments.prod").run("revoke", "api-key:x", *arguments)
    assert (done.code, service.requests) == (2, [])


@pytest.fixture
def two(service: Loopback) -> tuple[str, str]:
    """An old API key with grants, and a new one without."""
    old, new = (f"api-key:{age}{uuid4().hex}" for age in ("old", "new"))
    service.admin("admin").grants.set(old, [Grant(("read",), ("payments.*", "shared.prod"))])
    return old, new


def test_a_new_key_gets_the_grants_of_the_old_one(
    service: Loopback, administrator: Shell, two: tuple[str, str]
) -> None:
    old, new = two
    done = administrator.run("grant", new, "--like", old)
    assert (done.code, done.out, done.err) == (0, "", f"{new}: read on payments.*, shared.prod, like {old}\n")
    assert service.admin("admin").grants.get(new) == service.admin("admin").grants.get(old)
    again = administrator.run("grant", new, "--like", old, "-o", "json")
    held = [{"actions": ["read"], "namespaces": ["payments.*", "shared.prod"]}]
    assert json.loads(again.out) == {"principal": new, "grants": held}
    assert administrator.run("grant", new, "--like", old).err == f"{new}: already has the grants of {old}\n"


def test_replacing_asks_for_exactly_what_is_lost(service: Loopback, administrator: Shell, two: tuple[str, str]) -> None:
    (old, new), admin = two, service.admin("admin")
    held = (Grant(("read", "write"), ("payments.prod",)), Grant(("read",), ("own.prod",)))
    admin.grants.set(new, held)
    unasked = administrator.run("grant", new, "--like", old, "--replace")
    assert (unasked.code, "write on payments.prod; read on own.prod" in unasked.err, "--yes" in unasked.err) == (
        2, True, True,
    )  # fmt: skip
    refused = administrator.on_terminal("grant", new, "--like", old, "--replace", typed={"[y/N]: ": "n"})
    assert (refused.code, "Nothing was changed." in refused.out, admin.grants.get(new)) == (1, True, held)
    done = administrator.run("grant", new, "--like", old, "--replace", "--yes")
    assert (done.code, "removed write on payments.prod; read on own.prod" in done.err) == (0, True)
    assert admin.grants.get(new) == admin.grants.get(old)
    assert administrator.run("grant", new, "--like", old, "--replace").code == 0  # nothing to lose, so nothing to ask


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "-a ACTION -n PATTERN, or --like OTHER"),
        (("--replace",), "-a ACTION -n PATTERN, or --like OTHER"),
        (("-a", "read"), "Missing option '-n' / '--namespace'"),
        (("-n", "a"), "Missing option '-a' / '--action'"),
        (("--like", "api-key:y", "-a", "read"), "Leave out -a and -n"),
        (("--like", "api-key:y", "-n", "a"), "Leave out -a and -n"),
        (("--like", "api-key:x"), "already has its own grants"),
        (("--like", "arn:aws:iam::123456789012:user/writer"), "reads are judged by the API key"),
        (("--like", "y"), "A principal must be api-key:<id>"),
        (("--like", ""), "it is empty, like an unset variable"),
    ],
)
def test_grants_are_named_in_one_of_two_ways(
    administrator: Shell, service: Loopback, arguments: tuple[str, ...], says: str
) -> None:
    done = administrator.but(CONFIGSVC_NAMESPACES="payments.prod").here("grant", "api-key:x", *arguments)
    assert (done.code, says in " ".join(done.err.split())) == (2, True), done
    assert service.admin("admin").grants.get("api-key:x") == ()


def test_a_principal_without_grants_cannot_be_copied(administrator: Shell, two: tuple[str, str]) -> None:
    done = administrator.run("grant", two[0], "--like", two[1], "--replace", "--yes")
    assert (done.code, f"{two[1]} has no grants" in done.err, done.out) == (3, True, "")
    assert administrator.ok("grants", two[0])


def test_the_arn_of_a_session_means_its_role(service: Loopback, administrator: Shell) -> None:
    role, session = (
        f"arn:aws:iam::123456789012:role/r{uuid4().hex}",
        "arn:aws:sts::123456789012:assumed-role/{}/me".format,
    )
    service.admin("admin").grants.set(role, [Grant(("write",), ("payments.*",))])
    copied = f"arn:aws:iam::123456789012:role/c{uuid4().hex}"
    administrator.ok("grant", copied, "--like", session(role.rpartition("/")[2]))
    assert service.admin("admin").grants.get(copied) == (Grant(("write",), ("payments.*",)),)


def test_log_shows_what_who_and_why_and_filters(shell: Shell, service: Loopback, namespace: str) -> None:
    admin = service.admin()
    admin.values.put(namespace, "db.url", "canary-91", message="first")
    service.admin("owner").values.put(namespace, "other", "x", form="plain", message="by another")
    admin.values.delete(namespace, "db.url", "no longer")
    lines = [line.split("\t") for line in shell.ok("log").splitlines()]
    assert [line[3] for line in lines[-3:]] == ["put db.url 1", "put other 1", "delete db.url"]
    assert lines[-1][2::2] == [arn("writer"), "no longer"]
    assert [line.split("\t")[4] for line in shell.ok("log", "db.url").splitlines()] == ["first", "no longer"]
    assert "by another" in shell.ok("log", "--by", arn("owner"))
    assert "by another" not in shell.ok("log", "--last", "1")
    assert "in the future" in shell.run("log", "--since", "2099-01-01").err
    assert len(shell.ok("log", "--after", lines[0][0]).splitlines()) == len(lines) - 1
    (last,) = json.loads(shell.ok("log", "--last", "1", "-o", "json"))
    assert (last["principal"], last["keys"][0]["was"], last["keys"][0]["now"]) == (arn("writer"), 1, None)
    assert last["correlation_id"]
    assert "canary-91" not in shell.ok("log", "--all", "-o", "json")


def test_log_of_grants_needs_an_administrator(administrator: Shell, shell: Shell) -> None:
    who = f"api-key:{uuid4().hex}"
    administrator.ok("grant", who, "-a", "read", "-n", "x")
    assert who in administrator.ok("log", "--grants")
    assert shell.run("log", "--grants").code == 4
    assert administrator.run("log", "--grants", "-n", "x").code == 2
