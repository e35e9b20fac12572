"""The runbooks of OPERATIONS, read from the document and played: real `configsvc`, `aws` on the loopback service."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from tests.support.admin.kms_server import EVERYTHING, allows
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

OPERATIONS = Path(__file__).resolve().parents[3] / "docs" / "OPERATIONS.md"


class Command(NamedTuple):
    """One command of a runbook: the number of its step, its words, and the file on its stdin."""

    step: int
    words: tuple[str, ...]
    stdin: str

    @property
    def text(self) -> str:
        """As it is written."""
        return shlex.join(self.words)


def commands(title: str) -> list[Command]:
    """The commands in the `sh` blocks of a section, in their order."""
    section = _section(title)
    found: list[Command] = []
    for step, text in _steps(section):
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
            lines = re.sub(r"\\\n\s*", " ", block).strip().splitlines()
            found += [_command(step, line.strip()) for line in lines]
    return found


def steps(title: str) -> dict[int, str]:
    """The text of each numbered step of a section."""
    return dict(_steps(_section(title)))


def document(name: str) -> dict[str, object]:
    """The JSON block that follows the words "This is `name`:"."""
    text = OPERATIONS.read_text().partition(f"This is `{name}`:")[2]
    block = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    assert block, name
    found: dict[str, object] = json.loads(block[1])
    return found


def _section(title: str) -> str:
    found = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^##)", OPERATIONS.read_text(), re.DOTALL | re.MULTILINE)
    assert found, title
    return found[1]


def _steps(section: str) -> Iterator[tuple[int, str]]:
    parts = re.split(r"^(\d+)\. ", section, flags=re.MULTILINE)
    for number, text in zip(parts[1::2], parts[2::2], strict=True):
        yield int(number), text


def _command(step: int, line: str) -> Command:
    line, _, stdin = line.partition(" < ")
    return Command(step, tuple(shlex.split(line)), stdin.strip())


class Runs(Protocol):
    """Does what a command of the AWS CLI says."""

    def run(self, words: Sequence[str]) -> None:
        """Do it."""


class Aws(NamedTuple):
    """The few commands of the AWS CLI that the runbooks use, done to the loopback gateway and its KMS."""

    service: Loopback
    names: Mapping[str, str]
    """The access key of each user and role."""

    def run(self, words: Sequence[str]) -> None:
        """Do it."""
        options = dict(zip(words[3::2], words[4::2], strict=True))
        match words[1], words[2]:
            case "apigateway", "update-api-key":
                assert options["--patch-operations"] == "op=replace,path=/enabled,value=false"
                self._forget(options["--api-key"])
            case "iam", "put-user-policy" | "put-role-policy":
                name = options.get("--user-name") or options["--role-name"]
                self._deny(self.names[name], options["--policy-document"].removeprefix("file://"))
            case "iam", "update-access-key":
                assert options["--status"] == "Inactive"
                self.service.kms.policies[options["--access-key-id"]] = []
                del self.service.identities[options["--access-key-id"]]
            case _:
                raise AssertionError(words)

    def _forget(self, api_key: str) -> None:
        for value in [value for value, identifier in self.service.keys.items() if identifier == api_key]:
            del self.service.keys[value]

    def _deny(self, access_key: str, name: str) -> None:
        held = self.service.kms.policies.setdefault(access_key, [EVERYTHING])
        held.append(document(name))
        if not allows(held, "execute-api:Invoke", {}):
            identity = self.service.identities[access_key]
            self.service.identities[access_key] = identity._replace(allowed=())


class Player(NamedTuple):
    """Plays a runbook as an operator: with names of a test in place of those in the document."""

    shell: Shell
    aws: Runs
    named: Mapping[str, str]
    folder: Path
    namespace: str

    def play(self, played: Sequence[Command], between: Callable[[], object]) -> None:
        """Each command in order; `between` is called before the first and after each."""
        between()
        for each in played:
            words = [self.named.get(word, word) for word in each.words]
            if words[0] == "aws":
                self.aws.run(words)
            else:
                self._configsvc(words, each.stdin)
            between()

    def _configsvc(self, words: Sequence[str], stdin: str) -> None:
        assert words[0] == "configsvc"
        given = (self.folder / stdin).read_bytes() if stdin else b""
        done = self.shell.run(*words[1:], given=given)
        assert done.code == 0, (words, done)
        self._paste(done.err)

    def _paste(self, told: str) -> None:
        """Pastes what the runbook asks to paste, if a command prints it."""
        for line in told.splitlines():
            if line.startswith("retired_kids = "):
                (self.folder / ".configsvc.toml").write_text(f'[policy."{self.namespace}"]\n{line}\n')
