"""Oversized values are refused before sealing or sending, with their size, the limit and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from configsvc.model import limits, names, sizes
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell


@pytest.fixture
def owner(service: Loopback, namespace: str) -> Shell:
    return Shell(service.environ("owner", namespace))


def test_file_of_10_mb_is_refused_without_request_or_kms_call(shell: Shell, service: Loopback, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(10_000_000))
    for options, most in (
        (("--binary",), "at most 19"),
        (("--plain",), "at most 262144"),
        (("--kms",), "at most 4096"),
    ):
        done = shell.run("put", "k", f"@{large}", *options)
        assert (done.code, "k has 10000000 bytes" in done.err, most in done.err) == (1, True, True), done.err
    assert (service.requests, service.kms.calls) == ([], [])


def test_the_largest_sealed_value_is_stored_and_one_byte_more_is_not(shell: Shell, namespace: str) -> None:
    most = sizes.compute_sealed_limit(names.parse_namespace(namespace), names.parse_key("k"), "text/plain")
    shell.ok("put", "k", "-", given=b"x" * most)
    refused = shell.run("put", "k", "-", given=b"y" * (most + 1))
    assert (refused.code, f"at most {most}" in refused.err, "S3" in refused.err) == (1, True, True)
    assert len(shell.ok("get", "k")) == most
    edited = shell.but(EDITOR="sed -i s/$/y/").run("edit", "k")
    assert (edited.code, f"k has {most + 1} bytes" in edited.err) == (1, True), edited


def test_import_names_each_oversized_value_even_in_a_dry_run(shell: Shell, service: Loopback, tmp_path: Path) -> None:
    path = tmp_path / "values.json"
    path.write_text(json.dumps({"small": "x", "large": "y" * 200_000}))
    dry = shell.run("import", path, "--dry-run")
    assert (dry.code, "large has 200000 bytes" in dry.err) == (1, True)
    assert "large" not in dry.out
    assert not service.kms.calls
    done = shell.run("import", path)
    assert (done.code, shell.ok("get", "small")) == (1, "x")


@pytest.mark.slow
def test_import_without_room_stores_nothing_and_names_the_setting(
    owner: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    path = tmp_path / "values.json"
    path.write_text(json.dumps({f"k{number}": "x" * 190_000 for number in range(5)}))
    setting = f"configsvc namespace set {namespace} --snapshot-bytes N"
    for options in (("--dry-run",), ()):
        refused = owner.run("import", path, *options)
        assert (refused.code, setting in refused.err, "1048576" in refused.err) == (1, True, True), refused.err
    assert not service.kms.calls
    assert owner.ok("list") == ""
    owner.ok("namespace", "set", "--snapshot-bytes", str(limits.SNAPSHOT_BYTES_MOST))
    owner.ok("import", path)
    owner.ok("import", path)  # nothing changes, so nothing grows
    assert owner.run("namespace", "set", "--snapshot-bytes", str(limits.SNAPSHOT_BYTES_MOST + 1)).code == 2


@pytest.mark.slow
def test_import_and_copy_follow_the_limit_of_the_target(
    owner: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    path, other = tmp_path / "values.json", service.namespace(f"{namespace}.other")
    path.write_text(json.dumps({f"k{number:03}": "x" * 1000 for number in range(60)}))  # several change sets
    owner.ok("import", path, "-n", other)
    owner.ok("namespace", "set", "--snapshot-bytes", "80000")
    setting = f"configsvc namespace set {namespace} --snapshot-bytes N"
    for command in (("import", path), ("copy", "--all", "-n", other, "--to", namespace)):
        for options in (("--dry-run",), ()):
            refused = owner.run(*command, *options)
            assert (refused.code, setting in refused.err, "80000" in refused.err) == (1, True, True), refused.err
    assert owner.ok("list") == ""


def test_a_put_into_a_full_namespace_names_the_setting(owner: Shell, namespace: str) -> None:
    owner.ok("namespace", "set", "--snapshot-bytes", "400")
    refused = owner.run("put", "k", "-", "--plain", given="x" * 1000)
    assert (refused.code, f"configsvc namespace set {namespace} --snapshot-bytes" in refused.err) == (1, True)


@pytest.mark.slow
def test_copy_names_oversized_values_and_a_target_without_room(owner: Shell, service: Loopback, namespace: str) -> None:
    other = service.namespace(f"{namespace}.other")
    owner.ok("namespace", "set", "--snapshot-bytes", str(limits.SNAPSHOT_BYTES_MOST))
    for number in range(5):
        owner.ok("put", f"k{number}", "-", "--plain", given="x" * 190_000)
    owner.ok("put", "large", "-", "--plain", given="x" * 200_000)
    full = owner.run("copy", "k*", "--to", other, "--dry-run")
    assert (full.code, f"namespace set {other} --snapshot-bytes N" in full.err) == (1, True), full.err
    large = owner.run("copy", "k0", "large", "--to", other)
    assert (large.code, "large has 200000 bytes" in large.err) == (1, True), large.err
    assert [line.split("\t")[0] for line in owner.ok("list", "-n", other).splitlines()] == ["k0"]
