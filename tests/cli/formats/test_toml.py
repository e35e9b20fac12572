"""TOML as other programs write it, and our TOML as `tomllib` reads it."""

from __future__ import annotations

import base64
import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model.json_text import render
from configsvc.model.snapshot import ContentType
from configsvc_client.cli.formats import WritableValue, read, write
from tests.cli.formats.test_round_trips import keys, numbers, texts, trees

CANARY = "canary-70a1"
JSON: ContentType = "application/json"


def _found(text: str) -> dict[str, str]:
    rows, problems = read("toml", text.encode())
    assert not problems
    return {row.key: row.data.decode() for row in rows}


def test_keys_may_be_quoted_and_a_bare_dot_makes_a_tree() -> None:
    assert _found('"db.url" = "x"\ndb.pool = 5\n') == {"db.url": "x", "db": '{"pool":5}'}


@pytest.mark.parametrize("spelling", ["1.10", "-0.0", "1e3", "1E400", "1e05", "6.626e-34", "12345678901234567890.25"])
def test_a_float_that_json_spells_alike_keeps_its_spelling(spelling: str) -> None:
    assert _found(f"a = {spelling}\nb = [{spelling}, {{c = {spelling}}}]\n") == {
        "a": spelling,
        "b": f'[{spelling},{{"c":{spelling}}}]',
    }


@pytest.mark.parametrize(
    "spelling", ["1_000", "0x1F", "0o17", "0b11", "+5", "-0", "+1.50", "1_0.5_0", "9" * 30, "5e+22"]
)
def test_what_json_spells_otherwise_is_the_number_that_tomllib_reads(spelling: str) -> None:
    found = json.loads(_found(f"a = {spelling}")["a"])
    assert repr(found) == repr(tomllib.loads(f"a = {spelling}")["a"])


def test_digits_behind_underscores_are_kept() -> None:
    assert _found("a = +1_0.5_0\nb = 1_000.10e-0_5\n") == {"a": "10.50", "b": "1000.10e-05"}


def test_line_ends_are_what_tomllib_makes_of_them() -> None:
    text = 'a = """\r\none\r\ntwo"""\r\nb = \'\'\'x\r\n\'\'\'\r\nc = "kept\\r\\n"\r\n'
    assert _found(text) == tomllib.loads(text) == {"a": "one\ntwo", "b": "x\n", "c": "kept\r\n"}


@given(found=st.dictionaries(keys, texts | st.binary() | trees.map(lambda tree: [tree]) | numbers, max_size=4))
def test_tomllib_reads_from_our_file_what_was_written(found: dict[str, Any]) -> None:
    values = [
        WritableValue(key, each.encode(), "text/plain") if isinstance(each, str)
        else WritableValue(key, each, "application/octet-stream") if isinstance(each, bytes)
        else WritableValue(key, render(each).encode(), JSON)
        for key, each in found.items()
    ]  # fmt: skip
    loaded = tomllib.loads(write("toml", values, "any.thing")[0])
    expected = {key: each if isinstance(each, str | bytes) else json.loads(render(each)) for key, each in found.items()}
    assert {key: _sorted(_unmarked(each)) for key, each in loaded.items()} == {
        key: _sorted(each) for key, each in expected.items()
    }


def _unmarked(found: Any) -> object:  # noqa: ANN401  # what tomllib read
    match found:
        case {"$json": str() as text, **rest} if not rest:
            return json.loads(text)
        case {"$base64": str() as text, **rest} if not rest:
            return base64.b64decode(text)
    return found


def _sorted(found: object) -> str:
    """Distinguishes 1, 1.0 and True. TOML writes the tables of a table last."""
    return found.hex() if isinstance(found, bytes) else json.dumps(found, sort_keys=True)


REFUSED = [
    (f'a = "x"\nb = {CANARY}\n', "line 2, column 5", None, "put strings in quotes"),
    (f'a = "x"\na = "{CANARY}"\n', "line 2, column 18", None, "earlier line"),
    (f'[a]\nb = 1\n[a]\nc = "{CANARY}"\n', "line 3, column 3", None, "earlier line"),
    (f'a = {{b = 1, b = "{CANARY}"}}\n', "line 1, column 30", None, "earlier line"),
    (f'a = "{CANARY}\n', "line 1, column 17", None, "not closed"),
    (f'b = 1\na = """{CANARY}\n\n', "line 2, column 5", None, "not closed"),
    (f'a = ["{CANARY}"\nb = 1', "line 2, column 1", None, "brackets"),
    (f'a = {{b = "{CANARY}"\nc = 1}}', "line 1, column 23", None, "braces"),
    (f'a = "\\q{CANARY}"\n', "line 1, column 8", None, "escape"),
    (f'a = "\\ud800{CANARY}"\n', "line 1, column 12", None, "escape"),
    (f"{CANARY}\n", "line 1, column 12", None, "no ="),
    (f'a = 1 "{CANARY}"\n', "line 1, column 7", None, "more text"),
    (f'a = "{CANARY}"\rb = 1\n', "line 1, column 18", None, "more text"),
    (f'a = "{CANARY}\x01"\n', "line 1, column 17", None, "control character"),
    (f'x = "{CANARY} 2027-01-15"\na = 2027-01-15\n', "line 2, column 5", "a", "date"),
    ("a = [1,\n 2027-01-15T10:00:00Z]\n", "line 2, column 2", "a", "date"),
    ("2027-01-14 = 1\na = {b = 07:32:00.5}\n", "line 2, column 10", "a", "time"),
    ("a = nan\n", "line 1, column 5", "a", "nan"),
    ('a = "inf"\nb = [{c = -inf}]\n', "line 2, column 11", "b", "inf"),
    (f"a = '{CANARY}'\nb = {'9' * 5_000}\n", "", None, "4,300 digits"),
    (f"a = '{CANARY}'\nb = 0x{'f' * 5_000}\n", "", "b", "4,300 digits"),
    (f"a = 1\n{'b.' * 20_000}c = '{CANARY}'\n", "line 2", None, "dots"),
    (f"[{'b. ' * 20_000}c]\n{CANARY} = 1", "line 1", None, "dots"),
    (f"""a = {{ {'"b" . ' * 20_000}c = '{CANARY}'}}\n""", "line 1", None, "dots"),
    (f"a = 1\nb = {'[' * 100_000}'{CANARY}'", "line 2, column 5", None, "nested deeper"),
]


@pytest.mark.parametrize(("text", "place", "key", "word"), REFUSED, ids=range(len(REFUSED)))
def test_invalid_text_is_refused_by_place_and_kind_without_quoting_it(
    text: str, place: str, key: str | None, word: str
) -> None:
    _, problems = read("toml", text.encode())
    assert [(each.place, each.key, word in each.reason) for each in problems] == [(place, key, True)], problems
    assert CANARY not in f"{problems}"


def test_texts_with_many_dots_are_no_long_keys() -> None:
    many = "a." * 20_000
    assert _found(f"a = '{many}'\nb = \"x, {many}\"\nc = ['{many}']\n")["a"] == many
