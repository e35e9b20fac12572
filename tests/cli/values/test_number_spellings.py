"""Numbers keep their spelling through the whole command line, as other programs read them."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from base64 import b64decode
from pathlib import Path

import pytest
import yaml
from dotenv import dotenv_values
from hypothesis import given

from configsvc.model.json_text import JsonNumber, parse, render
from configsvc_client.cli.output import escaping
from configsvc_client.cli.values import checks
from tests.cli.formats.test_round_trips import trees
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

NUMBERS = {
    "api_version": "1.10",
    "account_limit": "12345678901234567890.25",
    "digits": "1234567890123456789012",
    "negative": "-0",
}
TEXTS = {"image_tag": "6063e25", "commit": "81111e1", "password": "12e3"}
OTHERS = {"exponent": "1e3", "zeros": "-0.0", "nested": '{"a":[1.10,12e3,-0],"b":1234567890123456789012}'}
"""JSON that is put, not imported: YAML writes it differently."""


@pytest.fixture
def stored(shell: Shell, tmp_path: Path) -> Shell:
    """The imported file of numbers, and JSON with other spellings."""
    path = tmp_path / "numbers.yaml"
    path.write_text("".join(f"{key}: {text}\n" for key, text in (NUMBERS | TEXTS).items()))
    shell.ok("import", path)
    more = tmp_path / "more.env"
    more.write_text("".join(f"{key}='{text}'\n" for key, text in OTHERS.items()))
    shell.ok("import", more, *(f"--json={key}" for key in OTHERS))
    return shell


def _spelled(text: str) -> object:
    return json.loads(text, parse_int=JsonNumber, parse_float=JsonNumber)


def test_get_edit_and_diff_show_and_keep_the_spelling(
    stored: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    assert _spelled(stored.ok("get", "nested", "-o", "json"))["value"] == _spelled(OTHERS["nested"])  # type: ignore[index]
    assert stored.ok("get", "account_limit") == NUMBERS["account_limit"]
    assert "nothing stored" in stored.but(EDITOR="true").run("edit", "nested").err
    assert "nothing stored" in stored.but(EDITOR="sed -i s/x/y/").run("edit", "nested").err
    stored.but(EDITOR="sed -i s/-0/-0.50/").ok("edit", "nested")
    assert _spelled(stored.ok("get", "nested")) == _spelled('{"a":[1.10,12e3,-0.50],"b":1234567890123456789012}')
    assert [each.version for each in service.admin().history.list_versions(namespace, "nested")] == [2, 1]
    path = tmp_path / "other.json"
    path.write_text('{"api_version": 1.1, "account_limit": 12345678901234567890.25}')
    changed = [line.split("\t") for line in stored.ok("diff", path, "--reveal").splitlines()]
    assert [each for each in changed if each[1] == "changed"] == [["api_version", "changed", "1.10", "1.1"]]


@pytest.mark.slow
def test_every_format_gives_the_spelling_back_to_its_own_reader(
    stored: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    values = NUMBERS | OTHERS
    assert _spelled(stored.ok("export", "-f", "json")) == {key: _spelled(text) for key, text in values.items()} | TEXTS
    loaded = yaml.safe_load(stored.ok("export", "-f", "yaml"))
    assert loaded == {key: json.loads(text) for key, text in values.items()} | TEXTS
    assert "api_version: 1.10\n" in stored.ok("export", "-f", "yaml")
    parsed = tomllib.loads(stored.ok("export", "-f", "toml"), parse_float=JsonNumber)
    marked = {"$json": NUMBERS["digits"]}, {"$json": "-0"}, {"$json": OTHERS["nested"]}
    assert (parsed["digits"], parsed["negative"], parsed["nested"]) == marked
    assert {key: parsed[key] for key in ("api_version", "account_limit", "exponent", "zeros")} == {
        key: JsonNumber(values[key]) for key in ("api_version", "account_limit", "exponent", "zeros")
    }
    rows = csv.DictReader(io.StringIO(stored.ok("export", "-f", "csv")))
    assert {row["key"]: row["value"] for row in rows} == values | TEXTS
    assert dotenv_values(stream=io.StringIO(stored.ok("export", "-f", "dotenv")), interpolate=False) == values | TEXTS
    manifest = yaml.safe_load(stored.ok("export", "-f", "k8s-secret"))
    assert {key: b64decode(text).decode() for key, text in manifest["data"].items()} == values | TEXTS
    assert f"exponent={values['exponent']}\n" in stored.ok("export", "-f", "docker", "--only", "exponent")
    other = service.namespace(f"{namespace}.other")
    stored.ok("copy", "--all", "--to", other)
    assert {key: each.data.decode() for key, each in service.admin().values.get_all(other).items()} == values | TEXTS
    for wanted in ("json", "yaml", "toml", "csv", "dotenv", "k8s-secret"):
        path = tmp_path / f"back.{wanted}"
        stored.ok("export", path, "-f", wanted)
        planned = stored.run("import", path, "-f", wanted, "--dry-run").err
        assert f"{namespace}: {len(values | TEXTS)} unchanged\n" in planned, wanted


@given(tree=trees)
def test_json_on_stdout_has_every_number_as_it_is_spelled(tree: object) -> None:
    assert parse(escaping.render_json(tree)) == parse(escaping.render_json(tree, 2)) == parse(render(tree))


@given(tree=trees)
def test_an_editor_is_shown_every_number_as_it_is_spelled(tree: object) -> None:
    shown = checks.indent_json(render(tree).encode())
    assert shown is not None
    assert parse(shown) == parse(render(tree))


def test_json_with_a_duplicate_name_reaches_an_editor_unchanged() -> None:
    assert checks.indent_json(b'{"a":1,"a":2}') is None


def test_json_that_is_put_plain_is_served_byte_for_byte(shell: Shell, service: Loopback, namespace: str) -> None:
    text = '{ "a" : [1.10,1E5, -0,12345678901234567890.25],\r\n"b": "\\u00e9" }'
    shell.ok("put", "k", text, "--plain", "--json")
    assert shell.ok("get", "k").encode() == text.encode()
    assert service.admin().values.get_snapshot(namespace).entries[0].value == text
