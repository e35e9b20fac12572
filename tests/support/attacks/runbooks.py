"""The runbooks of OPERATIONS, read from the document and played: real `configsvc`, `aws` on the loopback service."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, Protocol

from tests.support.admin.kms_server import EVERYTHING, allows
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell
from tests.support.runbooks.document import read_runbooks
from tests.support.runbooks.dry_run import SECRET, dry_run

ROOT = Path(__file__).resolve().parents[3]


class Command(NamedTuple):
    """One command of a runbook: the number of its step, its words, and whether the new value is on its stdin."""

    step: int
    words: tuple[str, ...]
    takes_a_value: bool


def commands(title: str) -> list[Command]:
    """The commands of a section in their order, as a shell reads them; without those that no test runs."""
    with TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "scripts").symlink_to(ROOT / "scripts")
        calls = dry_run(read_runbooks()[title].rehearsed, folder, {"create-api-key": "idnew", "ReaderKeyId": "idnew"})
    return [Command(each.step, each.words, bool(each.given)) for each in calls if each.words[0] in {"aws", "configsvc"}]


class Runs(Protocol):
    """Does what a command of the AWS CLI says."""

    def run(self, words: Sequence[str]) -> None:
        """Do it."""


def read_options(words: Sequence[str]) -> dict[str, str]:
    """The options of a command of the AWS CLI, each with its value; a switch has an empty one."""
    named = [(at, word) for at, word in enumerate(words) if word.startswith("--")]
    following = [*words[1:], "--"]
    return {word: "" if following[at].startswith("--") else following[at] for at, word in named}


class Aws(NamedTuple):
    """The few commands of the AWS CLI that the runbooks use, done to the loopback gateway and its KMS."""

    service: Loopback
    names: Mapping[str, str]
    """The access key of each user and role."""

    def run(self, words: Sequence[str]) -> None:
        """Do it."""
        options = read_options(words)
        match words[1], words[2]:
            case ("cloudformation", "describe-stacks") | ("logs", "describe-query-definitions"):  # of what is not here
                pass
            case "apigateway", "create-api-key":
                self.service.keys["a-new-key"] = "idnew"
            case "apigateway", "create-usage-plan-key" | "get-api-key":
                assert "idnew" in {options.get("--key-id"), options.get("--api-key")}
            case "apigateway", "delete-api-key":
                self._forget(options["--api-key"])
            case "apigateway", "update-api-key":
                assert options["--patch-operations"] == "op=replace,path=/enabled,value=false"
                self._forget(options["--api-key"])
            case "iam", "put-user-policy" | "put-role-policy":
                name = options.get("--user-name") or options["--role-name"]
                self._deny(self.names[name], json.loads(options["--policy-document"]))
            case "iam", "update-access-key":
                assert options["--status"] == "Inactive"
                self.service.kms.policies[options["--access-key-id"]] = []
                del self.service.identities[options["--access-key-id"]]
            case _:
                raise AssertionError(words)

    def _forget(self, api_key: str) -> None:
        for value in [value for value, identifier in self.service.keys.items() if identifier == api_key]:
            del self.service.keys[value]

    def _deny(self, access_key: str, policy: dict[str, object]) -> None:
        held = self.service.kms.policies.setdefault(access_key, [EVERYTHING])
        held.append(policy)
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
                self._configsvc(words, takes_a_value=each.takes_a_value)
            between()

    def _configsvc(self, words: Sequence[str], *, takes_a_value: bool) -> None:
        assert words[0] == "configsvc"
        given = (self.folder / SECRET).read_bytes() if takes_a_value else b""
        done = self.shell.run(*words[1:], given=given)
        assert done.code == 0, (words, done)
        self._paste(done.err)

    def _paste(self, told: str) -> None:
        """Pastes what the runbook asks to paste, if a command prints it."""
        for line in told.splitlines():
            if line.startswith("retired_kids = "):
                (self.folder / ".configsvc.toml").write_text(f'[policy."{self.namespace}"]\n{line}\n')
