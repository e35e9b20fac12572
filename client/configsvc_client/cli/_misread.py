"""What a person who types `configsvc export db.*` or `-o json` means: neither a file of that name nor dotenv."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection

import click

from configsvc_client.cli import _common
from configsvc_client.cli._destination import STDOUT
from configsvc_client.cli.formats import format_of


def check_format(file: str, wanted: str | None) -> None:
    """Refuse `--output json` where the file would be of another format.

    Raises:
        click.UsageError: names --format.
    """
    if wanted is None and _common.asked("output") == "json" and format_of(file) != "json":
        raise click.UsageError("--output is for messages and tables. For a file of JSON: --format json")


def check_file(file: str, namespaces: Collection[str], keys: Collection[str]) -> None:
    """Refuse a FILE that looks like a choice of keys or a namespace: everything would be written into it.

    Args:
        file: as it was typed. With a folder before it, it is a file whatever its name.
        namespaces: that are exported.
        keys: that they serve.

    Raises:
        click.UsageError: names the option that was meant, and the spelling of a file.
    """
    meant = None if file == STDOUT or os.sep in file else _meant(file, namespaces, keys)
    if meant:
        raise click.UsageError(f"{file} is where to write. {meant} For a file of that name: {shlex.quote('./' + file)}")


def _meant(file: str, namespaces: Collection[str], keys: Collection[str]) -> str | None:
    if "*" in file or file in keys:
        return f"To export some keys: --only {shlex.quote(file)}"
    if file in namespaces:
        return f"To export a namespace: -n {file}"
    prefix = file if file.endswith(".") else f"{file}."
    if any(key.startswith(prefix) for key in keys):
        return f"To export some keys: --only {shlex.quote(f'{prefix}*')}"
    return None
