"""OPERATIONS calls saved queries that exist, with a value for each of their placeholders."""

import re

import pytest

from infra.cloudformation.queries import PLACEHOLDERS, QUERIES
from infra.paths import ROOT

_TEXT = (ROOT / "docs" / "OPERATIONS.md").read_text()
_CALLS = re.findall(r"\bsaved_query ([a-z-]+)((?: [A-Z_]+=[^\s`]+)*)", _TEXT)
_TEXTS = {each.name: each.text for each in QUERIES}


def test_every_call_with_hours_is_one_of_the_shell_function() -> None:
    functions = re.findall(r"HOURS=\d+ (\w+)", _TEXT)
    assert len(functions) > 1
    assert set(functions) == {"saved_query"}


@pytest.mark.parametrize(("name", "given"), sorted(set(_CALLS)))
def test_a_call_fills_every_placeholder_of_its_query(name: str, given: str) -> None:
    assert {each for each in PLACEHOLDERS if each in _TEXTS[name]} == set(re.findall(r"([A-Z_]+)=", given))
