"""A clone of this repository with a local AWS of its own, and the shell of an operator who plays runbooks in it.

The shell has the rights of `.local/env.admin`, and besides them only those that the runbook's **You need** names.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import boto3

from infra.packaging.service_zip import Package
from local.clients import make_client_arguments
from local.emulator.launcher import Emulator
from local.emulator.running import keep_note
from local.paths import ROOT, Places
from local.run import write_environments
from local.stack import ADMINISTRATOR, LocalStack, People, deploy_stack, make_people
from local.story.chapters import grant_everyone
from local.story.terminal import Terminal, variables
from tests.support.runbooks.document import Block, Runbook, read_runbooks
from tests.support.runbooks.dry_run import assign

NAMESPACE = "payments.prod"
STACK, STAGE = "configsvc", "local"
_MARK = "=== end of a block"
# uv finds its cache in the home folder. The environments are there, and a copied lock file must not look newer.
_MAKE = '#!/bin/sh\nHOME="$REAL_HOME" exec "$REAL_MAKE" -o .venv/.ready -o .venvs/emulator/.ready "$@"\n'


class Stand(NamedTuple):
    """A clone, and the stack of its stage `local` on an emulator of its own, with people who have their grants."""

    clone: Path
    stack: LocalStack
    people: People

    @property
    def stage_file(self) -> Path:
        """The clone's stage file."""
        return self.clone / "infra/stages/local.toml"

    def deploy(self) -> None:
        """Deploy the stage of the clone as it is now."""
        with Shell(self) as shell:
            shell.run(f"make deploy STAGE={STAGE}")

    def play(
        self, title: str, assigned: Mapping[str, str], *, before: Mapping[str, Callable[[Shell], object]],
        without: Collection[str], editing: Callable[[str], str] | None = None,
    ) -> str:  # fmt: skip
        """Every block of the runbook that tests run, in one shell; returns what they printed.

        Args:
            title: of the runbook.
            assigned: values in the place of those that the document assigns.
            before: what happens before the block that contains a text.
            without: texts whose blocks the runbook says to leave out here.
            editing: what the operator does in the editor, to the text of the stage file.
        """
        runbook = read_runbooks()[title]
        self._give(runbook)
        unmet = {*before, *without}
        with Shell(self, editing) as shell:
            for block in runbook.rehearsed:
                met = {each for each in unmet if each in block.script}
                unmet -= met
                for text in met & before.keys():
                    before[text](shell)
                if not met & set(without):
                    shell.run(_as_here(block, assigned))
        assert not unmet
        return "".join(shell.printed)

    def _give(self, runbook: Runbook) -> None:
        """The rights that the runbook names, and no others."""
        statement = {"Effect": "Allow", "Action": list(runbook.rights), "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam = boto3.client("iam", **make_client_arguments(self.stack.endpoint))
        iam.put_user_policy(UserName=ADMINISTRATOR, PolicyName="on-call", PolicyDocument=document)


class Shell:
    """One bash, in the clone, as the administrator: every block must succeed."""

    def __init__(self, stand: Stand, editing: Callable[[str], str] | None = None) -> None:
        self.printed: list[str] = []
        self._clone, self._editing = stand.clone, editing
        path = os.pathsep.join(
            [str(stand.clone / "bin"), str(ROOT / ".venvs/awscli/bin"), os.environ.get("PATH", os.defpath)]
        )
        self._process = subprocess.Popen(
            ["bash", "-eu", "-o", "pipefail", "-s"],  # noqa: S607  # the shell of whoever follows the document
            cwd=stand.clone,
            env={**_environ(), "PATH": path, "HOME": str(stand.clone), "YES": "1", "EDITOR": "edit-stage",
                 "CONFIGSVC_TRUST": "project", "REAL_MAKE": shutil.which("make") or "make"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def __enter__(self) -> Self:
        self.run("source .local/env.admin")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self, script: str) -> str:
        """The output of the block.

        Raises:
            AssertionError: it ended with an error.
        """
        assert self._process.stdin
        assert self._process.stdout
        if "EDITOR" in script:
            self._prepare_edit()
        self._process.stdin.write(f"{{\n{script}\n}} < /dev/null\nprintf '\\n{_MARK}\\n'\n")
        self._process.stdin.flush()
        lines: list[str] = []
        for line in self._process.stdout:
            if line == f"{_MARK}\n":
                self.printed += lines
                return "".join(lines)
            lines.append(line)
        raise AssertionError(f"{script}\nended with:\n{''.join(lines)}")

    def read(self, name: str) -> str:
        """A variable of the shell."""
        return self.run(f'printf %s "${name}"').strip()

    def _prepare_edit(self) -> None:
        """The editor saves what is in `edited`."""
        assert self._editing
        stage_file = self._clone / "infra/stages/local.toml"
        names = ("KMS_KEY", "OLD", "NEW")
        values = {name: self.run(f'printf %s "${{{name}-}}"').strip() for name in names}
        text = self._editing(stage_file.read_text()).format_map({**values, "": ""})
        (self._clone / "edited").write_text(text)


@contextmanager
def raise_stand(folder: Path, package: Package) -> Iterator[Stand]:
    """Copy the repository, start a local AWS for the copy, deploy the package, and make the people of the stack."""
    clone = _copy(folder / "clone")
    places = Places(clone / ".local")
    places.data.mkdir(mode=0o700)
    with Emulator(log=folder / "emulator.log") as emulator, keep_note(places.running, emulator):
        stack = deploy_stack(emulator.url, package, lambda _: None)
        people = make_people(stack, "payments.*")
        write_environments(places, stack, people)
        _furnish(stack, people)
        yield Stand(clone, stack, people)


def _furnish(stack: LocalStack, people: People) -> None:
    admin = Terminal(variables(stack, people.administrator, NAMESPACE))
    grant_everyone(admin, stack, people)
    admin.run("grant", people.administrator.arn, "--action", "write", "--namespace", "*")
    admin.run("namespace", "create", NAMESPACE)
    developer = Terminal(variables(stack, people.developer, NAMESPACE))
    developer.run("put", "db.password", "-", given="canary-old")
    developer.run("put", "log.level", "info", "--plain")


def _environ() -> dict[str, str]:
    """Of whoever runs the tests, with what uv needs to download; no settings of AWS or configsvc."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CONFIGSVC_"))}
    return {**kept, "LANG": "C.UTF-8", "REAL_HOME": kept.get("HOME", "/")}


def _copy(clone: Path) -> Path:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists() and not name.startswith(("tests/", "bench/")):
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name, follow_symlinks=False)
    for name in (".venv", ".venvs"):
        (clone / name).symlink_to((ROOT / name).resolve())
    (clone / "bin").mkdir()
    for name, text in {"make": _MAKE, "edit-stage": '#!/bin/sh\ncp edited "$1"\n'}.items():
        (clone / "bin" / name).write_text(text)
        (clone / "bin" / name).chmod(0o755)
    return clone


def _as_here(block: Block, assigned: Mapping[str, str]) -> str:
    return assign(block.script, {"STACK": STACK, "STAGE": STAGE, "NAMESPACE": NAMESPACE, **assigned})
