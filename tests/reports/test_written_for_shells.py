"""Public reports about values that were written so that the next reader misread or ran them."""

from __future__ import annotations

from pathlib import Path

import pytest

from configsvc_client.cli.formats import FORMATS, WritableValue, write
from tests.support.cli import readers

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


def _written(wanted: str, file: Path) -> dict[str, str]:
    """Writes and returns the values that the format can hold. It must refuse the others by name."""
    held = {name: WritableValue(name, text.encode(), "text/plain") for name, text in REPORTED.items()}
    for each in write(wanted, list(held.values()), "any.thing")[1]:
        assert each.key
        del held[each.key]
    text, problems = write(wanted, list(held.values()), "any.thing")
    assert not problems
    file.write_bytes(text.encode())
    return {name: REPORTED[name] for name in held}


def test_python_dotenv_reads_from_our_file_what_was_stored(tmp_path: Path) -> None:
    file = tmp_path / "all.env"
    assert _written("dotenv", file) == readers.read_with_python_dotenv(file)


def test_docker_compose_reads_from_our_file_what_was_stored(tmp_path: Path) -> None:
    file = tmp_path / "all.env"
    assert _written("dotenv", file) == readers.read_with_compose_rules(file)


def test_node_reads_from_our_file_what_was_stored(tmp_path: Path) -> None:
    file = tmp_path / "all.env"
    held = _written("dotenv", file)
    (found,) = readers.read_with_npm_dotenv(file)
    assert found == dict.fromkeys(found, held)


@pytest.mark.parametrize("wanted", ["dotenv", "shell"])
def test_a_shell_reads_from_our_file_what_was_stored_and_runs_nothing(tmp_path: Path, wanted: str) -> None:
    file = tmp_path / "all.env"
    held = _written(wanted, file)
    for shell in readers.list_shells():
        assert readers.read_in_shell(shell, file, list(held)) == list(held.values())
    assert [path.name for path in tmp_path.iterdir()] == ["all.env"]


def test_what_dotenv_cannot_hold_shell_code_holds(tmp_path: Path) -> None:
    assert set(REPORTED) - set(_written("dotenv", tmp_path / "a")) <= {"DOUBLE", "LAST"}
    assert _written("shell", tmp_path / "b") == REPORTED


def test_docker_s_file_holds_values_as_they_are_and_refuses_lines(tmp_path: Path) -> None:
    file = tmp_path / "all.env"
    held = _written("docker", file)
    assert set(REPORTED) - set(held) == {"PEM", "LEADING"}
    assert readers.read_with_docker(file) == [f"{name}={text}" for name, text in held.items()]


@pytest.mark.parametrize("wanted", sorted({*FORMATS} - {"docker", "dotenv"}))
def test_every_format_of_a_tree_holds_all_of_them(wanted: str, tmp_path: Path) -> None:
    assert _written(wanted, tmp_path / "file") == REPORTED
