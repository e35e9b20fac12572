from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from configsvc_client.cli.formats import Row, Value, read

CANARY = "canary-1f00"


def _texts(text: str) -> list[tuple[str, str]]:
    found, problems = read("dotenv", text.encode())
    assert not problems
    return [(row.key, row.data.decode()) for row in found]


def test_keys_stand_as_they_are_and_nothing_is_filled_in() -> None:
    found = _texts("db.url=x\nDB-Url=${HOME} $db\nexport a_b='c'\n# d=e\n\n")
    assert found == [("db.url", "x"), ("DB-Url", "${HOME} $db"), ("a_b", "c")]


def test_quotes_hold_newlines_hashes_and_equals_signs() -> None:
    found = _texts("a=\"x\ny\"\nb='p=q #r'\nc=p=q #r\n")
    assert [text for _, text in found] == ["x\ny", "p=q #r", "p=q"]


@given(texts=st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\\\"'\r")), max_size=5))
def test_double_quoted_text_is_taken_as_it_is(texts: list[str]) -> None:
    assert [text for _, text in _texts("".join(f'k{n}="{text}"\n' for n, text in enumerate(texts)))] == texts


def test_neither_a_row_nor_a_problem_shows_a_text() -> None:
    found, problems = read("dotenv", f'a={CANARY}\na={CANARY}\nb="{CANARY}\n'.encode())
    assert CANARY not in repr(found)
    assert CANARY not in json.dumps(problems)
    assert [problem.place for problem in problems] == ["line 2", "line 3"]
    assert CANARY not in repr(Row("line 1", "a", CANARY.encode()))
    assert CANARY not in repr(Value("a", CANARY.encode(), "text/plain"))
