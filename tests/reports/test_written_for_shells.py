"""Values of public reports that another tool wrote so that the next reader got something else, or ran them."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from dotenv import dotenv_values

from configsvc_client.cli.formats import FORMATS, Value, write

REPORTED = {
    "WINDOWS": r"C:\Users",
    "REGEX": r"\d+",
    "DOUBLE": r"a\\b",
    "LAST": "C:\\",
    "JSON": '{"test": "me"}',
    "APOSTROPHE": "I'm a student",
    "BCRYPT": "$2y$10$fbdLV2U3Y98LrFYDbn2Fx.d33ubCz",
    "DOLLARS": "this$is$a$test",
    "AT_END": "B!naree80reF0rG3taway$",
    "EQUALS": "=211cb1cdb045df37I",
    "QUERY": "a=1&b=2&c=3",
    "HASH": "123#567",
    "COMMENT": "secret # still part of it",
    "SPACES": "Some long string with spaces",
    "OUTER": " both ends ",
    "QUOTED": '"12345"',
    "LAST_QUOTE": 'value"',
    "PEM": "-----BEGIN KEY-----\nMIIE+po=\n-----END KEY-----\n",
    "IN_JSON": '{"key": "-----BEGIN-----\\nabc\\n-----END-----\\n"}',
    "ESCAPED": r"a\nb",
    "COMMAND": "x'; touch RAN #",
    "SUBSTITUTED": "$(touch RAN)`touch RAN`",
    "LEADING": "\nfoo",
    "EMPTY": "",
}
_DUMP = 'for name in "$@"; do eval "printf %s \\"\\$$name\\"" | base64 -w0; echo; done'


def _written(wanted: str) -> tuple[str, list[str]]:
    """The file, and the names that are in it: what the format refuses is written without."""
    held = {name: Value(name, text.encode(), "text/plain") for name, text in REPORTED.items()}
    _, problems = write(wanted, list(held.values()), "any.thing")
    for each in problems:
        assert each.key in held  # refused by name
        del held[each.key]
    text, problems = write(wanted, list(held.values()), "any.thing")
    assert not problems
    return text, list(held)


def _sourced(shell: str, file: Path, names: list[str]) -> dict[str, str]:
    program = shutil.which(shell) or pytest.skip(f"no {shell} here")
    done = subprocess.run(
        [program, "-c", f". ./{file.name}; {_DUMP}", shell, *names],
        cwd=file.parent, capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    assert not done.stderr
    lines = done.stdout.decode().split("\n")[:-1]
    return {name: base64.b64decode(line).decode() for name, line in zip(names, lines, strict=True)}


def test_python_dotenv_reads_from_our_file_what_was_stored(tmp_path: Path) -> None:
    text, names = _written("dotenv")
    file = tmp_path / "all.env"
    file.write_bytes(text.encode())
    assert dotenv_values(file) == {name: REPORTED[name] for name in names}


def test_docker_s_file_holds_values_as_they_are_and_refuses_lines() -> None:
    text, names = _written("docker")
    assert set(REPORTED) - set(names) == {"PEM", "LEADING"}
    read = dict(line.split("=", 1) for line in text.splitlines())
    assert read == {name: REPORTED[name] for name in names}


@pytest.mark.parametrize("wanted", sorted({*FORMATS} - {"docker", "dotenv", "shell"}))
def test_every_format_of_a_tree_holds_all_of_them(wanted: str) -> None:
    assert _written(wanted)[1] == list(REPORTED)


def test_json_reads_back_what_was_stored() -> None:
    assert json.loads(_written("json")[0]) == REPORTED
