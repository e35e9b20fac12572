from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

CANARY = "canary-d1ff00"


@pytest.fixture
def other(service: Loopback, namespace: str) -> str:
    """Two namespaces that differ in every way."""
    other, admin = service.namespace(f"{namespace}.other"), service.admin()
    for each in (namespace, other):
        admin.values.put(each, "same.sealed", "same")
        admin.values.put(each, "form", "x", form="plain" if each == other else "envelope")
        admin.values.put(each, "value", CANARY + each[-5:])
    admin.values.put(namespace, "only.here", CANARY)
    admin.values.put(other, "only.there", "y", form="plain")
    admin.values.put(namespace, "json", {"a": 1, "b": 2}, form="plain")
    admin.values.put(other, "json", '{"b": 2,  "a": 1}', form="plain", content_type="application/json")
    return other


def test_diff_compares_namespaces_by_value_without_showing_any(
    shell: Shell, service: Loopback, namespace: str, other: str
) -> None:
    service.kms.calls.clear()
    service.requests.clear()
    done = shell.run("diff", "-n", namespace, "-n", other)
    assert [line.split("\t") for line in done.out.splitlines()] == [
        ["form", "changed", "version 1, envelope", "version 1, plain"],
        ["only.here", "removed", "version 1, envelope", ""],
        ["only.there", "added", "", "version 1, plain"],
        ["value", "changed", "version 1, envelope", "version 1, envelope"],
    ]
    assert (CANARY in done.out + done.err, len(service.requests), len(service.kms.calls)) == (False, 2, 2)


def test_diff_shows_values_on_request(shell: Shell, namespace: str, other: str) -> None:
    found = json.loads(shell.ok("diff", "-n", namespace, "-n", other, "--reveal", "-o", "json"))
    assert {each["key"]: (each["left"], each["right"]) for each in found} == {
        "form": ("x", "x"),
        "only.here": (CANARY, None),
        "only.there": (None, "y"),
        "value": (CANARY + namespace[-5:], CANARY + other[-5:]),
    }


def test_diff_reports_unopenable_values_as_unknown(shell: Shell, namespace: str, other: str) -> None:
    done = shell.but(CONFIGSVC_KMS_KEYS="").run("diff", "-n", namespace, "-n", other)
    changes = dict(line.split("\t")[:2] for line in done.out.splitlines())
    assert done.code == 0
    assert changes == {
        "form": "changed", "only.here": "removed", "only.there": "added", "same.sealed": "unknown", "value": "unknown",
    }  # fmt: skip


def test_diff_of_revisions_opens_only_changed_values(shell: Shell, service: Loopback, namespace: str) -> None:
    admin = service.admin()
    admin.values.put(namespace, "a", "one")
    admin.values.put(namespace, "b", "one")
    revision = str(admin.namespaces.get(namespace)["revision"])
    admin.values.put(namespace, "a", "two")
    after = str(admin.namespaces.get(namespace)["revision"])
    admin.values.put(namespace, "b", "two")
    assert shell.ok("diff", "--from", revision, "--to", after).splitlines() == [
        "a\tchanged\tversion 1, envelope\tversion 2, envelope"
    ]
    assert len(shell.ok("diff", "--from", revision).splitlines()) == 2
    service.kms.calls.clear()
    assert shell.ok("diff", "--from", revision, "--to", revision) == ""
    assert not service.kms.calls


def test_a_file_is_compared_with_a_namespace_and_with_a_file(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    admin = service.admin()
    admin.values.put(namespace, "a", "1")
    admin.values.put(namespace, "b", {"x": [1]}, form="plain")
    admin.values.put(namespace, "c", "1")
    env, as_json = tmp_path / "some.env", tmp_path / "some.json"
    env.write_text('a=1\nb={ "x": [1] }\nc=2\nd=3\n')
    as_json.write_text('{"a": "1", "b": {"x": [1]}, "c": "2"}')
    assert [line.split("\t")[:2] for line in shell.ok("diff", env).splitlines()] == [["c", "changed"], ["d", "added"]]
    assert [line.split("\t")[:2] for line in shell.ok("diff", env, as_json).splitlines()] == [["d", "removed"]]


def test_diff_compares_a_file_whose_format_is_passed(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    service.admin().values.put(namespace, "a", "it's")
    secret, docker = tmp_path / "secret.yaml", tmp_path / "some.env"
    for path, wanted in ((secret, "k8s-secret"), (docker, "docker")):
        shell.ok("export", path, "-f", wanted)
        assert shell.ok("diff", path, "--format", wanted) == ""
    unnamed = shell.run("diff", secret)
    assert (unnamed.code, "--format k8s-secret" in unnamed.err) == (2, True)
    assert shell.ok("diff", secret, docker, "-f", "k8s-secret", "-f", "docker") == ""
    assert shell.ok("diff", docker, docker, "-f", "docker") == ""


def test_diff_exit_code_reports_a_difference_on_request(shell: Shell, namespace: str, other: str) -> None:
    assert shell.run("diff", "-n", namespace, "-n", other).code == 0
    assert shell.run("diff", "-n", namespace, "-n", other, "--exit-code").code == 7
    assert shell.run("diff", "-n", namespace, "-n", namespace, "--exit-code").code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("-n", "a", "-n", "b", "-n", "c"),
        ("--to", "3"),
        ("-n", "a", "-n", "b", "--from", "3"),
        ("/no/such/file",),
        ("-n", "a", "-n", "b", "-f", "json"),
        ("/dev/null", "-f", "json", "-f", "json"),
    ],
)
def test_diff_refuses_anything_but_two_sides(shell: Shell, arguments: tuple[str, ...]) -> None:
    assert shell.run("diff", *arguments).code == 2


def test_values_are_masked_on_a_terminal_too(shell: Shell, namespace: str, other: str) -> None:
    done = shell.on_terminal("diff", "-n", namespace, "-n", other)
    assert ("only.here" in done.out, CANARY in done.out) == (True, False)


def test_diff_tells_a_number_from_a_boolean(shell: Shell, service: Loopback, namespace: str) -> None:
    other = service.namespace(f"{namespace}.other")
    service.admin().values.put(namespace, "flag", {"on": True})
    service.admin().values.put(other, "flag", {"on": 1})
    assert shell.ok("diff", "-n", namespace, "-n", other).startswith("flag\tchanged")
