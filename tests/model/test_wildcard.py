from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model.names import matches


@pytest.mark.parametrize(
    ("text", "pattern", "found"),
    [
        ("db.url", "db.url", True), ("db.url", "db.*", True), ("dbxurl", "db.*", False), ("db.url", "*", True),
        ("", "*", True), ("", "", True), ("a", "", False), ("aba", "a*a", True), ("a", "a*a", False),
        ("abc", "*b*", True), ("ac", "a*b*c", False), ("abxbc", "a*b*c", True),
        ("a.b", "a?b", False), ("a", "**", True),
    ],
)  # fmt: skip
def test_a_star_matches_any_text(text: str, pattern: str, found: bool) -> None:  # noqa: FBT001  # a table
    assert matches(text, pattern) is found


@given(st.text("ab.*", max_size=12), st.text("ab*", max_size=8))
def test_a_wildcard_matches_like_a_regular_expression(text: str, pattern: str) -> None:
    same = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text)
    assert matches(text, pattern) is (same is not None)


class Counted(str):  # noqa: SLOT000  # one of them
    """A text that counts how often it is searched."""

    searches = 0

    def find(self, *arguments: object) -> int:
        type(self).searches += 1
        return str.find(self, *arguments)  # type: ignore[arg-type]


def test_each_part_of_a_pattern_is_searched_once() -> None:
    Counted.searches = 0
    assert not matches(Counted("a" * 255), "*a" * 100 + "*b*")
    assert Counted.searches == 101
