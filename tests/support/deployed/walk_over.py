"""The runbook "Rotate an API key" of OPERATIONS, read from the document and played against a stack of a test's own."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Mapping

import boto3

from local.clients import make_client_arguments
from local.people import ApiKey
from local.story.terminal import variables
from tests.support.cli.shell import Done, Shell
from tests.support.deployed.fleet import Fleet
from tests.support.deployed.generations import Generations
from tests.support.deployed.own_stack import NAMESPACE
from tests.support.runbooks.document import steps

TITLE = "Rotate an API key"
_OLD, _NEW = "a1b2c3d4e5", "f6g7h8i9j0"  # the ids in the document
_DEPLOYED = re.compile(r"Deploy the consumers with .*?`CONFIGSVC_API_KEY=\"([^\"]+)\"`")
_BLOCK = re.compile(r"```(toml|sh)\n(.*?)```", re.DOTALL)


class WalkOver:
    """An operator who follows the steps. Knows both keys once the first step made the new one.

    Args:
        stack: deployed with its current key.
        fleet: its consumers.
        since: the generation that the document calls 1.
    """

    def __init__(self, stack: Generations, fleet: Fleet, old: ApiKey, since: int) -> None:
        self._stack, self._fleet, self._since = stack, fleet, since
        self.keys: dict[str, ApiKey] = {"OLD": old}
        self._reader: Mapping[str, int] = {}
        self.said: list[str] = []

    def play(self, number: int) -> list[str]:
        """Do a step; returns the keys that it deploys consumers with."""
        text = steps(TITLE)[number]
        for kind, block in _BLOCK.findall(re.sub(r"^   ", "", text, flags=re.MULTILINE)):
            if kind == "toml":
                self._reader = tomllib.loads(block)["reader"]
            else:
                for line in block.strip().splitlines():
                    self._run(shlex.split(line))
        return [self._fill(each) for each in _DEPLOYED.findall(" ".join(_BLOCK.sub("", text).split()))]

    def _run(self, words: list[str]) -> None:
        match words:
            case ["make", "deploy", "STAGE=prod"]:
                self._deploy()
            case [start, "apigateway", "get-api-key", "--api-key", key, *_] if start.endswith("=$(aws"):
                assert self.keys[start.partition("=")[0]].identifier == self._name(key)
            case ["aws", "apigateway", "update-api-key", "--api-key", key, "--patch-operations", operation]:
                self._patch(self._name(key), dict(each.split("=", 1) for each in operation.split(",")))
            case ["configsvc", *arguments]:
                self._say(self._shell(administrator=True).run(*map(self._name, arguments)))
            case [setting, "configsvc", *arguments]:
                name, _, value = setting.partition("=")
                self._say(self._shell(administrator=False).but(**{name: self._fill(value)}).run(*arguments))
            case _:
                raise AssertionError(words)

    def _deploy(self) -> None:
        reader = {**self._reader, "generation": self._since - 1 + self._reader["generation"]}
        outputs, advice = self._stack.deploy(**reader)
        self.keys["NEW"] = self._stack.key(outputs["ReaderKeyId"])
        self.said += advice

    def _patch(self, key: str, operation: Mapping[str, str]) -> None:
        client = boto3.client("apigateway", **make_client_arguments(self._stack.own.stack.endpoint))
        client.update_api_key(apiKey=key, patchOperations=[operation])  # type: ignore[list-item]  # as the CLI has it

    def _shell(self, *, administrator: bool) -> Shell:
        own = self._stack.own
        return Shell(variables(own.stack, own.administrator if administrator else own.writer, NAMESPACE))

    def _say(self, done: Done) -> None:
        assert done.code == 0, done
        self.said += [*done.out.splitlines(), *done.err.splitlines()]

    def _name(self, text: str) -> str:
        """Puts the ids of the real keys in place of the document's."""
        if _NEW in text:
            text = text.replace(_NEW, self.keys["NEW"].identifier)
        return text.replace(_OLD, self.keys["OLD"].identifier)

    def _fill(self, text: str) -> str:
        """Puts the keys in place of `$OLD` and `$NEW`."""
        return re.sub(r"\$(\w+)", lambda found: self.keys[found[1]].value, text)
