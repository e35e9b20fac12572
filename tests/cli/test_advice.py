"""No message advises an option that the running command does not have, unless it names a command that has it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

import configsvc
import configsvc_client
from configsvc.model import errors
from configsvc_client.cli import command_line, exit_codes, option_advice
from configsvc_client.cli.command_line import _commands
from configsvc_client.cli.output import terminal

ROOT = click.Context(_commands, info_name="configsvc")
COMMANDS = dict(option_advice.list_commands(_commands, ROOT))
CLI = Path(str(configsvc_client.__file__)).parent / "cli"
SOURCES = sorted(
    path for package in (configsvc, configsvc_client) for path in Path(str(package.__file__)).parent.rglob("*.py")
)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
KNOWN = {option for each in COMMANDS.values() for option in option_advice.list_options(each)}


def find_misleading_options(text: str, command: click.Command) -> list[str]:
    """Finds our options that a text names for a command without them."""
    found = []
    for sentence in re.split(r"(?<=[.;!?])\s+", text):
        for option in OPTION.finditer(sentence):
            before = sentence[: option.start()]
            named = [path for path in COMMANDS if re.search(rf"\bconfigsvc {path}\b", before)]
            having = [path for path in named if option.group() in option_advice.list_options(COMMANDS[path])]
            if option.group() in KNOWN - option_advice.list_options(command) and not having:
                found.append(option.group())
    return found


def find_texts(tree: ast.AST, left_out: frozenset[int] = frozenset()) -> Iterator[str]:
    """Yields every text below a node that names an option, with X for placeholders."""
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in inner | left_out:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        else:
            text = str(node.value) if isinstance(node, ast.Constant) else ""
        if " " in text and OPTION.search(text):
            yield text


def find_literals(path: Path) -> Iterator[str]:
    """Yields the texts of a module, without docstrings."""
    tree = ast.parse(path.read_text())
    documented = (node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef))
    docs = {id(node.body[0].value) for node in documented if node.body and isinstance(node.body[0], ast.Expr)}
    yield from find_texts(tree, frozenset(docs))


APART = " .\n\n"
TEXTS = sorted({text for path in SOURCES for text in find_literals(path)})


def test_advice_scan_finds_texts() -> None:
    assert len(TEXTS) > 60
    assert any("--if-match" in each for each in exit_codes._WORDS.values())  # noqa: SLF001  # the test checks its content


@pytest.mark.parametrize("path", COMMANDS)
def test_every_text_fits_every_command(path: str) -> None:
    command = COMMANDS[path]
    fitted = option_advice.fit_options(APART.join(TEXTS), command, ROOT).split(APART)
    assert [text for text in fitted if find_misleading_options(text, command)] == []


ERRORS = [
    errors.PreconditionRequired(
        "This namespace requires a precondition: If-Match or If-None-Match: * (in a change set if_match or "
        "create_only)."
    ),
    errors.Unprocessable('The latest version is sealed. A plain value needs "declassify": true and the admin action.'),
    errors.Unprocessable("The value is not UTF-8 text. Store it as bytes (--binary)."),
    errors.Unprocessable("Not all of it.", problems=["a: not so; --variables renames it to A"]),
    errors.NotFound("No version lower was ever served. Name one with --to-version.", key="k", version=1),
    *(each("It failed.") for each in errors.SENT),
]


@pytest.mark.parametrize("path", COMMANDS)
def test_every_error_fits_every_command(path: str) -> None:
    command = COMMANDS[path]
    with click.Context(_commands, info_name="configsvc") as context:
        option_advice.note_command(context, command)
        lines = [line for error in ERRORS for line in (*exit_codes.get_lines(error), exit_codes.get_reason(error))]
        usage = [
            line
            for each in ("Add --yes or --reveal.", "--as needs exactly one KEY.")
            for line in exit_codes.describe_usage(click.UsageError(each))
        ]
    assert [line for line in (*lines, *usage) if find_misleading_options(line, command)] == []


@pytest.mark.parametrize(
    ("text", "path", "fitted"),
    [
        ("Pass --if-match or --create-only.", "put", "Pass --if-match or --create-only."),
        ("Pass --if-match or --create-only.", "delete", "Pass --if-match or configsvc put --create-only."),
        ("Show it: --reveal", "list", "Show it: configsvc export --reveal"),
        ("Then: configsvc namespace lift x --revision 3", "get", "Then: configsvc namespace lift x --revision 3"),
        ("Run `configsvc put --seal`. Or --plain.", "get", "Run `configsvc put --seal`. Or configsvc put --plain."),
        ("`docker run --env-file` keeps it", "get", "`docker run --env-file` keeps it"),
        ("configsvc get k --version 3 shows it", "activate", "configsvc get k --version 3 shows it"),
    ],
)
def test_missing_option_is_named_with_a_command_that_has_it(text: str, path: str, fitted: str) -> None:
    assert option_advice.fit_options(text, COMMANDS[path], ROOT) == fitted


def list_descriptions(command: click.Command) -> Iterator[str]:
    yield command.help or ""
    yield from (each.help or "" for each in command.params if isinstance(each, click.Option))


@pytest.mark.parametrize("path", COMMANDS)
def test_help_names_no_option_that_the_command_lacks(path: str) -> None:
    assert [text for text in list_descriptions(COMMANDS[path]) if find_misleading_options(text, COMMANDS[path])] == []


@cache
def find_imports(path: Path) -> frozenset[Path]:
    """Finds the command-line modules that a module imports, also within functions."""
    names = set[str]()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("configsvc_client.cli"):
            names |= {f"{node.module}.{each.name}" for each in node.names} | {str(node.module)}
    files = {CLI / (name.removeprefix("configsvc_client.cli.").replace(".", "/") + ".py") for name in names}
    return frozenset(each for each in files if each.exists())


def find_module(path: str) -> Path:
    """Returns the module of a command."""
    return CLI.parent.parent / (COMMANDS[path].callback.__module__.replace(".", "/") + ".py")


@cache
def find_users(module: Path) -> frozenset[str]:
    """Finds the commands that import a module, directly or not; modules that every command uses do not count."""
    found, seen, left = (
        set[str](),
        {Path(str(each.__file__)) for each in (command_line, exit_codes, terminal)},
        [module],
    )
    while left:
        at = left.pop()
        if at in seen:
            continue
        seen.add(at)
        mine = {path for path in COMMANDS if find_module(path) == at}
        found |= mine
        if not mine:
            left += [each for each in CLI.rglob("*.py") if at in find_imports(each)]
    return frozenset(found)


def find_printed_texts(path: Path) -> Iterator[str]:
    """Yields texts that a module prints itself, not as errors, which are fitted to the command."""
    for node in ast.walk(ast.parse(path.read_text())):
        called = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
        if called in ("say", "report_done", "show", "agree"):
            yield from find_texts(node)


SPOKEN = [(path, text) for path in sorted(CLI.rglob("*.py")) for text in find_printed_texts(path)]


@pytest.mark.parametrize(("path", "text"), SPOKEN, ids=[path.stem for path, _ in SPOKEN])
def test_printed_advice_names_only_options_of_every_command_that_prints_it(path: Path, text: str) -> None:
    named = find_users(path)
    assert named
    assert [each for each in named if find_misleading_options(text, COMMANDS[each])] == []
