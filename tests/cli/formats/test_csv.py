"""CSV files as spreadsheets write them, and as Python's `csv` reads and writes them."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc_client.cli.formats import WritableValue, guess_format, read, write
from configsvc_client.cli.formats._csv import SEPARATORS, BrokenCsv, list_ignored, read_records

CANARY = "canary-3e90"

cells = st.text(st.sampled_from("ab ,;\t|\"'\n\r=é😀\x00\u2028")) | st.text(st.characters(exclude_categories=["Cs"]))


def _found(text: str) -> dict[str, str]:
    rows, problems = read("csv", text.encode())
    assert not problems
    return {row.key: row.data.decode() for row in rows}


def _problems(text: str) -> list[tuple[str, str | None]]:
    rows, problems = read("csv", text.encode())
    assert CANARY not in f"{rows}{[*map(str, problems)]}"
    return [(each.place, each.key) for each in problems]


@given(
    values=st.lists(cells, max_size=5), notes=cells, separator=st.sampled_from(SEPARATORS),
    end=st.sampled_from(["\n", "\r\n", "\r", ""]),
)  # fmt: skip
def test_what_csv_writes_is_read_as_it_was(values: list[str], notes: str, separator: str, end: str) -> None:
    out = io.StringIO(newline="")
    # With a one-character line end, csv leaves the other character unquoted unless quoting is requested.
    dialect = {"lineterminator": end, "quoting": csv.QUOTE_ALL} if end else {}
    lines = csv.writer(out, delimiter=separator, **dialect)  # type: ignore[arg-type]  # two options of two types
    lines.writerow(["Notes", "Key", "Value"])
    for number, value in enumerate(values):
        lines.writerow([notes, f"k{number}", value])
        lines.writerow(["", "", ""])
    assert list(_found(out.getvalue()).values()) == values


@given(texts=st.lists(cells, max_size=5))
def test_csv_reads_what_is_written_as_it_was(texts: list[str]) -> None:
    written, _ = write(
        "csv", [WritableValue(f"k{n}", text.encode(), "text/plain") for n, text in enumerate(texts)], "any"
    )
    assert [row["value"] for row in csv.DictReader(io.StringIO(written, newline=""))] == texts


@given(text=st.text(st.sampled_from('ab,"\n\r '), max_size=12))
def test_csv_takes_and_refuses_the_same_files(text: str) -> None:
    try:
        expected: object = [
            row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if any(map(str.strip, row))
        ]
    except csv.Error:
        expected = None
    try:
        found: object = [[cell.text for cell in record] for record in read_records(text, ",")]
    except BrokenCsv:
        found = None
    assert found == expected


@pytest.mark.parametrize(
    "text",
    [
        "key,value\na,1\nb,2\n",
        "Key;Value\r\na;1\r\nb;2\r\n",
        "KEY\tVALUE\na\t1\nb\t2",
        "key|value\na|1\nb|2\n",
        "\ufeffKey;Value\r\na;1\r\nb;2\r\n",
        "\ufeffsep=;\r\nKey;Value\r\na;1\r\nb;2\r\n",
        '"sep=;"\nKey;Value\na;1\nb;2\n',
        "sep=:\nkey:value\na:1\nb:2\n",
        '"Key";"Value"\r"a";"1"\r"b";"2"\r',
        "key,value\na,1\n,\nb,2\n,,\n\n  ,\n",
        "\n,\nkey,value\na,1\nb,2\n",
        "key,value,\na,1,\nb,2,\n",
        "key,value\na,1,\nb,2,,,\n",
        " Key , Value \n a ,1\nb,2\n",
        "value,key\n1,a\n2,b\n",
        'Owner,Key,Value,Notes\nme,a,1,"x, y"\n,b,2,\n',
        "key,value,content_type\na,1,\nb,2,text/plain\n",
        "key,value,content_type\na,1\nb,2\n",
    ],
)  # fmt: skip
def test_files_of_spreadsheets_are_read(text: str) -> None:
    assert _found(text) == {"a": "1", "b": "2"}


def test_values_are_exact() -> None:
    assert _found('key;value\na; x \nb;"=1+1"\nc;1,5\nd;""\ne;a"b\nf;"two\r\nlines"\n') == {
        "a": " x ", "b": "=1+1", "c": "1,5", "d": "", "e": 'a"b', "f": "two\r\nlines",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"a,{CANARY}\n", [("line 1", None)]),
        ("", [("line 1", None)]),
        (f"name,value\na,{CANARY}\n", [("line 1", None)]),
        (f"key,value,Value\na,{CANARY},y\n", [("line 1, column 3", None)]),
        (f"key,value\na,1\n,{CANARY}\n", [("line 3, column 1", None)]),
        (f"value,key\n{CANARY},\n", [("line 2, column 2", None)]),
        (f"key,value\n\n\na,{CANARY},5\n", [("line 4, column 3", "a")]),
        (f"key,value,\na,1,{CANARY}\n", [("line 2, column 3", "a")]),
        (f"key,value\n{CANARY}\n", [("line 2, column 2", None)]),
        (f'key,value\na,"1\n2"\nb,"{CANARY}"x\n', [("line 4, column 2", None)]),
        (f'key,value\n"a\n\n{CANARY},1\n', [("line 2, column 1", None)]),
        (f"key;value;content_type\na;{CANARY};json\n", [("line 2, column 3", "a")]),
        (f"key;value\na;{CANARY}\nb;1\na;{CANARY}\n", [("line 4", "a")]),
    ],
)
def test_faults_are_named_by_line_and_column(text: str, told: list[tuple[str, str | None]]) -> None:
    assert _problems(text) == told


def test_a_large_file_with_an_open_quote_is_refused_at_once() -> None:
    text = 'key,value\na,"' + 'x""' * 300_000 + "\n"
    assert [each.place for each in read("csv", text.encode())[1]] == ["line 2, column 2"]


def test_tabs_are_known_by_the_ending() -> None:
    assert guess_format("a.tsv") == "csv"


@pytest.mark.parametrize("name", ["content_type", "Content-Type", "content type", " CONTENT_TYPE "])
def test_the_content_type_column_is_recognized_in_any_spelling(name: str) -> None:
    text = f"key,value,{name}\na,1.10,application/json\n"
    rows, problems = read("csv", text.encode())
    assert [(row.key, row.content_type) for row in rows] == [("a", "application/json")]
    assert not problems
    assert list_ignored(text) == []
