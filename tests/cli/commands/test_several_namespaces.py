"""With several namespaces configured, reads work as for a consumer, and writes never guess."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.admin.kms_server import FOREIGN_KEY
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell


@pytest.fixture
def shared(service: Loopback, namespace: str) -> str:
    """A second namespace: `both` is served in each, `gone` only there, because the first deleted it."""
    shared, admin = service.namespace(f"{namespace}.shared"), service.admin()
    for key in ("both", "mine", "gone"):
        admin.values.put(namespace, key, "first", form="plain")
    for key in ("both", "theirs", "gone"):
        admin.values.put(shared, key, "second", form="plain")
    admin.values.put(shared, "theirs", "third", form="plain")
    admin.values.delete(namespace, "gone")
    return shared


@pytest.fixture
def two(shell: Shell, namespace: str, shared: str) -> Shell:
    return shell.but(CONFIGSVC_NAMESPACES=f"{namespace}, {shared}")


def test_get_reads_like_a_consumer_and_names_a_later_namespace(two: Shell, namespace: str, shared: str) -> None:
    assert two.run("get", "both") == (0, "first", "")
    assert two.run("get", "theirs") == (0, "third", f"theirs is from {shared}\n")
    assert two.run("get", "gone") == (0, "second", f"gone is from {shared}\n")
    assert two.run("get", "both", "-n", shared) == (0, "second", "")
    assert two.run("get", "both", "-n", shared, "-n", namespace).out == "second"
    assert f"both is from {namespace}" in two.on_terminal("get", "both").out
    found = two.run("get", "theirs", "-o", "json")
    assert (json.loads(found.out)["namespace"], found.err) == (shared, "")


def test_version_belongs_to_the_namespace_that_serves_the_key(two: Shell, namespace: str) -> None:
    assert two.run("get", "theirs", "--version", "1").out == "second"
    assert two.run("get", "gone", "--version", "1").out == "second"
    refused = two.run("get", "both", "--version", "2")
    assert (refused.code, f"both comes from {namespace}, which has no version 2 of it" in refused.err) == (3, True)
    assert f"configsvc history both -n {namespace} lists its versions" in refused.err
    assert two.ok("delete", "mine", "-n", namespace, "--yes") == ""
    assert two.run("get", "mine", "--version", "1").out == "first"


def test_key_served_nowhere_is_refused_naming_all_searched_namespaces(two: Shell, namespace: str, shared: str) -> None:
    for asked in (("never",), ("never", "--version", "3")):
        done = two.run("get", *asked)
        assert (done.code, f"{namespace}, {shared}" in done.err) == (3, True), done


def test_unknown_namespace_stops_get_as_it_stops_a_consumer(two: Shell, namespace: str) -> None:
    done = two.run("get", "never", "-n", namespace, "-n", f"{namespace}.none")
    assert (done.code, "in none of" in done.err) == (3, False)


def test_list_shows_each_key_once_with_its_namespace(two: Shell, namespace: str, shared: str) -> None:
    done = two.run("list")
    rows = [line.split("\t") for line in done.out.splitlines()]
    assert [(row[0], row[3], row[-1]) for row in rows] == [
        ("both", "1", namespace), ("gone", "1", shared), ("mine", "1", namespace), ("theirs", "2", shared),
    ]  # fmt: skip
    assert f"{shared}: 1 key is hidden" in done.err
    assert f"{namespace}: 1 key is hidden" in done.err  # it no longer serves `gone`
    assert [each["namespace"] for each in json.loads(two.ok("list", "--long", "-o", "json"))] == [
        namespace, shared, namespace, shared,
    ]  # fmt: skip
    assert "namespace" not in json.loads(two.ok("list", "-n", shared, "-o", "json"))[0]


def test_export_writes_each_key_once_and_reports_sources(
    two: Shell, namespace: str, shared: str, tmp_path: Path
) -> None:
    expected = {"both": "first", "gone": "second", "mine": "first", "theirs": "third"}
    done = two.run("export", "-f", "json")
    assert list(json.loads(done.out).items()) == list(expected.items())
    assert done.err.splitlines() == [
        f"{namespace}: 2 values", f"{shared}: 2 values",
        f"{shared}: 1 key is hidden by another namespace. To see all: -n {shared}",
    ]  # fmt: skip
    done = two.run("export", tmp_path / "all.json")
    assert (json.loads((tmp_path / "all.json").read_text()), f"{namespace}, {shared}: 4 values" in done.err) == (
        expected, True,
    )  # fmt: skip
    assert two.run("export", "--only", "both", "-f", "json").out == '{\n  "both": "first"\n}\n'


@pytest.mark.parametrize(
    "arguments",
    [("put", "a", "-"), ("delete", "both"), ("import", "-"), ("rollback", "both"), ("edit", "both"), ("history", "a")],
)
def test_single_namespace_command_names_both_and_their_origin(
    two: Shell, namespace: str, shared: str, service: Loopback, arguments: tuple[str, ...]
) -> None:
    service.requests.clear()
    done = two.run(*arguments, "--yes", given="a=1\n")
    assert done.code == 2
    assert f"CONFIGSVC_NAMESPACES names {namespace} and {shared}" in done.err
    assert not service.requests


def test_unopenable_value_of_first_namespace_is_named_not_skipped(
    two: Shell, service: Loopback, namespace: str
) -> None:
    foreign = service.from_environ({**service.environ("admin"), "CONFIGSVC_KMS_KEYS": FOREIGN_KEY})
    foreign.data_keys.add(namespace, FOREIGN_KEY)
    writer = service.from_environ({**service.environ("writer"), "CONFIGSVC_KMS_KEYS": FOREIGN_KEY})
    writer.values.put(namespace, "both", "sealed", form="envelope")
    for arguments in (("get", "both"), ("get", "both", "--json"), ("export", "--only", "both")):
        done = two.here(*arguments)
        assert (done.code, done.out) == (1, ""), done
        assert f"both in {namespace} cannot be opened. CONFIGSVC_KMS_KEYS does not name" in done.err


@pytest.mark.parametrize("written", [("put", "k", "x", "--plain"), ("delete", "both", "--yes"), ("history", "both")])
def test_single_namespace_command_refuses_two_namespaces(
    shell: Shell, service: Loopback, namespace: str, shared: str, written: tuple[str, ...]
) -> None:
    service.requests.clear()
    done = shell.here(*written, "-n", namespace, "-n", shared)
    assert (done.code, f"not {namespace} and {shared}" in done.err, service.requests) == (2, True, []), done


def test_copy_refuses_two_targets(shell: Shell, service: Loopback, namespace: str, shared: str) -> None:
    service.requests.clear()
    done = shell.here("copy", "both", "--to", shared, "--to", f"{namespace}.third")
    assert (done.code, "takes one namespace" in done.err, service.requests) == (2, True, []), done


def test_repeated_namespace_counts_once(shell: Shell, shared: str) -> None:
    assert shell.here("history", "both", "-n", shared, "-n", shared).code == 0


def test_advice_repeats_the_namespace_that_was_typed(shell: Shell, namespace: str, shared: str) -> None:
    for arguments, advice in (
        (("get", "theirs", "--version", "9", "-n", shared), f"configsvc history theirs -n {shared} lists"),
        (("get", "never", "-n", shared), f"configsvc list -n {shared} shows"),
        (("get", "never", "-n", namespace, "-n", shared), f"configsvc list -n {namespace} -n {shared} shows"),
        (("get", "never"), "configsvc list shows"),
    ):
        done = shell.here(*arguments)
        assert (done.code, advice in done.err) == (3, True), done
