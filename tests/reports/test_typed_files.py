"""Public reports about numbers, booleans and dates that changed between a file and its reader."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from typing import Any

import pytest
import yaml

from configsvc_client.cli.formats import WritableValue, read, write

NUMBERS = (
    "1234567", "20161216", "356136738", "1754110382", "1234567890123456789", "12345678901234567890", "0", "5432",
    "10553291267149319188", "10000000", "5346.2346578", "0.1234567891234567891", "3853110.0341112586", "1.10",
)  # fmt: skip
TEXTS = (
    "NO", "no", "on", "off", "yes", "0755", "0666", "0123", "22:22", "2001-12-14", "12e3", "1e3", "81111e1", "0x1F",
    "1_000", "~", "null", "true", "1.10",
)  # fmt: skip


def _held(wanted: str, content: str) -> dict[str, tuple[str, str]]:
    rows, problems = read(wanted, content.encode())
    assert not problems
    return {row.key: (row.content_type, row.data.decode()) for row in rows}


@pytest.mark.parametrize("wanted", ["json", "yaml", "toml"])
def test_a_number_keeps_its_spelling_from_the_file_to_the_value(wanted: str) -> None:
    numbered = {f"k{place}": number for place, number in enumerate(NUMBERS)}
    content = {
        "json": "{" + ",".join(f'"{key}": {number}' for key, number in numbered.items()) + "}",
        "yaml": "".join(f"{key}: {number}\n" for key, number in numbered.items()),
        "toml": "".join(f"{key} = {number}\n" for key, number in numbered.items()),
    }[wanted]
    assert _held(wanted, content) == {key: ("application/json", number) for key, number in numbered.items()}


@pytest.mark.parametrize("wanted", ["json", "yaml", "toml", "dotenv", "docker", "csv"])
def test_a_number_keeps_its_spelling_from_the_value_to_the_file(wanted: str) -> None:
    held = [WritableValue(f"k{place}", number.encode(), "application/json") for place, number in enumerate(NUMBERS)]
    text, problems = write(wanted, held, "any.thing")
    assert not problems
    assert [number for number in NUMBERS if number not in text] == []


def test_what_yaml_takes_for_something_else_stays_the_text_it_is() -> None:
    content = "country: NO\nswitch: on\nmode: 0755\ntime: 22:22\ndate: 2001-12-14\nhex: 0x1F\nversion: 12e3\n"
    assert _held("yaml", content) == {
        "country": ("text/plain", "NO"), "switch": ("text/plain", "on"), "mode": ("text/plain", "0755"),
        "time": ("text/plain", "22:22"), "date": ("text/plain", "2001-12-14"), "hex": ("text/plain", "0x1F"),
        "version": ("text/plain", "12e3"),
    }  # fmt: skip


def test_text_that_looks_like_something_else_is_text_to_every_reader() -> None:
    held = [WritableValue(f"k{place}", text.encode(), "text/plain") for place, text in enumerate(TEXTS)]
    expected = {each.key: each.data.decode() for each in held}
    loaded: dict[str, Any] = {
        "yaml": yaml.safe_load(write("yaml", held, "any.thing")[0]),
        "json": json.loads(write("json", held, "any.thing")[0]),
        "toml": tomllib.loads(write("toml", held, "any.thing")[0]),
    }
    assert loaded == dict.fromkeys(loaded, expected)
    rows = csv.DictReader(io.StringIO(write("csv", held, "any.thing")[0]))
    assert {row["key"]: row["value"] for row in rows} == expected


def test_a_newline_at_the_beginning_or_end_is_in_the_file_too() -> None:
    held = [
        WritableValue(f"k{place}", text.encode(), "text/plain")
        for place, text in enumerate(["\nfoo", "\n", "x\n", "\r\nx"])
    ]
    expected = {each.key: each.data.decode() for each in held}
    assert yaml.safe_load(write("yaml", held, "any.thing")[0]) == expected
    assert tomllib.loads(write("toml", held, "any.thing")[0]) == expected


def test_merged_mappings_of_yaml_are_followed_and_the_own_key_wins() -> None:
    content = (
        "foo: &foo {a: 1}\nbar: &bar {b: 2}\nfoobar:\n  <<: [*foo, *bar]\n  c: 3\n"
        "own:\n  a: 9\n  <<: *foo\ntwo:\n  <<: *foo\n  <<: *bar\n"
    )
    assert {key: json.loads(data) for key, (_, data) in _held("yaml", content).items()} == yaml.safe_load(content)


def test_two_documents_or_a_tag_are_refused() -> None:
    for content in ("a: 1\n---\nb: 2\n", "a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n", "a: !Ref Name\n"):
        rows, problems = read("yaml", content.encode())
        assert problems, rows


def test_a_json_value_that_is_text_stays_text() -> None:
    account = json.dumps({"type": "service_account", "key": "-----BEGIN-----\nabc\n"})
    assert _held("json", json.dumps({"ACCOUNT": account})) == {"ACCOUNT": ("text/plain", account)}
