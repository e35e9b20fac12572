"""A command that is run again after a lost answer reports its own change, and never somebody else's."""

from __future__ import annotations

from configsvc.model import names
from tests.support.admin.loopback import Loopback, arn
from tests.support.cli.shell import Shell


def revision(service: Loopback, namespace: str, key: str) -> str:
    return str(service.admin().values.find_keys(namespace, [key])[names.parse_key(key)].revision)


def test_a_put_that_was_done_is_reported_as_done(shell: Shell, service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "a", "old")
    again = ("put", "a", "-", "--if-match", revision(service, namespace, "a"))
    first = shell.ok(*again, given="new")
    assert shell.ok(*again, given="new") == first
    new = ("put", "b", "-", "--create-only")
    assert shell.ok(*new, given="x") == shell.ok(*new, given="x")
    assert service.admin().values.find_keys(namespace, ["b"])[names.parse_key("b")].latest == 1


def test_s33_another_value_or_another_writer_is_no_success(shell: Shell, service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "a", "old")
    again = ("put", "a", "-", "--if-match", revision(service, namespace, "a"))
    shell.ok(*again, given="new")
    refused = shell.run(*again, given="other")
    assert refused.code == 5
    assert arn("writer") in refused.err
    service.admin("owner").values.put(namespace, "a", "new")
    refused = shell.run(*again, given="new")
    assert refused.code == 5
    assert arn("owner") in refused.err


def test_s33_activate_and_delete_that_were_done_are_reported_as_done(
    shell: Shell, service: Loopback, namespace: str
) -> None:
    for value in ("one", "two"):
        service.admin().values.put(namespace, "a", value)
    for again in (("activate", "a", "1"), ("delete", "a", "--yes")):
        guarded = (*again, "--if-match", revision(service, namespace, "a"))
        assert shell.ok(*guarded) == shell.ok(*guarded)
    assert shell.run("activate", "a", "2", "--if-match", "1").code == 5


def test_the_same_value_with_another_due_date_is_a_new_put(shell: Shell, service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "a", "old")
    again = ("put", "a", "-", "--if-match", revision(service, namespace, "a"))
    due = (*again, "--rotate-by", "2027-01-31")
    shell.ok(*again, given="new")
    assert shell.run(*due, given="new").code == 5
    assert service.admin().values.find_keys(namespace, ["a"])[names.parse_key("a")].rotate_by is None


def test_a_repeated_put_with_a_due_date_is_reported_as_done(shell: Shell, service: Loopback, namespace: str) -> None:
    again = ("put", "a", "-", "--create-only", "--rotate-by", "2027-01-31")
    assert shell.ok(*again, given="new") == shell.ok(*again, given="new")
    assert service.admin().values.find_keys(namespace, ["a"])[names.parse_key("a")].latest == 1


def test_a_key_that_was_only_staged_is_not_reported_as_deleted(shell: Shell, service: Loopback, namespace: str) -> None:
    shell.ok("put", "a", "-", "--stage", given="one")
    assert shell.run("delete", "a", "--yes", "--if-match", "1").code == 5
    assert service.admin().values.find_keys(namespace, ["a"])[names.parse_key("a")].state == "staged"
