"""Only `terminal` prints: otherwise text from a server could reach the terminal unescaped."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import configsvc_client.cli
from configsvc_client.cli.output import stdio, terminal

CLI = Path(configsvc_client.cli.__file__).parent
ONLY = {Path(terminal.__file__), Path(stdio.__file__)}  # stdio replaces closed streams and writes nothing

CALLS = {"print", "input", "breakpoint"}
MEMBERS = {
    "click": {"echo", "secho", "prompt", "confirm", "echo_via_pager", "progressbar", "pause", "edit", "open_file"},
    "sys": {"stdin", "stdout", "stderr", "__stdout__", "__stderr__", "excepthook"},
    "os": {"write"},
    "traceback": {"print_exc", "print_exception", "print_stack", "print_tb"},
}
MODULES = {"rich", "getpass", "logging", "warnings", "curses", "readline", "pprint"}
SILENT = {"rich.box", "rich.cells", "rich.table", "rich.text"}  # these only lay out; rich's Console writes


def bypasses(tree: ast.AST) -> Iterator[int]:
    """Finds the lines that write, or import something that writes."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in CALLS:
                yield node.lineno
            case ast.Attribute(value=ast.Name(id=module), attr=member) if member in MEMBERS.get(module, ()):
                yield node.lineno
            case ast.ImportFrom(module=str(module), names=names):
                taken = {each.name for each in names}
                writes = module.split(".")[0] in MODULES and module not in SILENT
                if writes or taken & (MEMBERS.get(module, set()) | {"*"}):
                    yield node.lineno
            case ast.Import(names=names):
                if any(each.name.split(".")[0] in MODULES or (each.asname and each.name in MEMBERS) for each in names):
                    yield node.lineno


@pytest.mark.parametrize("path", sorted(CLI.rglob("*.py")), ids=lambda path: str(path.relative_to(CLI)))
def test_only_terminal_module_writes(path: Path) -> None:
    if path not in ONLY:
        assert list(bypasses(ast.parse(path.read_text()))) == []


@pytest.mark.parametrize(
    "line",
    [
        "print(x)", "click.echo(x)", "click.prompt(x)", "sys.stderr.write(x)", "sys.stdin.isatty()",
        "sys.stdout.buffer.write(x)",
        "from click import echo", "from sys import stderr", "import click as c", "from rich.console import Console",
        "import rich.console", "os.write(2, x)", "import getpass", "traceback.print_exc()", "from click import *",
    ],
)  # fmt: skip
def test_write_detector_finds_every_way_to_write(line: str) -> None:
    assert list(bypasses(ast.parse(line))) == [1]
