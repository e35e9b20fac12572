"""Public reports about values that were changed, lost or fetched from elsewhere on the way into or out of a store."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from configsvc.model import errors, names
from local.network.listener import listen
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import COMMAND, Shell

PEM = b"-----BEGIN RSA PRIVATE KEY-----\nsome content here\n-----END RSA PRIVATE KEY-----\n"


def test_a_value_of_several_lines_on_stdin_loses_none_of_them(shell: Shell, service: Loopback, namespace: str) -> None:
    for number, given in enumerate([b"1\n2\n3", b"\nfoo", b"  pass1\n\nlogin: x"]):
        shell.ok("put", f"k.{number}", "-", given=given)
        assert service.admin().values.get(namespace, f"k.{number}").data == given


def test_a_file_comes_out_as_it_went_in(shell: Shell, service: Loopback, namespace: str, tmp_path: Path) -> None:
    contents = {"unix": PEM, "windows": PEM.replace(b"\n", b"\r\n"), "line": b"one\n", "bytes": b"\x01\x63\x00\xff"}
    for key, content in contents.items():
        (tmp_path / key).write_bytes(content)
    shell.ok("put", "unix", f"@{tmp_path}/unix")
    shell.ok(
        "import", "/dev/null", *(word for key in ("windows", "line") for word in ("--file", f"{key}={tmp_path}/{key}"))
    )
    shell.ok("put", "bytes", f"@{tmp_path}/bytes", "--binary")
    assert {key: service.admin().values.get(namespace, key).data for key in contents} == contents
    for key in ("windows", "bytes"):
        done = subprocess.run([*COMMAND, "get", key], env=shell.environ, capture_output=True, check=True, timeout=60)
        assert done.stdout == contents[key]


def test_stdin_may_be_a_file_or_a_socket(shell: Shell, service: Loopback, namespace: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"value\n")
    ours, theirs = socket.socketpair()
    ours.sendall(b"value\n")
    ours.close()
    with (tmp_path / "file").open("rb") as file, theirs:
        for number, stdin in enumerate([file.fileno(), theirs.fileno()]):
            subprocess.run(
                [*COMMAND, "put", f"k.{number}", "-"], env=shell.environ, stdin=stdin, check=True, timeout=60
            )
            assert service.admin().values.get(namespace, f"k.{number}").data == b"value"


def test_a_value_that_is_an_address_is_stored_and_not_fetched(shell: Shell, service: Loopback, namespace: str) -> None:
    with listen() as listener:
        for key, value in {"http": listener.url, "file": "file:///etc/hostname"}.items():
            shell.ok("put", key, value, "--plain")
            assert service.admin().values.get(namespace, key).data == value.encode()
        assert (listener.connections, listener.received) == ([], [])


def test_a_put_and_an_import_leave_other_keys_as_they_are(shell: Shell, service: Loopback, namespace: str) -> None:
    admin = service.admin()
    for key in ("hello", "password"):
        admin.values.put(namespace, key, "kept")
    shell.ok("put", "foo", "-", given="bar")
    shell.ok("import", "-", given="token=baz\n")
    shell.ok("delete", "foo", "--yes")
    assert shell.ok("export").splitlines() == ["hello=kept", "password=kept", "token=baz"]


def test_the_newest_of_a_dozen_versions_is_served_and_listed_first(
    shell: Shell, service: Loopback, namespace: str
) -> None:
    admin = service.admin()
    for number in range(1, 13):
        admin.values.put(namespace, "k", f"value {number}")
    assert shell.ok("get", "k") == "value 12"
    assert shell.ok("get", "k", "--version", "2") == "value 2"
    versions = [line.split("\t")[0] for line in shell.ok("history", "k").splitlines()]
    assert versions == [str(number) for number in range(12, 0, -1)]


def test_a_version_is_shown_on_stdout_and_nothing_on_stderr(shell: Shell, service: Loopback, namespace: str) -> None:
    service.admin().values.put(namespace, "k", "a secret")
    done = shell.run("get", "k", "--version", "1")
    assert (done.code, done.out, done.err) == (0, "a secret", "")


def test_every_key_of_many_is_listed_and_exported(shell: Shell) -> None:
    shell.ok("import", "-", "--plain", "*", given="".join(f"k.{number:03}={number}\n" for number in range(250)))
    keys = [f"k.{number:03}" for number in range(250)]
    assert [line.split("\t")[0] for line in shell.ok("list").splitlines()] == keys
    assert [line.split("=")[0] for line in shell.ok("export").splitlines()] == keys


def test_a_key_that_no_file_could_hold_is_refused(shell: Shell) -> None:
    for key in ("a=b", "a b", " a", "a\tb", "a\nb", "", "a'b", "-p", "a;id", "$(id)", "a/b"):
        with pytest.raises(errors.InvalidName):
            names.parse_key(key)
    done = shell.run("put", "db.password=hunter2", "-", given="x")
    assert (done.code, "hunter2" in done.err) == (2, False)


def test_a_missing_aws_profile_does_not_matter_with_keys_in_variables(shell: Shell) -> None:
    with_profile = shell.but(AWS_PROFILE="no-such-profile")
    with_profile.ok("put", "k", "-", given="x")
    assert with_profile.ok("get", "k") == "x"


def test_a_namespace_in_a_file_does_not_choose_the_target(shell: Shell, service: Loopback, namespace: str) -> None:
    other = service.namespace(f"{namespace}.other")
    manifest = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: x, namespace: {other}}}\nstringData: {{k: value}}\n"
    shell.ok("import", "-", "--format", "k8s-secret", "-n", namespace, given=manifest)
    assert (shell.ok("get", "k", "-n", namespace), shell.ok("list", "-n", other)) == ("value", "")


def test_a_file_of_one_line_keeps_its_line_break_with_a_warning(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    (tmp_path / "one").write_bytes(b"password\n")
    (tmp_path / "pem").write_bytes(PEM)
    (tmp_path / "none").write_bytes(b"password")
    told = shell.run("put", "one", f"@{tmp_path}/one").err
    assert f"one: {tmp_path}/one ends with a line break" in told
    assert "password" not in told
    again = shell.run(
        "import", "/dev/null", *(word for key in ("one", "pem") for word in ("--file", f"{key}={tmp_path}/{key}"))
    )
    assert (again.code, again.err.count("ends with a line break")) == (0, 1)
    assert service.admin().values.get(namespace, "one").data == b"password\n"
    assert "line break" not in shell.run("put", "none", f"@{tmp_path}/none").err
