from __future__ import annotations

import io
import json
import shutil
import subprocess

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from configsvc_client.cli.formats import Row, Value, read, write

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


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_what_is_written_is_what_python_dotenv_itself_loads(texts: list[str]) -> None:
    values = [Value(f"k.{number}", text.encode(), "text/plain") for number, text in enumerate(texts)]
    written, _ = write("dotenv", values, "any.thing")
    loaded = dotenv_values(stream=io.StringIO(written), interpolate=False)
    assert list(loaded.values()) == texts


@pytest.mark.parametrize("text", ["a b", "$HOME `id` $(id)", 'say "x"', "#no comment", "two\nlines", "", "ü=✓"])
def test_a_shell_takes_lines_without_single_quotes_and_backslashes_alike(text: str) -> None:
    written, _ = write("dotenv", [Value("K", text.encode(), "text/plain")], "any.thing")
    shell = shutil.which("sh") or "/bin/sh"
    done = subprocess.run([shell, "-c", f'{written}\nprintf %s "$K"'], capture_output=True, check=True, timeout=60)
    assert done.stdout.decode() == text


def test_neither_a_row_nor_a_problem_shows_a_text() -> None:
    found, problems = read("dotenv", f'a={CANARY}\na={CANARY}\nb="{CANARY}\n'.encode())
    assert CANARY not in repr(found)
    assert CANARY not in json.dumps(problems)
    assert [problem.place for problem in problems] == ["line 2", "line 3"]
    assert CANARY not in repr(Row("line 1", "a", CANARY.encode()))
    assert CANARY not in repr(Value("a", CANARY.encode(), "text/plain"))
