from __future__ import annotations

import json
import signal
import subprocess

from configsvc_client.cli.commands.watch import list_changes
from tests.support.admin.loopback import Loopback, arn
from tests.support.cli.shell import Shell

CANARY = "canary-e05b3d"


def _started(shell: Shell, *arguments: str) -> subprocess.Popen[bytes]:
    process = shell.start("watch", "--every", "0.1", *arguments)
    assert process.stderr is not None
    assert process.stderr.readline().startswith(b"Watching ")
    return process


def test_watch_prints_changes_with_who_and_why_without_values(shell: Shell, service: Loopback, namespace: str) -> None:
    admin = service.admin()
    admin.values.put(namespace, "a", "before")
    service.kms.calls.clear()
    with _started(shell, "-o", "json") as process:
        assert process.stdout is not None
        admin.values.put(namespace, "a", CANARY, message="because")
        line = process.stdout.readline().decode()
        admin.values.delete(namespace, "a", "gone")
        deleted = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    found = json.loads(line)
    assert (found["namespace"], found["key"], found["was"], found["now"]) == (namespace, "a", 1, 2)
    assert (found["by"], found["message"], CANARY in line) == (arn("writer"), "because", False)
    assert (deleted["was"], deleted["now"], deleted["message"]) == (2, None, "gone")


def test_watch_of_several_namespaces_prints_only_keys_with_the_prefix(
    shell: Shell, service: Loopback, namespace: str
) -> None:
    other = service.namespace(f"{namespace}.other")
    admin = service.admin()
    with _started(shell, "-n", namespace, "-n", other, "db.") as process:
        assert process.stdout is not None
        admin.values.put(namespace, "log", "x", form="plain")
        admin.values.put(other, "db.url", "x", form="plain")
        fields = process.stdout.readline().decode().rstrip("\n").split("\t")
        process.send_signal(signal.SIGTERM)
    assert fields[1:6] == [other, "3", "db.url", "", "1"]


def test_watch_skips_changes_that_are_not_served(shell: Shell, service: Loopback, namespace: str) -> None:
    admin = service.admin()
    admin.values.put(namespace, "a", "one")
    with _started(shell) as process:
        assert process.stdout is not None
        shell.ok("put", "a", "-", "--stage", given="two")
        admin.values.put(namespace, "b", "x")
        assert process.stdout.readline().decode().split("\t")[3] == "b"
        process.send_signal(signal.SIGTERM)


def test_watch_of_an_unreadable_namespace_ends_immediately(shell: Shell) -> None:
    assert shell.run("watch", "-n", "no.such").code == 3


def test_watch_prints_a_change_with_its_own_record_not_a_later_one(service: Loopback, namespace: str) -> None:
    admin, other = service.admin(), service.admin("owner")
    admin.values.put(namespace, "a", "one")
    following = admin.follow(namespace)
    (before,) = following.look().values()
    seen = admin.values.put(namespace, "a", "two", message="seen")
    (now,) = following.look().values()
    other.values.put(namespace, "a", "three", message="not seen yet")
    other.values.put(namespace, "b", "new", message="not seen yet")
    ((_, _, revision, key, was, becomes, by, message),) = list_changes(admin, before, now)
    assert (revision, key, was, becomes) == (seen.revision, "a", 1, 2)
    assert (by, message) == (arn("writer"), "seen")
