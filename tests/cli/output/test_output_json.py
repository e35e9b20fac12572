"""With `--output json`, every write prints one JSON document to stdout, even if refused in part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from configsvc.model import limits
from tests.support.admin.kms_server import KMS_KEY
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

pytestmark = pytest.mark.slow  # many processes


@pytest.fixture
def owner(service: Loopback, namespace: str) -> Shell:
    return Shell(service.environ("owner", namespace))


def _json(shell: Shell, *arguments: str | Path, given: str = "") -> Any:  # noqa: ANN401  # whatever JSON holds
    return json.loads(shell.ok(*arguments, "-o", "json", given=given))


def test_grant_json_has_all_grants_of_the_principal(service: Loopback) -> None:
    administrator, who = Shell(service.environ("admin")), f"api-key:{uuid4().hex}"
    first = {"actions": ["read"], "namespaces": ["a.*"]}
    assert _json(administrator, "grant", who, "-a", "read", "-n", "a.*") == {"principal": who, "grants": [first]}
    assert _json(administrator, "grant", who, "-a", "read", "-n", "a.*") == {"principal": who, "grants": [first]}
    more = _json(administrator, "grant", who, "-a", "write", "-n", "b")
    assert more["grants"] == [first, {"actions": ["write"], "namespaces": ["b"]}]


def test_namespace_create_json_has_what_was_created(owner: Shell, namespace: str) -> None:
    made = _json(owner, "namespace", "create", f"{namespace}.x")
    (kid,) = [each["kid"] for each in _json(owner, "data-key", "list", "-n", f"{namespace}.x")]
    assert made == {"namespace": f"{namespace}.x", "created": True, "kid": kid, "kms_key": KMS_KEY}
    again = _json(owner, "namespace", "create", f"{namespace}.x")
    assert again == {"namespace": f"{namespace}.x", "created": False, "kid": None, "kms_key": None}


def test_rewrap_json_has_the_data_keys(owner: Shell, namespace: str) -> None:
    kids = [each["kid"] for each in _json(owner, "data-key", "list")]
    assert _json(owner, "data-key", "rewrap") == {"namespace": namespace, "kids": kids, "kms_key": KMS_KEY}


def test_copy_counts_and_names_what_failed(service: Loopback, owner: Shell, namespace: str) -> None:
    owner.ok("put", "a", "-", given="x")
    owner.ok("put", "b", "y", "--plain")
    other = service.namespace(f"{namespace}.other")
    wanted = {
        "from": namespace,
        "namespace": other,
        "copied": 2,
        "new": 2,
        "replaced": 0,
        "unchanged": 0,
        "kept": 0,
        "failed": [],
    }
    assert _json(owner, "copy", "--all", "--to", other, "--plain", "b") == wanted
    owner.ok("put", "b", "-", "-n", other, "--seal", given="sealed by now")
    done = Shell(service.environ("writer", namespace)).run(
        "copy", "--all", "--to", other, "--plain", "b", "--declassify", "-o", "json", "--yes"
    )
    found = json.loads(done.out)
    assert (done.code, found["copied"], found["unchanged"]) == (4, 0, 1)
    assert [(each["key"], each["code"]) for each in found["failed"]] == [("b", "forbidden")]


def test_import_json_output_works_by_variable(owner: Shell, namespace: str) -> None:
    found = json.loads(owner.but(CONFIGSVC_OUTPUT="json").ok("import", "-", given="a=1\n"))
    assert found == {
        "namespace": namespace,
        "new": 1,
        "changed": 0,
        "again": 0,
        "unchanged": 0,
        "kept": 0,
        "renamed": 0,
        "failed": [],
    }


@pytest.mark.parametrize(
    ("lines", "failed"),
    [
        (["fine=1", "bad/key=2"], ["bad/key"]),  # known from the file alone
        (["fine=1", "sealed=2"], ["sealed"]),  # refused by the service
        ([f"k{number}=1" for number in range(limits.OPERATIONS + 1)], [f"k{n}" for n in range(limits.OPERATIONS + 1)]),
    ],
)
def test_refused_atomic_import_json_names_failures(
    service: Loopback, owner: Shell, namespace: str, lines: list[str], failed: list[str]
) -> None:
    owner.ok("put", "sealed", "-", given="x")
    writer = Shell(service.environ("writer", namespace))
    given = "".join(f"{line}\n" for line in lines)
    plain = ("--plain", "sealed") if "sealed=2" in lines else ()
    done = writer.run("import", "-", "--atomic", *plain, "-o", "json", given=given)
    found = json.loads(done.out)
    assert done.code != 0
    assert [each["key"] for each in found["failed"]] == failed
    assert (found["new"], found["changed"]) == (0, 0)
    assert [each["key"] for each in _json(owner, "list")] == ["sealed"]


def test_namespace_rollback_json_has_plan_and_new_revision(owner: Shell, namespace: str) -> None:
    first = _json(owner, "put", "a", "-", given="one")["revision"]
    last = _json(owner, "put", "a", "-", given="two")["revision"]
    way = {"key": "a", "served": 2, "back_to": 1, "sealed_again": False}
    planned = _json(owner, "rollback", "--to-revision", str(first), "--dry-run")
    assert planned == {"namespace": namespace, "back_to": first, "revision": last, "keys": [way]}
    done = _json(owner, "rollback", "--to-revision", str(first), "--yes")
    assert done == {**planned, "revision": last + 1}
    assert _json(owner, "rollback", "--to-revision", str(first)) == {**done, "keys": []}
