"""The annotated settings files are valid, have every option, and are what docs/SETTINGS.md shows."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from configsvc_client.admin import read_policy
from configsvc_client.cli.settings import settings_file
from configsvc_client.cli.settings.profiles import resolve
from configsvc_client.cli.settings.settings_file import SettingsFile, check

ROOT = Path(__file__).parents[2]
PROJECT, USER = ROOT / "examples" / "configsvc.toml", ROOT / "examples" / "user-config.toml"
BOTH = pytest.mark.parametrize(("path", "own"), [(PROJECT, False), (USER, True)], ids=["project", "user"])
UNKNOWN = "no_such_option"


def file(path: Path, *, own: bool) -> SettingsFile:
    return SettingsFile(path.name, tomllib.loads(path.read_text()), own)


def read_known_options(members: Mapping[str, Any], *, own: bool) -> set[str]:
    """The options that the reader names when it refuses an unknown one."""
    with pytest.raises(Exception, match="Known: ") as refused:
        check(SettingsFile("f", {**members, UNKNOWN: ""}, own))
    return set(str(refused.value).rpartition("Known: ")[2].rstrip(".").split(", "))


@BOTH
def test_the_reader_takes_the_file(path: Path, *, own: bool) -> None:
    check(file(path, own=own))


@BOTH
def test_the_file_has_every_option(path: Path, *, own: bool) -> None:
    assert set(file(path, own=own).members) == read_known_options({}, own=own)


def test_the_project_file_has_every_option_of_a_policy() -> None:
    (table,) = file(PROJECT, own=False).members["policy"].values()
    with pytest.raises(Exception, match="Known: ") as refused:
        read_policy({"*": {UNKNOWN: []}}, "f")
    assert set(table) == set(str(refused.value).rpartition("Known: ")[2].rstrip(".").split(", "))


@BOTH
def test_comments_name_the_variable_of_every_option(path: Path, *, own: bool) -> None:
    comments = "\n".join(line for line in path.read_text().splitlines() if line.startswith("#"))
    variables = {*settings_file.MEMBERS, "CONFIGSVC_PROFILE", *({"CONFIGSVC_API_KEY"} if own else ())}
    assert {name for name in variables if not re.search(rf"Variables?:[^#]*\b{name}\b", comments)} == set()


@BOTH
def test_the_profile_it_names_is_in_it(path: Path, *, own: bool) -> None:
    found = file(path, own=own)
    assert resolve({}, [found], None).get("CONFIGSVC_NAMESPACES") == "payments.test"


@pytest.mark.parametrize("path", [PROJECT, USER], ids=["project", "user"])
def test_the_document_shows_the_file(path: Path) -> None:
    assert f"```toml\n{path.read_text()}```" in (ROOT / "docs" / "SETTINGS.md").read_text()
