"""Values of public reports that were changed, lost or fetched from elsewhere on their way into or out of a store."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from local.listener import listening
from tests.admin.loopback import Loopback
from tests.cli.shell import COMMAND, Shell

PEM = b"-----BEGIN RSA PRIVATE KEY-----\nsome content here\n-----END RSA PRIVATE KEY-----\n"


def test_a_value_of_several_lines_on_stdin_loses_none_of_them(shell: Shell) -> None:
    for number, given in enumerate([b"1\n2\n3", b"\nfoo", b"pass1\n\nlogin: x", b"  indented"]):
        shell.ok("put", f"k.{number}", "-", given=given)
        assert shell.ok("get", f"k.{number}").encode() == given


def test_a_file_comes_out_as_it_went_in(shell: Shell, tmp_path: Path) -> None:
    contents = [PEM, PEM.replace(b"\n", b"\r\n"), b"x", b"\n", b"\x01\x63\x61\x74\x00\xff"]
    for number, content in enumerate(contents):
        file = tmp_path / str(number)
        file.write_bytes(content)
        shell.ok("put", f"k.{number}", f"@{file}", *(["--binary"] if number == 4 else []))
        done = subprocess.run(
            [*COMMAND, "get", f"k.{number}"], env=shell.environ, capture_output=True, check=True, timeout=60
        )
        assert done.stdout == content


def test_stdin_may_be_a_pipe_a_file_or_a_socket(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"value\n")
    ours, theirs = socket.socketpair()
    ours.sendall(b"value\n")
    ours.close()
    with (tmp_path / "file").open("rb") as file, theirs:
        for number, stdin in enumerate([file.fileno(), theirs.fileno()]):
            subprocess.run(
                [*COMMAND, "put", f"k.{number}", "-"], env=shell.environ, stdin=stdin, check=True, timeout=60
            )
            assert shell.ok("get", f"k.{number}") == "value"


def test_a_value_that_is_an_address_is_stored_and_not_fetched(shell: Shell) -> None:
    with listening() as listener:
        for number, value in enumerate([listener.url, "file:///etc/hostname", "fileb:///etc/hostname"]):
            shell.ok("put", f"k.{number}", value, "--plain")
            assert shell.ok("get", f"k.{number}") == value
        assert (listener.connections, listener.received) == ([], [])


def test_a_put_and_an_import_leave_other_keys_as_they_are(shell: Shell, service: Loopback, namespace: str) -> None:
    admin = service.admin()
    for key in ("hello", "password"):
        admin.put(namespace, key, "kept")
    shell.ok("put", "foo", "-", given="bar")
    shell.ok("import", "-", given="token=baz\n")
    shell.ok("delete", "foo", "--yes")
    assert shell.ok("export").splitlines() == ["hello=kept", "password=kept", "token=baz"]


def test_the_newest_of_a_dozen_versions_is_served_and_listed_first(
    shell: Shell, service: Loopback, namespace: str
) -> None:
    admin = service.admin()
    for number in range(1, 13):
        admin.put(namespace, "k", f"value {number}")
    assert shell.ok("get", "k") == "value 12"
    assert shell.ok("get", "k", "--version", "2") == "value 2"
    versions = [line.split("\t")[0] for line in shell.ok("history", "k").splitlines()]
    assert versions == [str(number) for number in range(12, 0, -1)]


def test_a_version_is_shown_on_stdout_and_nothing_on_stderr(shell: Shell, service: Loopback, namespace: str) -> None:
    service.admin().put(namespace, "k", "a secret")
    done = shell.run("get", "k", "--version", "1")
    assert (done.code, done.out, done.err) == (0, "a secret", "")


def test_every_key_of_many_is_listed_and_exported(shell: Shell) -> None:
    shell.ok("import", "-", "--plain", "*", given="".join(f"k.{number:03}={number}\n" for number in range(250)))
    keys = [f"k.{number:03}" for number in range(250)]
    assert [line.split("\t")[0] for line in shell.ok("list").splitlines()] == keys
    assert [line.split("=")[0] for line in shell.ok("export").splitlines()] == keys


@pytest.mark.parametrize("key", ["a=b", "a b", " a", "a\tb", "a\nb", "", "a'b", "-p", "a;id", "$(id)", "a/b"])
def test_a_key_that_no_file_could_hold_is_refused(shell: Shell, key: str) -> None:
    done = shell.run("put", "--plain", "--", key, "x")
    assert done.code == 2
    assert shell.run("get", "--", key or "k").code != 0


def test_an_aws_profile_that_is_not_there_counts_for_nothing_beside_keys_in_variables(shell: Shell) -> None:
    with_profile = shell.but(AWS_PROFILE="no-such-profile")
    with_profile.ok("put", "k", "-", given="x")
    assert with_profile.ok("get", "k") == "x"


def test_a_namespace_in_a_file_decides_nothing(shell: Shell, service: Loopback, namespace: str) -> None:
    other = service.namespace(f"{namespace}.other")
    manifest = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: x, namespace: {other}}}\nstringData: {{k: value}}\n"
    shell.ok("import", "-", "--format", "k8s-secret", "-n", namespace, given=manifest)
    assert (shell.ok("get", "k", "-n", namespace), shell.ok("list", "-n", other)) == ("value", "")
