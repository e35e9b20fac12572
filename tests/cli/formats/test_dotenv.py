from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from configsvc_client.cli.formats import FileRow, WritableValue, read, write
from configsvc_client.cli.formats._dotenv import is_always_expanded
from tests.support.cli import readers
from tests.support.cli.compose import ComposeError

CANARY = "canary-1f00"


def _texts(text: str) -> list[tuple[str, str]]:
    found, problems = read("dotenv", text.encode())
    assert not problems
    return [(row.key, row.data.decode()) for row in found]


def test_keys_are_kept_and_nothing_is_expanded() -> None:
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
    assert CANARY not in repr(FileRow("line 1", "a", CANARY.encode()))
    assert CANARY not in repr(WritableValue("a", CANARY.encode(), "text/plain"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dotenv")


@given(
    text=st.text(st.sampled_from(list("Aab='\"\\$`{}#\r\n \tx")), max_size=40)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
def test_a_file_is_read_as_python_dotenv_reads_it_from_the_disk(folder: Path, text: str) -> None:
    path = folder / "x.env"
    path.write_bytes(text.encode())
    rows, problems = read("dotenv", path.read_bytes())
    if not problems:
        assert {row.key: row.data.decode() for row in rows} == dotenv_values(path, interpolate=False)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('A="x\r\ny\r\n"\r\n', "x\ny\n"),
        ("A='x\ry'\r", "x\ny"),
        ("A=x\r\nB=y\r\n", "x"),
        ('A="x\\r\\ny"\n', "x\r\ny"),
        ("\ufeffA=x\n", "x"),
        ("A=x \r\n", "x"),
    ],
)
def test_line_ends_are_those_of_python_s_text_files(text: str, value: str) -> None:
    assert _texts(text)[0] == ("A", value)


@given(data=st.data())
def test_what_is_imported_and_exported_is_imported_the_same(data: st.DataObject) -> None:
    texts = data.draw(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"])) | st.text(st.sampled_from(list("'\"\\$\n ab#"))),
            max_size=5,
        )
    )
    first, _ = read("dotenv", "".join(f'k{number}="{text}"\n' for number, text in enumerate(texts)).encode())
    held = [WritableValue(row.key, row.data, row.content_type) for row in first]
    refused = {each.key for each in write("dotenv", held, "any")[1]}
    written, _ = write("dotenv", [each for each in held if each.key not in refused], "any")
    again, problems = read("dotenv", written.encode())
    assert not problems
    assert [(row.key, row.data) for row in again] == [(row.key, row.data) for row in first if row.key not in refused]


@pytest.mark.parametrize(
    ("line", "filled_in"),
    [
        ("A=${X}", True), ("A='${X}'", True), ('A="${X:-y}"', True), ("export A = '${X}'", True),
        ("'A'='a${X}b'", True), ("A=$X", True), ('A="$X"', True), ("A='$X'", False), ("A=$(id)", True),
        ("A='$(id)'", False), ("A=`id`", True), ("A='`id`'", False), ('A="\\$X"', True), ("A=pa$$word", True),
        ("A=$1", True), ("A=x$", False), ('A="5 $ x"', False), ("A='${'", False), ("A=x#$", False),
        ("# configsvc: application/json\nA='[\"${X}\"]'", True),
    ],
)  # fmt: skip
def test_what_some_reader_would_fill_in_is_known(line: str, filled_in: bool) -> None:  # noqa: FBT001  # expected
    rows, problems = read("dotenv", f"{line}\n".encode())
    assert not problems
    assert [row.filled_in for row in rows] == [filled_in]


@pytest.mark.parametrize(
    "text", ["$X", "${X}", "a$(echo b)c", "`echo b`", "$$", "plain", "a$", "5 $ x", "$1", "$(", "a`b"]
)
def test_the_warning_names_values_that_bash_compose_or_python_dotenv_change(tmp_path: Path, text: str) -> None:
    for quote in ("", '"', "'"):
        path = tmp_path / "x.env"
        path.write_text(f"A={quote}{text}{quote}\n")
        bare = not quote and " " in text
        rows, _ = read("dotenv", path.read_bytes())
        changed = dotenv_values(path)["A"] != text or _other(path, text)
        assert rows[0].filled_in or bare or not changed, (quote, text)


def _other(path: Path, text: str) -> bool:
    """Whether bash or docker compose reads another value, or none."""
    try:
        return readers.read_with_compose_rules(path) != {"A": text} or readers.read_in_shell("bash", path, ["A"]) != [
            text
        ]
    except (AssertionError, ComposeError):
        return True


@given(text=st.text(st.sampled_from(list("${}:-aA")), max_size=24))
def test_python_dotenv_s_expansion_in_single_quotes_is_detected(text: str) -> None:
    changed = dotenv_values(stream=io.StringIO(f"B='{text}'"))["B"] != text
    assert is_always_expanded(text) == changed


def test_long_texts_are_looked_at_in_one_pass() -> None:
    """These would take hours if each `${` were searched to the end of the text."""
    for text in ("${" * 500_000, "${a:-" * 200_000, "${a:" * 200_000 + "}", "$${" * 300_000 + ":}"):
        assert not is_always_expanded(text)
