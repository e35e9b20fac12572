"""What `import` reads and `export` writes, a module a format: `read` gives rows, `write` a text, both problems."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from pathlib import Path

from configsvc_client.cli.formats import _common
from configsvc_client.cli.formats._common import (
    FileRow,
    FormatReader,
    FormatWriter,
    Problem,
    ReadResult,
    WritableValue,
    Written,
    why_not_assignable,
)

__all__ = [
    "ENVIRONMENT_FORMATS",
    "FORMATS",
    "TREE_FORMATS",
    "FileRow",
    "Problem",
    "ReadResult",
    "WritableValue",
    "Written",
    "assumed",
    "format_of",
    "read",
    "why_not_assignable",
    "write",
]  # fmt: skip

_MODULES = {
    "csv": "_csv",
    "docker": "_docker",
    "dotenv": "_dotenv",
    "json": "_json",
    "k8s-secret": "_k8s_secret",
    "properties": "_properties",
    "shell": "_shell",
    "toml": "_toml",
    "yaml": "_yaml",
}
_SUFFIXES = {
    ".csv": "csv", ".json": "json", ".properties": "properties", ".sh": "shell", ".toml": "toml", ".tsv": "csv",
    ".yaml": "yaml", ".yml": "yaml",
}  # fmt: skip

_NOT_UTF_8 = "not UTF-8 text; convert the file first, such as with iconv"

FORMATS = tuple(_MODULES)
ENVIRONMENT_FORMATS = ("docker", "shell")
"""Files that are made to become an environment, so the rules of `exec` apply."""

TREE_FORMATS = ("json", "toml", "yaml")
"""Formats with types and with mappings in mappings. In the others every value is a text."""


def format_of(name: str) -> str:
    """The format that a file's name tells: by its ending, else dotenv."""
    return _SUFFIXES.get(Path(name).suffix.lower(), "dotenv")


def assumed(name: str) -> str | None:
    """What to say of a file that is read as dotenv though its name does not say so; None where it does.

    Args:
        name: of the file; `-`, `<stdin>` or a device for what has none.
    """
    path = Path(name)
    if path.suffix.lower() in _SUFFIXES or re.fullmatch(r"(?i)(.*\.)?env(rc)?|\.env\..*", path.name):
        return None
    found = "stdin" if name in ("-", "<stdin>", "/dev/stdin") else name
    return f"{found} was read as dotenv, because its name says no format. For another one pass -f FORMAT."


def read(wanted: str, content: bytes) -> ReadResult:
    """The rows of a file, and its problems: with any, nothing of it should be stored."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return [], [Problem(_common.place_at(line), None, _NOT_UTF_8)]
    reader: FormatReader = importlib.import_module(f"{__name__}.{_MODULES[wanted]}").read
    return reader(text)


def write(wanted: str, values: Sequence[WritableValue], namespace: str) -> Written:
    """The file, and what it cannot hold: one problem or more, and it should not be written."""
    writer: FormatWriter = importlib.import_module(f"{__name__}.{_MODULES[wanted]}").write
    return writer(values, namespace)
