"""The table of settings is the one source: the constructor and the document agree with it."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from configsvc_client import Config
from configsvc_client._settings import SETTINGS, ClientSettings

DOCS = Path(__file__).parents[2] / "docs" / "CLIENT.md"
NOT_SETTINGS = {"background", "environ", "world"}


def _rows() -> list[str]:
    return [
        f"| `{row.variable}` | `{'*' if row.name == 'namespaces' else ''}{row.name}` | {row.shown} | {row.doc} |"
        for row in SETTINGS
    ]


def test_the_constructor_takes_each_setting_and_only_by_keyword() -> None:
    parameters = dict(inspect.signature(Config.__init__).parameters)
    del parameters["self"]
    assert parameters.keys() - NOT_SETTINGS == {row.name for row in SETTINGS}
    assert parameters.pop("namespaces").kind is inspect.Parameter.VAR_POSITIONAL
    assert {each.kind for each in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}


def test_the_document_of_the_constructor_names_each_setting_once() -> None:
    named = re.findall(r"^        (\w+): ", Config.__doc__ or "", re.MULTILINE)
    assert sorted(set(named) - NOT_SETTINGS) == sorted(row.name for row in SETTINGS)
    assert len(named) == len(set(named))


def test_each_setting_has_a_field_and_each_field_a_setting() -> None:
    assert {row.field or row.name for row in SETTINGS} == set(ClientSettings._fields)


def test_the_table_in_the_document_is_made_of_the_rows() -> None:
    shown = re.findall(r"^\| `CONFIGSVC_[A-Z_]+` \| .*$", DOCS.read_text().split("## Settings")[1], re.MULTILINE)
    assert shown[: len(SETTINGS)] == _rows()


def test_the_default_that_is_shown_is_the_one_that_is_used() -> None:
    numbers = {row.name: (row.shown, f"{row.default:g}") for row in SETTINGS if isinstance(row.default, float)}
    assert all(shown == number or (shown, number) == ("none", "inf") for shown, number in numbers.values())
