from __future__ import annotations

import importlib
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

import configsvc
import configsvc_client
from configsvc_client.cli.command_line import _commands, find_commands, load_command, read_summary

_FILE = '''"""Greet somebody.

Politely.
"""

import click


@click.command(help=__doc__)
def command() -> None:
    pass
'''


@pytest.fixture(params=["folder", "zip"])
def package(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A package with two command files."""
    name, archive = f"greetings_in_{request.param}", tmp_path / "packed.zip"
    files = {f"{name}/__init__.py": "", f"{name}/say_hello.py": _FILE, f"{name}/import_.py": _FILE}
    with zipfile.ZipFile(archive, "w") as packed:
        for path, text in files.items():
            packed.writestr(path, text)
        packed.extractall(tmp_path)
    monkeypatch.syspath_prepend(archive if request.param == "zip" else tmp_path)
    return importlib.import_module(name)


def test_a_file_in_the_folder_is_a_command(package: ModuleType) -> None:
    found = find_commands(package)
    assert set(found) == {"say-hello", "import"}
    assert read_summary(found["say-hello"]) == "Greet somebody."
    assert f"{package.__name__}.say_hello" not in sys.modules
    command = load_command(found["say-hello"])
    assert command.name == "say-hello"
    assert command.help == "Greet somebody.\n\nPolitely.\n"


def all_commands(group: click.Group = _commands, path: str = "configsvc") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from all_commands(command, f"{path} {name}")


COMMANDS = dict(all_commands())


@pytest.mark.parametrize("name", sorted(find_commands()))
def test_the_help_of_a_command_begins_with_its_summary(name: str) -> None:
    summary = read_summary(find_commands()[name])
    command = _commands.get_command(click.Context(_commands), name)
    assert command is not None
    shown = command.get_help(click.Context(command, info_name=name)).splitlines()
    assert shown[2].strip() == summary


@pytest.mark.parametrize("path", COMMANDS)
def test_a_summary_is_one_short_imperative_line(path: str) -> None:
    summary, _, rest = str(COMMANDS[path].help).partition("\n")
    assert rest == "" or rest.startswith("\n"), path
    assert re.fullmatch(r"[A-Z][a-z]*[^s] .*\.", summary), path
    assert len(summary) <= 72, path
    assert not re.search(r"\b(that|what|which|where)\b", summary), path


def test_help_works_from_a_zip(tmp_path: Path) -> None:
    archive = tmp_path / "packed.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for package in (configsvc, configsvc_client):
            root = Path(str(package.__file__)).parent
            for file in root.rglob("*.py"):
                packed.write(file, file.relative_to(root.parent))
    done = subprocess.run(
        [sys.executable, "-m", "configsvc_client.cli", "--help"],
        env={"PYTHONPATH": str(archive)}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "  data-key    List, add, rotate, rewrap and retire data keys.\n" in done.stdout
