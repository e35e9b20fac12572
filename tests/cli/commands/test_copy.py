from __future__ import annotations

import json

import pytest

from configsvc_client.admin import make_draft
from tests.support.admin.kms_server import FOREIGN_KEY, KMS_KEY
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

CANARY = "canary-c0de11"
FORMS = ("--plain", "limits", "--kms", "raw")


@pytest.fixture
def filled(shell: Shell, service: Loopback, namespace: str) -> Shell:
    admin = service.admin()
    admin.values.put(namespace, "db.password", CANARY)
    admin.values.put(namespace, "raw", b"\xff\x00", form="kms")
    admin.values.put(namespace, "limits", {"a": 1}, form="plain")
    service.kms.calls.clear()
    service.requests.clear()
    return shell


def test_copy_seals_values_for_the_target_in_one_change_set(filled: Shell, service: Loopback, namespace: str) -> None:
    other = service.namespace(f"{namespace}.other")
    service.requests.clear()
    done = filled.run("copy", "--all", "--to", other, *FORMS, "-m", "as in test")
    assert (done.code, "3 copied: 3 new, 0 replaced" in done.err, CANARY in done.err) == (0, True, False)
    assert sum(not each.startswith("GET") for each in service.requests) == 1
    admin = service.admin()
    assert {key: each._replace(version=0) for key, each in admin.values.get_all(other).items()} == {
        key: each._replace(version=0) for key, each in admin.values.get_all(namespace).items()
    }
    sealed = [admin.values.get_entry(each, "db.password").value for each in (namespace, other)]
    assert sealed[0] != sealed[1]
    again = filled.run("copy", "--all", "--to", other, *FORMS)
    assert (again.code, "0 copied: 3 unchanged" in again.err) == (0, True)


def test_copy_seals_unnamed_keys_whatever_their_source_form(filled: Shell, service: Loopback, namespace: str) -> None:
    other = service.namespace(f"{namespace}.other")
    done = filled.run("copy", "--all", "--to", other)
    assert {each.form for each in service.admin().values.get_snapshot(other).entries} == {"envelope"}
    assert "Now sealed" in done.err
    again = filled.run("copy", "--all", "--to", other)
    assert "0 copied: 3 unchanged" in again.err
    named = filled.run("copy", "--all", "--to", other, "--kms", "raw", "--yes")  # another form is requested
    assert (
        "1 copied: 0 new, 1 replaced, 2 unchanged" in named.err,
        service.admin().values.get_entry(other, "raw").form,
    ) == (
        True,
        "kms",
    )


def test_copy_of_plain_over_sealed_is_confirmed_or_refused(filled: Shell, service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "sealed", "x")
    copy = ("copy", "limits", "--as", "sealed", "--plain", "*")
    refused = filled.run(*copy, "--yes")
    assert (refused.code, "--declassify" in refused.err, filled.ok("get", "sealed")) == (2, True, "x")
    owner = filled.but(**service.environ("owner", namespace))
    assert owner.on_terminal(*copy, "--yes", typed={"in the clear? [y/N]: ": "n"}).code == 1
    assert filled.ok("get", "sealed") == "x"
    assert owner.on_terminal(*copy, typed={"Continue? [y/N]: ": "y", "in the clear? [y/N]: ": "y"}).code == 0
    assert service.admin().values.get_entry(namespace, "sealed").form == "plain"


def test_a_value_is_copied_to_another_key(filled: Shell) -> None:
    filled.ok("copy", "db.password", "--as", "db.password2")
    assert filled.ok("get", "db.password2") == CANARY


def test_a_dry_run_shows_no_value_and_stores_nothing(filled: Shell, service: Loopback) -> None:
    done = filled.run("copy", "db.password", "limits", "--to", "any.where", "--dry-run")
    assert done.code == 3  # does not exist
    done = filled.run("copy", "db.password", "--as", "x", "--dry-run")
    assert (done.code, done.out) == (0, f"x\tnew\tenvelope\ttext/plain\t{len(CANARY)}\t\n")
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
        (("db.*", "--as", "x"), 2),
    ],
)
def test_copy_without_source_or_target_is_refused(
    filled: Shell, service: Loopback, arguments: tuple[str, ...], code: int
) -> None:
    assert filled.run("copy", *arguments).code == code
    assert not [each for each in service.requests if not each.startswith("GET")]


