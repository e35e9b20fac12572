"""Every command in the documents is one that there is, with the options it is given."""

from __future__ import annotations

import ast
import importlib.util
import itertools
import re
import shlex
from pathlib import Path
from typing import NamedTuple, get_type_hints

import botocore.session
import click
import pytest
from botocore import xform_name

from configsvc.model.errors import Conflict
from configsvc_client.admin import Admin
from configsvc_client.admin.admin import AdminNouns
from configsvc_client.cli.command_line import _commands as cli
from tests.support.runbooks.document import without_runbooks

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = (
    "CONTRIBUTING.md", "README.md", "bench/README.md", "docs/CLIENT.md", "docs/DECISIONS.md", "docs/ENV_FILES.md",
    "docs/FORMATS.md", "docs/INTEGRATIONS.md", "docs/OPERATIONS.md", "docs/SECURITY.md", "docs/SETTINGS.md",
    "docs/TESTING.md",
)  # fmt: skip
_NAMED = re.compile(r"\bmake ([a-z-]+)")
NOUNS: dict[str, type] = get_type_hints(AdminNouns)
_GLOBAL = {"--query", "--output", "--region"}
# Commands that the AWS CLI adds to the operations of the service (its reference, "aws cloudformation deploy").
_OF_THE_CLI_ALONE = {
    ("cloudformation", "deploy"): {
        "--stack-name", "--template-file", "--capabilities", "--parameter-overrides", "--tags", "--role-arn",
        "--s3-bucket", "--no-execute-changeset", "--no-fail-on-empty-changeset",
    },
}  # fmt: skip
# The options of the AWS CLI that are not called like their parameters, because a global option has that name.
_RENAMED = {("sns", "subscribe"): {"--notification-endpoint": "--endpoint"}}


def _shell(text: str) -> list[list[str]]:
    """Return the commands of the `sh` blocks and of text in backticks, one list of words each.

    The blocks of runbooks are run by a shell in tests/docs/test_runbooks.py.
    """
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", without_runbooks(text), re.DOTALL))
    blocks = re.sub(r"\\\n\s*", " ", re.sub(r"^ {3}", "", blocks, flags=re.MULTILINE))
    outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    lines = [*blocks.splitlines(), *re.findall(r"`((?:make|aws|configsvc|python) [^`]+)`", outside)]
    unpacked = [re.sub(r"^\w+=\$\((.*)\)$", r"\1", line.strip()) for line in lines]
    commands = [line.rpartition(" | ")[2] for line in unpacked if line and not line.startswith(("#", "NS=", "BLOB="))]
    return [words for line in commands if (words := shlex.split(line.split(" < ")[0], comments=True))]


COMMANDS = [(document, words) for document in DOCUMENTS for words in _shell((ROOT / document).read_text())]


def _of(program: str) -> list[list[str]]:
    return [words for _, words in COMMANDS if Path(words[0]).name == program]


def _options(words: list[str]) -> set[str]:
    own = itertools.takewhile(lambda word: word != "--", words)
    return {word.split("=")[0] for word in own if word.startswith("-") and word != "-"}


def test_there_are_commands_to_check() -> None:
    assert min(len(_of(program)) for program in ("make", "aws", "configsvc", "python")) > 0


@pytest.mark.parametrize("words", _of("make"), ids=" ".join)
def test_make_has_the_target(words: list[str]) -> None:
    assert words[1] in _find_targets()


def _find_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)) - {"define", "endef"}


def test_the_documents_name_every_target_of_make() -> None:
    named = {target for document in DOCUMENTS for target in _NAMED.findall((ROOT / document).read_text())}
    assert _find_targets() - named == set()


@pytest.mark.parametrize("words", _of("python"), ids=" ".join)
def test_python_has_the_module(words: list[str]) -> None:
    assert words[1] == "-m"
    assert importlib.util.find_spec(words[2])


@pytest.mark.parametrize("words", _of("configsvc"), ids=" ".join)
def test_configsvc_has_the_command_and_its_options(words: list[str]) -> None:
    command: click.Command | None = cli
    rest = words[1:]
    while isinstance(command, click.Group) and rest:
        command, rest = command.get_command(click.Context(command), rest[0]), rest[1:]
    assert command is not None, words
    known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
    assert _options(rest) <= known


@pytest.mark.parametrize("words", _of("aws"), ids=" ".join)
def test_aws_has_the_operation_and_its_parameters(words: list[str]) -> None:
    service, operation = words[1], words[2]
    model = botocore.session.Session().get_service_model(service)
    if operation == "wait":
        return
    if (service, operation) in _OF_THE_CLI_ALONE:
        assert _options(words[3:]) - _GLOBAL <= _OF_THE_CLI_ALONE[service, operation]
        return
    known = {xform_name(name, "-"): name for name in model.operation_names}
    shape = model.operation_model(known[operation]).input_shape
    members = {f"--{xform_name(name, '-')}" for name in (shape.members if shape else ())}
    renamed = _RENAMED.get((service, operation), {})
    given = {renamed.get(each, each) for each in _options(words[3:]) - _GLOBAL}
    assert {each if each in members else re.sub(r"^--no-", "--", each) for each in given} <= members


def _python(document: str) -> list[str]:
    text = re.sub(r"^ {3}", "", (ROOT / document).read_text(), flags=re.MULTILINE)
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_python_in_the_documents_calls_what_admin_has(document: str) -> None:
    for source in _python(document):
        for node in ast.walk(ast.parse(source)):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="admin"), attr=verb)):
                    assert hasattr(Admin, verb), verb
                case ast.Attribute(value=ast.Attribute(value=ast.Name(id="admin"), attr=noun), attr=verb):
                    assert hasattr(NOUNS[noun], verb), f"{noun}.{verb}"
    for noun, verb in re.findall(r"`admin\.(\w+)(?:\.(\w+))?", (ROOT / document).read_text()):
        assert hasattr(NOUNS[noun], verb) if verb else noun in NOUNS or hasattr(Admin, noun), f"{noun}.{verb}"


def test_the_table_of_nouns_names_every_verb_of_admin() -> None:
    rows = re.findall(r"^\| `admin\.(\w+)` \| (.*) \|$", (ROOT / "docs/CLIENT.md").read_text(), re.MULTILINE)
    named = {noun: set(re.findall(r"`(\w+)`", verbs)) for noun, verbs in rows}
    assert named == {noun: {each for each in vars(made) if not each.startswith("_")} for noun, made in NOUNS.items()}


class Listed(NamedTuple):
    namespace: str


class Refusing:
    """Three namespaces, the second of which refuses upkeep."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.namespaces = self

    def create(self, *_: object, **__: object) -> None:
        pass

    def list(self) -> list[Listed]:
        return [Listed(name) for name in ("first", "second", "third")]

    def run_upkeep(self, namespace: str) -> str:
        if namespace == "second":
            raise Conflict("Its log is too long.")
        self.kept.append(namespace)
        return "pruned"


def test_a_refused_upkeep_fails_the_job_after_the_other_namespaces() -> None:
    (source,) = [each for each in _python("docs/OPERATIONS.md") if "run_upkeep" in each]
    parsed = ast.parse(source).body
    body = [part for each in parsed for part in (each.body if isinstance(each, ast.With) else [each])]
    admin = Refusing()
    with pytest.raises(SystemExit, match="second: Its log is too long") as ended:
        exec(compile(ast.Module(body, []), "OPERATIONS.md", "exec"), {"admin": admin})  # noqa: S102  # our own document
    assert admin.kept == ["first", "third"]
    assert ended.value.code != 0
