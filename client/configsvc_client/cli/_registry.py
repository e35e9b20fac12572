"""The commands: one for each file in `commands/`, found and summarised without importing it.

`commands/data_key.py` is `configsvc data-key`. A file holds a click command named `command`, whose help is the file's
docstring; the first line of the docstring is the summary. `import_.py` is `import`, which cannot name a module.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType
from typing import NamedTuple

import click

from configsvc_client.cli import commands

_QUOTES = '"""'


class CommandFile(NamedTuple):
    """A file that holds a command."""

    name: str
    package: str
    module: str


@cache
def find_commands(package: ModuleType = commands) -> dict[str, CommandFile]:
    """The command files of a package by their commands' names."""
    modules = [each.name for each in pkgutil.iter_modules(package.__path__)]
    names = {module: module.rstrip("_").replace("_", "-") for module in modules}
    return {names[module]: CommandFile(names[module], package.__name__, module) for module in modules}


def read_summary(found: CommandFile) -> str:
    """The first line of a file's docstring. Reading the text is faster than importing it, and works in a zip too."""
    text = pkgutil.get_data(found.package, f"{found.module}.py") or b""
    return text.decode().partition(_QUOTES)[2].partition("\n")[0].removesuffix(_QUOTES)


def load_command(found: CommandFile) -> click.Command:
    """Import a file's command, and name it as the file is named."""
    command: click.Command = importlib.import_module(f"{found.package}.{found.module}").command
    command.name = found.name
    return command
