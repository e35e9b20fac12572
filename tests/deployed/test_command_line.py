"""Every command against the local stack as people run it: processes of `configsvc`, the real zip, IAM enforced.

What each command does in all its forms is shown in `tests/cli`, against a service in process. Here: that each works
with the policies that the stage has for people, through API Gateway and KMS as the emulator plays them.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import boto3
import click
import pytest

from configsvc_client.cli.command_line import Commands
from infra.stage_rules import name_pattern
from local.clients import make_client_arguments
from local.people import Person, make_api_key, make_person, remove_api_key, remove_person
from local.stack import ADMINISTRATOR
from local.story.terminal import variables
from tests.support.cli.shell import Done, Shell
from tests.support.fixtures.deployed import NAMESPACES, Deployed
from tests.support.journeys.stage import api_key_principal, iam_principal

pytestmark = [pytest.mark.emulator, pytest.mark.deployed, pytest.mark.slow]

CANARY = "canary-3d7c1f"


class Cast(NamedTuple):
    """Shells of the first administrator, of who writes and administers, and the API key of who only reads."""

    administrator: Noted
    owner: Noted
    person: Person
    consumer: str
    namespace: str


class Noted(Shell):
    """A shell that notes which commands were run."""

    def __init__(self, environ: Mapping[str, str], folder: Path, used: set[str]) -> None:
        super().__init__({**environ, "XDG_CONFIG_HOME": str(folder / "own")}, folder)
        self.used = used

    def run(self, *arguments: str | Path, given: bytes | str = b"") -> Done:
        self._note([str(each) for each in arguments[:2]])
        return super().run(*arguments, given=given)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        self._note(arguments[:2])
        return super().start(*arguments)

    def _note(self, words: Sequence[str]) -> None:
        self.used.update({words[0], " ".join(words)})


@pytest.fixture
def cast(deployed: Deployed, tmp_path: Path) -> Iterator[Cast]:
    """People made for this run, with the stage's own policies and no grants yet."""
    stack, run = deployed.stack, uuid4().hex[:8]
    arguments = make_client_arguments(stack.endpoint)
    iam, apigateway = boto3.client("iam", **arguments), boto3.client("apigateway", **arguments)
    names = (f"{ADMINISTRATOR}-cli-{run}", f"cli-owner-{run}")
    every = (stack.policies["AdministratorPolicy"], stack.policies[f"WriterOf{name_pattern(NAMESPACES)}"])
    used: set[str] = set()
    try:
        first, owner = (
            make_person(iam, apigateway, stack.usage_plan, name, policies=policies)
            for name, policies in zip(names, (every[:1], every), strict=True)
        )
        consumer = make_api_key(apigateway, stack.usage_plan, f"cli-consumer-{run}")
        namespace = f"payments.cli-{run}"
        shells = [Noted(variables(stack, each, namespace), tmp_path, used) for each in (first, owner)]
        yield Cast(shells[0], shells[1], owner, f"api-key:{consumer.identifier}", namespace)
    finally:
        for name in names:
            remove_person(iam, apigateway, name)
        remove_api_key(apigateway, f"cli-consumer-{run}")


@pytest.mark.timeout(400)
def test_every_command_does_its_work_on_the_local_stack(cast: Cast, tmp_path: Path) -> None:
    _people_and_a_namespace(cast)
    _values_in_and_out(cast.owner, tmp_path)
    _versions(cast)
    _other_namespaces(cast)
    _follow(cast.owner, tmp_path)
    _data_keys(cast)
    _the_end(cast)
    assert set(_commands()) - cast.owner.used == set()


def _people_and_a_namespace(cast: Cast) -> None:
    granted = ((api_key_principal(cast.person), ("read",)), (iam_principal(cast.person), ("write", "admin")))
    for principal, actions in (*granted, (cast.consumer, ("read",))):
        asked = [word for action in actions for word in ("-a", action)]
        cast.administrator.ok("grant", principal, *asked, "-n", NAMESPACES)
    owner = cast.owner
    owner.ok("namespace", "create", "--description", "of the command line")
    assert cast.namespace in owner.ok("namespace", "list", "payments.")
    owner.ok("namespace", "set", "--keep-versions", "5")
    assert json.loads(owner.ok("namespace", "show", "-o", "json"))["retention"]["versions"] == 5
    assert iam_principal(cast.person) in owner.ok("whoami")
    assert cast.consumer in cast.administrator.ok("grants", cast.consumer)
    owner.ok("init", "--url", owner.environ["CONFIGSVC_URL"], "-n", cast.namespace)
    assert "is already trusted" in owner.run("trust").err
    assert "failed" not in owner.ok("doctor")
    assert "kms:Decrypt" in owner.ok("iam-policy", "--for", "reader")
    assert "_CONFIGSVC_COMPLETE" in owner.ok("completion", "bash")


