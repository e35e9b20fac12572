"""JSON as other programs write it, and our JSON as Python's `json` reads it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc.model.json_text import JsonNumber, parse, render
from configsvc.model.snapshot import ContentType
from configsvc_client.cli.formats import WritableValue, read, write
from tests.cli.formats.test_round_trips import keys, numbers, texts, trees

CANARY = "canary-150a"
JSON: ContentType = "application/json"


def _found(text: str) -> dict[str, tuple[str, str]]:
    rows, problems = read("json", text.encode())
    assert not problems
    return {row.key: (row.data.decode(), row.content_type) for row in rows}


def test_numbers_keep_their_spelling_from_import_to_export() -> None:
    spelt = ["1.10", "1e3", "1E400", "-0", "-0.0", "12345678901234567890.25", "9" * 5_000, "1.0E-05"]
    text = "{" + ", ".join(f'"k{n}": {each}' for n, each in enumerate(spelt)) + f', "in": [{", ".join(spelt)}]}}'
    found = _found(text)
    assert [found[f"k{n}"] for n in range(len(spelt))] == [(each, JSON) for each in spelt]
    assert found["in"] == (f"[{','.join(spelt)}]", JSON)
    written, problems = write(
        "json", [WritableValue(key, data.encode(), JSON) for key, (data, _) in found.items()], "any.thing"
    )
    assert not problems
    assert parse(written) == parse(text)


@given(found=st.dictionaries(keys, texts | trees.map(lambda tree: [tree]) | numbers, max_size=4))
def test_python_s_json_reads_from_our_file_what_was_written(found: dict[str, Any]) -> None:
    values = [
        WritableValue(key, each.encode(), "text/plain")
        if isinstance(each, str)
        else WritableValue(key, render(each).encode(), JSON)
        for key, each in found.items()
    ]
    written, _ = write("json", values, "any.thing")
    loaded = json.loads(written, parse_float=JsonNumber, parse_int=JsonNumber)
    assert {key: _unmarked(each) for key, each in loaded.items()} == found


def _unmarked(found: object) -> object:
    match found:
        case {"$json": str() as text, **rest} if not rest:
            return parse(text)
    return found


def test_members_have_the_lines_they_are_on() -> None:
    rows, _ = read("json", b'{\r\n  "a": {"b": "x",\r\n "c": ["{", "\\"a\\":"]},\r\n\r\n  "d":\n1, "e": 2}')
    assert {row.key: row.place for row in rows} == {"a": "line 2", "d": "line 5", "e": "line 6"}


REFUSED = [
    ("", "", None, "empty"),
    (f'["{CANARY}"]', "", None, "not a JSON object"),
    (f'"{CANARY}"', "", None, "not a JSON object"),
    (f'{{"a": "x",\n"a": "{CANARY}"}}', "line 2, column 1", "a", "first on line 1"),
    (f'{{"a": [1, {{"b": 1,\n  "b": "{CANARY}"}}]}}', "line 2, column 3", None, "a name appears twice"),
    ('{"a": NaN}', "line 1, column 7", None, "NaN"),
    (f'{{"a": "{CANARY}", "b": [1,\n-Infinity]}}', "line 2, column 1", None, "Infinity"),
    (f'{{"a": 1}}\n{{"a": "{CANARY}"}}\n', "line 2, column 1", None, "JSON Lines"),
    (f'{{"a": 1, // {CANARY}\n"b": 2}}', "line 1, column 10", None, "comment"),
    (f'// {CANARY}\n{{"a": 1}}', "line 1, column 1", None, "comment"),
    (f'{{/* {CANARY} */ "a": 1}}', "line 1, column 2", None, "comment"),
    (f'{{"a": "{CANARY}",}}', "line 1, column 21", None, "comma"),
    (f"{{'a': '{CANARY}'}}", "line 1, column 2", None, "single quote"),
    (f'{{a: "{CANARY}"}}', "line 1, column 2", None, "double quotes"),
    (f'{{"a": {CANARY}}}', "line 1, column 7", None, "value"),
    (f'{{"a" "{CANARY}"}}', "line 1, column 6", None, "colon"),
    (f'{{"a": "{CANARY}"\n"b": 1}}', "line 2, column 1", None, "comma"),
    (f'{{"a": "{CANARY}\nx"}}', "line 1, column 19", None, "line break"),
    (f'{{"a": "{CANARY}', "line 1, column 7", None, "quote"),
    (f'{{"a": "\\q{CANARY}"}}', "line 1, column 8", None, "escape"),
    (f'{{"a": {{"$base64": "{CANARY}"}}}}', "line 1", "a", "base64"),
    (f'{{"a": {{"$json": "{CANARY}"}}}}', "line 1", "a", "JSON"),
    (f'{{"a": {{"$json": ["{CANARY}"]}}}}', "line 1", "a", "must be a string"),
    (f'{{"a": "\\ud800{CANARY}"}}', "line 1", "a", "surrogate"),
    (f'{{"\\ud800{CANARY}": 1}}', "line 1", None, "surrogate"),
    (f'{{"a":\n{"[" * 70}"{CANARY}"{"]" * 70}}}', "line 2, column 65", None, "nested deeper than 64"),
    (f'{{"a":\n{"[" * 100_000}"{CANARY}"{"]" * 100_000}}}', "line 2, column 65", None, "nested deeper than 64"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "place", "key", "word"), REFUSED, ids=range(len(REFUSED)))
def test_invalid_text_is_refused_by_place_and_kind_without_quoting_it(
    text: str, place: str, key: str | None, word: str
) -> None:
    rows, problems = read("json", text.encode())
    assert [(each.place, each.key, word in each.reason) for each in problems] == [(place, key, True)], problems
    assert CANARY not in f"{problems}"
    assert not rows


def test_a_byte_order_mark_changes_nothing() -> None:
    assert _found('\ufeff{"a": "x"}') == {"a": ("x", "text/plain")}