def test_copy_reports_refused_keys(filled: Shell, service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "sealed", "x")
    done = filled.run("copy", "limits", "--as", "sealed", "--plain", "*", "--declassify", "--yes")
    assert (done.code != 0, "sealed:" in done.err, "1 failed" in done.err) == (True, True, True)


@pytest.fixture
def prod(filled: Shell, service: Loopback, namespace: str) -> str:
    """A namespace that has every key of the source in another state, and one more."""
    assert filled
    prod, admin = service.namespace(f"{namespace}.prod"), service.admin()
    admin.values.put(namespace, "same", {"a": 1, "b": 2})
    admin.values.put(namespace, "deleted", "x")
    admin.values.put(namespace, "staged", "x")
    admin.values.put(namespace, "typed", "1")
    admin.values.put(prod, "db.password", f"{CANARY}-of-prod")
    admin.values.put(prod, "same", '{"b": 2,  "a": 1}', content_type="application/json", form="kms")
    admin.values.put(prod, "typed", 1, form="plain")
    admin.values.put(prod, "deleted", "x")
    admin.values.delete(prod, "deleted")
    admin.values.put_draft(prod, make_draft("staged", "x")._replace(activate=False))
    admin.values.put(prod, "own", "x")
    service.requests.clear()
    return prod


PLAN = [
    ["db.password", "changed", "envelope", "text/plain", str(len(CANARY)), "version 1, envelope"],
    ["deleted", "new", "envelope", "text/plain", "1", "deleted, latest version 1"],
    ["limits", "new", "envelope", "application/json", "7", ""],
    ["raw", "new", "envelope", "application/octet-stream", "2", ""],
    ["same", "unchanged", "kms", "application/json", "13", "version 1, kms"],
    ["staged", "new", "envelope", "text/plain", "1", "staged, latest version 1"],
    ["typed", "changed", "envelope", "text/plain", "1", "version 1, plain, application/json"],
]


def test_plan_lists_new_changed_and_unchanged_keys_with_target_state(
    filled: Shell, service: Loopback, prod: str
) -> None:
    done = filled.run("copy", "--all", "--to", prod, "--dry-run", "--seal", "typed")
    assert [line.split("\t") for line in done.out.splitlines()] == PLAN
    assert (done.code, "6 would be copied (--dry-run): 4 new, 2 replaced, 1 unchanged, 0 failed" in done.err) == (
        0,
        True,
    )
    assert "typed: the content type changes from application/json to text/plain" in done.err
    assert CANARY not in done.out + done.err
    assert not [each for each in service.requests if not each.startswith("GET")]


def test_copy_replaces_served_values_only_after_confirmation(filled: Shell, service: Loopback, prod: str) -> None:
    copy = ("copy", "--all", "--to", prod, "--seal", "typed")
    refused = filled.run(*copy)
    assert (refused.code, "2 values that" in refused.err and f"{prod} serves: db.password, typed" in refused.err) == (
        2,
        True,
    )
    assert ("--yes" in refused.err, "--new-only" in refused.err) == (True, True)
    declined = filled.on_terminal(*copy, typed={"Continue? [y/N]: ": "n"})
    assert (declined.code, "unchanged" in declined.out, CANARY in declined.out) == (1, True, False)
    assert not [each for each in service.requests if not each.startswith("GET")]
    assert filled.on_terminal(*copy, typed={"Continue? [y/N]: ": "y"}).code == 0
    assert service.admin().values.get(prod, "db.password").data == CANARY.encode()
    service.admin().values.put(prod, "db.password", "again")
    found = json.loads(filled.ok(*copy, "--yes", "-o", "json"))
    assert {name: found[name] for name in ("copied", "new", "replaced", "unchanged", "kept")} == {
        "copied": 1, "new": 0, "replaced": 1, "unchanged": 6, "kept": 0,
    }  # fmt: skip