def _values_in_and_out(owner: Noted, folder: Path) -> None:
    owner.ok("put", "db.password", "-", "-m", "first", given=CANARY)
    owner.ok("put", "by.kms", "-", "--kms", given="k")
    (folder / "some.env").write_text("log.level=info\ndb.url=postgres://db.internal/payments\n")
    owner.ok("import", "some.env", "--plain", "log.*")
    owner.ok("import", "-", "--atomic", "--format", "dotenv", given="more.one=1\n")
    assert owner.ok("get", "db.password") == CANARY
    assert owner.ok("list").count("\n") == 5
    assert 'plain = [\n    "log.level",\n]' in owner.ok("policy", "suggest")
    owner.ok("export", "out.json")
    assert json.loads((folder / "out.json").read_text())["db.password"] == CANARY
    assert owner.run("diff", "out.json", "--exit-code").code == 0
    owner.ok("snapshot", "save", "fallback")
    assert CANARY not in (folder / "fallback").read_text()
    assert owner.ok("snapshot", "show", "fallback").count("\n") == 5
    owner.ok("snapshot", "verify", "fallback")
    assert "CONFIGSVC_KMS_KEYS" in owner.ok("env")
    assert owner.ok("exec", "--only", "db.*", "--", "printenv", "DB_PASSWORD") == f"{CANARY}\n"


def _versions(cast: Cast) -> None:
    owner = cast.owner
    revision = json.loads(owner.ok("put", "db.url", "-", "--stage", "-o", "json", given="staged"))["revision"]
    owner.ok("activate", "db.url", "2")
    assert owner.ok("get", "db.url") == "staged"
    owner.ok("rollback", "db.url")
    owner.ok("delete", "db.url", "--yes")
    owner.ok("rollback", "--to-revision", str(revision), "--yes")
    assert owner.ok("get", "db.url") == "postgres://db.internal/payments"
    cast.administrator.ok("destroy", "db.url", "2", "--yes")  # the writer's policy denies it to the owner
    assert "destroyed" in owner.ok("history", "db.url")
    assert "first" in owner.ok("log", "db.password")


def _other_namespaces(cast: Cast) -> None:
    other = f"{cast.namespace}.copy"
    cast.owner.ok("namespace", "create", other)
    as_here = ("--plain", "log.*", "--kms", "by.kms")
    cast.owner.ok("copy", "--all", "--to", other, *as_here)
    assert cast.owner.ok("get", "db.password", "-n", other) == CANARY
    cast.owner.ok("namespace", "set", other, "--require-preconditions")
    cast.owner.ok("put", "db.password", "-", given="newer")
    cast.owner.ok("put", "new", "-", given="n")
    cast.owner.ok("copy", "--all", "--to", other, *as_here, "--yes")
    assert cast.owner.run("diff", "-n", cast.namespace, "-n", other, "--exit-code").code == 0
    assert "revision" in cast.owner.run("namespace", "lift", other, "--revision", "1000").err


def _follow(owner: Noted, folder: Path) -> None:
    """Leave `watch` running, which reports what `edit` stores."""
    (folder / "editor.py").write_text("import pathlib, sys\npathlib.Path(sys.argv[1]).write_text('edited')\n")
    editor = shlex.join([sys.executable, str(folder / "editor.py")])
    editing = Noted({**owner.environ, "EDITOR": editor}, folder, owner.used)
    with owner.start("watch", "--every", "0.2") as process:
        try:
            assert process.stdout
            assert process.stderr
            process.stderr.readline()  # it has looked
            editing.ok("edit", "db.url", "-m", "by hand")
            told = process.stdout.readline().decode().split("\t")
        finally:
            process.terminate()
    assert (told[3], told[-1]) == ("db.url", "by hand\n")
    assert owner.ok("get", "db.url") == "edited"


def _data_keys(cast: Cast) -> None:
    owner, revision = cast.owner, json.loads(cast.owner.ok("namespace", "show", "-o", "json"))["revision"]
    (first,) = json.loads(owner.ok("data-key", "list", "-o", "json"))
    owner.ok("put", "db.url", "-", given="after")
    owner.ok("data-key", "rotate")
    owner.ok("rollback", "--to-revision", str(revision), "--yes")
    assert owner.ok("get", "db.url") == "edited"
    kid = json.loads(owner.ok("data-key", "add", "-o", "json"))["kid"]
    assert owner.run("data-key", "retire", first["kid"], "--yes").code == 0  # again: it is retired
    owner.ok("data-key", "retire", kid, "--yes")
    # The emulator knows no kms:ReEncrypt. A release that does is noticed here, and then this step has to work.
    rewrapped = owner.run("data-key", "rewrap")
    assert (rewrapped.code, "refused ReEncrypt" in rewrapped.err) == (4, True)


def _the_end(cast: Cast) -> None:
    for namespace in (cast.namespace, f"{cast.namespace}.copy"):
        for each in json.loads(cast.owner.ok("list", "-n", namespace, "-o", "json")):
            cast.owner.ok("delete", "-n", namespace, each["key"], "--yes", "--if-match", str(each["revision"]))
        cast.owner.ok("namespace", "delete", namespace, "--yes")
    for principal in (cast.consumer, api_key_principal(cast.person), iam_principal(cast.person)):
        cast.administrator.ok("revoke", principal, "--all", "--yes")
    assert f"delete_grants {cast.consumer}" in cast.administrator.ok("log", "--grants")


def _commands() -> Iterator[str]:
    """Every command that there is, by its words."""
    group = Commands("configsvc")
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        below = list(command.commands) if isinstance(command, click.Group) else []
        yield from (f"{name} {each}" for each in below) if below else (name,)
