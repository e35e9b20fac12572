"""The check for phrases: where it finds them, and when an exemption has to go."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.language.phrases import Phrase, Table, find, find_unneeded, read

_ANEW = Phrase(r"\bbegins anew\b", "write: starts again")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("It begins anew.", 1),
        ("\nIt Begins\n  anew.", 2),
        ("# It begins\n# anew", 1),
        ("a\n    # begins\n    # anew", 2),
    ],
)
def test_a_phrase_is_found_across_lines_and_comments(text: str, line: int) -> None:
    ((found, _, phrase),) = find(text, [_ANEW])
    assert (found, phrase) == (line, _ANEW)


@pytest.mark.parametrize("text", ["It begins again.", "begins_anew", "It begins, anew"])
def test_other_words_are_not_found(text: str) -> None:
    assert not list(find(text, [_ANEW]))


def test_an_exemption_that_hides_nothing_is_named() -> None:
    assert find_unneeded(["docs/", "infra/"], ["docs/OLD.md"]) == ["infra/"]


def test_files_below_an_exempt_folder_are_exempt() -> None:
    table = Table((_ANEW,), ("docs/",))
    assert table.exempts("docs/OLD.md")
    assert not table.exempts("README.md")


def test_every_phrase_of_the_table_is_a_pattern_with_advice() -> None:
    for phrase in read(Path(__file__).parents[2]).phrases:
        assert list(find("", [phrase])) == []
        assert phrase.write
