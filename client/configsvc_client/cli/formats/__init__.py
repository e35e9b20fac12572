"""The formats of `import` and `export`, one module each: `read` returns rows, `write` a text, both also problems."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from pathlib import Path

from configsvc_client.cli.formats import _common
from configsvc_client.cli.formats._common import (
    FileRow,
    FormatReader,
    FormattedFile,
    FormatWriter,
    Problem,
    ReadResult,
    WritableValue,
    explain_unassignable,
)

__all__ = [
    "ENVIRONMENT_FORMATS",
    "FORMATS",
    "TREE_FORMATS",
    "FileRow",
    "FormattedFile",
    "Problem",
    "ReadResult",
    "WritableValue",
    "explain_assumed",
    "explain_unassignable",
    "guess_format",
    "read",
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

_NOT_UTF_8 = "not UTF-8 text; convert the file first, for example with iconv"

FORMATS = tuple(_MODULES)
ENVIRONMENT_FORMATS = ("docker", "shell")
"""Formats of environment files, to which the rules of `exec` apply."""

TREE_FORMATS = ("json", "toml", "yaml")
"""Formats with types and nested mappings. In the others every value is a string."""


def guess_format(name: str) -> str:
    """The format that a file's ending implies, else dotenv."""
    return _SUFFIXES.get(Path(name).suffix.lower(), "dotenv")


def explain_assumed(name: str) -> str | None:
    """A hint that a file was read as dotenv although its name does not imply it; None if it does.

    Args:
        name: of the file; `-`, `<stdin>` or a device if it has none.
    """
    path = Path(name)
    if path.suffix.lower() in _SUFFIXES or re.fullmatch(r"(?i)(.*\.)?env(rc)?|\.env\..*", path.name):
        return None
    found = "stdin" if name in ("-", "<stdin>", "/dev/stdin") else name
    return f"{found} was read as dotenv, because its name implies no format. For another format, pass -f FORMAT."


def read(wanted: str, content: bytes) -> ReadResult:
    """The rows of a file, and its problems. If there are any, nothing should be stored."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return [], [Problem(_common.name_place(line), None, _NOT_UTF_8)]
    reader: FormatReader = importlib.import_module(f"{__name__}.{_MODULES[wanted]}").read
    return reader(text)


def write(wanted: str, values: Sequence[WritableValue], namespace: str) -> FormattedFile:
    """The text of the file, and what it cannot hold. With any problem, it should not be written."""
    writer: FormatWriter = importlib.import_module(f"{__name__}.{_MODULES[wanted]}").write
    return writer(values, namespace)