def test_copy_new_only_keeps_served_values_without_asking(filled: Shell, service: Loopback, prod: str) -> None:
    before = service.admin().values.get_all(prod)
    planned = filled.run("copy", "--all", "--to", prod, "--new-only", "--dry-run")
    steps = {line.split("\t")[0]: line.split("\t")[1] for line in planned.out.splitlines()}
    assert [key for key, step in steps.items() if step == "kept"] == ["db.password", "same", "typed"]
    done = filled.run("copy", "--all", "--to", prod, "--new-only")
    assert (done.code, "4 copied: 4 new, 0 replaced, 0 unchanged, 3 kept, 0 failed" in done.err) == (0, True)
    after = service.admin().values.get_all(prod)
    assert {key: after[key] for key in before} == before
    assert set(after) - set(before) == {"deleted", "limits", "raw", "staged"}


def test_copy_patterns_match_keys_as_in_export(filled: Shell, service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "db.url", "x")
    for number, chosen in enumerate(
        [("db.*",), ("--only", "db.*"), ("--all", "--only", "db.*"), ("db.url", "*.pass*")]
    ):
        other = service.namespace(f"{namespace}.{number}")
        filled.ok("copy", *chosen, "--to", other)
        assert set(service.admin().values.get_all(other)) == {"db.password", "db.url"}


def test_copy_pattern_without_match_is_refused_before_copying(filled: Shell, service: Loopback, namespace: str) -> None:
    other = service.namespace(f"{namespace}.other")
    service.requests.clear()
    for chosen in (("nothing.*", "limits"), ("--only", "nothing.*"), ("--all", "--only", "nothing.*")):
        done = filled.run("copy", *chosen, "--to", other)
        assert (done.code, "nothing.*" in done.err) == (3, True)
    assert not [each for each in service.requests if not each.startswith("GET")]


def test_copy_under_another_name_asks_before_replacing(filled: Shell, service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "other", "kept")
    refused = filled.run("copy", "db.password", "--as", "other")
    assert (refused.code, filled.ok("get", "other")) == (2, "kept")
    kept = filled.run("copy", "db.password", "--as", "other", "--new-only")
    assert (kept.code, "1 kept" in kept.err, filled.ok("get", "other")) == (0, True, "kept")
    filled.ok("copy", "db.password", "--as", "other", "--yes")
    assert filled.ok("get", "other") == CANARY


def test_misspelled_namespace_is_named_with_its_option(filled: Shell) -> None:
    assert "--to: A namespace is" in filled.run("copy", "limits", "--to", "Not One").err
    assert "-n: A namespace is" in filled.run("copy", "limits", "-n", "Not One", "--to", "a.b").err


def test_a_value_that_does_not_open_in_the_target_counts_as_replaced(
    filled: Shell, service: Loopback, namespace: str
) -> None:
    target = f"{namespace}.foreign"
    foreign = service.from_environ({**service.environ("admin"), "CONFIGSVC_KMS_KEYS": FOREIGN_KEY})
    foreign.namespaces.create(target)
    foreign.data_keys.add(target, FOREIGN_KEY)
    writer = service.from_environ({**service.environ("writer"), "CONFIGSVC_KMS_KEYS": FOREIGN_KEY})
    writer.values.put(target, "db.password", CANARY)
    service.admin("admin").data_keys.add(target, KMS_KEY)
    planned = filled.run("copy", "db.password", "--to", target, "--dry-run")
    assert planned.out.split("\t")[:2] == ["db.password", "again"]
    refused = filled.run("copy", "db.password", "--to", target)
    assert (refused.code, f"{target} serves: db.password" in refused.err) == (2, True)
    done = filled.run("copy", "db.password", "--to", target, "--yes")
    assert (done.code, service.admin().values.get(target, "db.password").data) == (0, CANARY.encode())


def test_kms_value_that_becomes_an_envelope_in_target_is_named(
    filled: Shell, service: Loopback, namespace: str
) -> None:
    other = service.namespace(f"{namespace}.other")
    service.admin().values.put(other, "db.password", "theirs", form="kms")
    copy = ("copy", "db.password", "--to", other, "--yes")
    for options, named in (((), True), (("--kms", "db.password"), False)):
        done = filled.here(*copy, *options, "--dry-run")
        assert (done.code, "from kms form to an envelope: db.password" in done.err) == (0, named), done
