from __future__ import annotations

import pytest

from tests.admin.loopback import Loopback
from tests.cli.shell import Shell

CANARY = "canary-c0de11"
FORMS = ("--plain", "limits", "--kms", "raw")


@pytest.fixture
def filled(shell: Shell, service: Loopback, namespace: str) -> Shell:
    admin = service.admin()
    admin.put(namespace, "db.password", CANARY)
    admin.put(namespace, "raw", b"\xff\x00", form="kms")
    admin.put(namespace, "limits", {"a": 1}, form="plain")
    service.kms.calls.clear()
    service.requests.clear()
    return shell


def test_values_are_sealed_anew_for_another_namespace_with_form_and_type_in_one_change_set(
    filled: Shell, service: Loopback, namespace: str
) -> None:
    other = service.namespace(f"{namespace}.other")
    service.requests.clear()
    done = filled.run("copy", "--all", "--to", other, *FORMS, "-m", "as in test")
    assert (done.code, "3 copied" in done.err, CANARY in done.err) == (0, True, False)
    assert sum(not each.startswith("GET") for each in service.requests) == 1
    admin = service.admin()
    assert {key: each._replace(version=0) for key, each in admin.values(other).items()} == {
        key: each._replace(version=0) for key, each in admin.values(namespace).items()
    }
    sealed = [admin.entry(each, "db.password").value for each in (namespace, other)]
    assert sealed[0] != sealed[1]
    again = filled.run("copy", "--all", "--to", other, *FORMS)
    assert (again.code, "0 copied, 3 there already" in again.err) == (0, True)


def test_what_nothing_names_is_sealed_in_the_target_whatever_the_source_does(
    filled: Shell, service: Loopback, namespace: str
) -> None:
    other = service.namespace(f"{namespace}.other")
    done = filled.run("copy", "--all", "--to", other)
    assert {each.form for each in service.admin().snapshot(other).entries} == {"envelope"}
    assert "Sealed now" in done.err
    again = filled.run("copy", "--all", "--to", other)
    assert "0 copied, 3 there already" in again.err
    named = filled.run("copy", "--all", "--to", other, "--kms", "raw")  # another form is named
    assert ("1 copied, 2 there already" in named.err, service.admin().entry(other, "raw").form) == (True, "kms")


def test_plain_in_the_place_of_sealed_is_asked_for_or_refused(filled: Shell, service: Loopback, namespace: str) -> None:
    service.admin().put(namespace, "sealed", "x")
    copy = ("copy", "limits", "--as", "sealed", "--plain", "*")
    refused = filled.run(*copy, "--yes")
    assert (refused.code, "--declassify" in refused.err, filled.ok("get", "sealed")) == (2, True, "x")
    owner = filled.but(**service.environ("owner", namespace))
    assert owner.on_terminal(*copy, typed={"in the clear? [y/N]: ": "n"}).code == 1
    assert filled.ok("get", "sealed") == "x"
    assert owner.on_terminal(*copy, typed={"in the clear? [y/N]: ": "y"}).code == 0
    assert service.admin().entry(namespace, "sealed").form == "plain"


def test_a_value_is_copied_to_another_key(filled: Shell) -> None:
    filled.ok("copy", "db.password", "--as", "db.password2")
    assert filled.ok("get", "db.password2") == CANARY


def test_a_dry_run_shows_no_value_and_stores_nothing(filled: Shell, service: Loopback) -> None:
    done = filled.run("copy", "db.password", "limits", "--to", "any.where", "--dry-run")
    assert done.code == 3  # not there
    done = filled.run("copy", "db.password", "--as", "x", "--dry-run")
    assert (done.code, done.out) == (0, f"x\tenvelope\ttext/plain\t{len(CANARY)}\n")
    assert not [each for each in service.requests if not each.startswith("GET")]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 2),
        (("limits",), 2),
        (("limits", "--all", "--to", "a.b"), 2),
        (("limits", "raw", "--as", "x"), 2),
        (("never", "--as", "x"), 3),
        (("limits", "--as", "a/b"), 2),
    ],
)
def test_a_copy_that_does_not_say_what_and_where_is_refused(
    filled: Shell, service: Loopback, arguments: tuple[str, ...], code: int
) -> None:
    assert filled.run("copy", *arguments).code == code
    assert not [each for each in service.requests if not each.startswith("GET")]


def test_what_is_refused_is_told_by_key(filled: Shell, service: Loopback, namespace: str) -> None:
    service.admin().put(namespace, "sealed", "x")
    done = filled.run("copy", "limits", "--as", "sealed", "--plain", "*", "--declassify")
    assert (done.code != 0, "sealed:" in done.err, "1 failed" in done.err) == (True, True, True)
