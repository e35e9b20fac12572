from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from configsvc_client.cli._dotenv import Row, rows

CANARY = "canary-1f00"


def test_keys_stand_as_they_are_and_nothing_is_filled_in() -> None:
    found, problems = rows("db.url=x\nDB-Url=${HOME} $db\nexport a_b='c'\n# d=e\n\n")
    assert [(row.key, row.text) for row in found] == [("db.url", "x"), ("DB-Url", "${HOME} $db"), ("a_b", "c")]
    assert not problems


def test_quotes_hold_newlines_hashes_and_equals_signs() -> None:
    found, _ = rows("a=\"x\ny\"\nb='p=q #r'\nc=p=q #r\n")
    assert [row.text for row in found] == ["x\ny", "p=q #r", "p=q"]


@given(texts=st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\\\"'\r")), max_size=5))
def test_double_quoted_text_is_taken_as_it_is(texts: list[str]) -> None:
    found, problems = rows("".join(f'k{number}="{text}"\n' for number, text in enumerate(texts)))
    assert [row.text for row in found] == texts
    assert not problems


def test_neither_a_row_nor_a_problem_shows_a_text() -> None:
    found, problems = rows(f'a={CANARY}\na={CANARY}\nb="{CANARY}\n')
    assert CANARY not in repr(found)
    assert CANARY not in json.dumps(problems)
    assert [problem.line for problem in problems] == [2, 3]
    assert repr(Row(1, "a", CANARY)) == "Row(line=1, key='a', text=***)"
