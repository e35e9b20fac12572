"""A service, file or table says what a terminal would obey: nothing of it arrives, in any command and output."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from configsvc_client.cli import command_line
from configsvc_client.cli.command_line import find_commands
from configsvc_client.cli.output import escaping
from tests.support.admin.loopback import Loopback
from tests.support.attacks.hostile_service import EVIL, PROBLEM, REWRITES, Hostile, hostile
from tests.support.cli.shell import Shell

pytestmark = pytest.mark.slow  # many processes

COMMANDS: dict[str, list[str]] = {
    "activate": ["activate", "a", "1"],
    "copy": ["copy", "a", "--as", "copied"],
    "data-key add": ["data-key", "add"],
    "data-key list": ["data-key", "list"],
    "data-key rotate": ["data-key", "rotate"],
    "delete": ["delete", "gone", "--yes"],
    "destroy": ["destroy", "a", "1", "--yes"],
    "diff": ["diff", "--from", "3", "--reveal"],
    "diff file": ["diff", "values.json", "--reveal"],
    "doctor": ["doctor"],
    "env": ["env"],
    "export": ["export", "out.env"],
    "get": ["get", "absent"],
    "get json": ["get", "a", "--json"],
    "grant": ["grant", "api-key:x", "-a", "read", "-n", "x"],
    "grants": ["grants"],
    "history": ["history", "a"],
    "import": ["import", "values.json", "--yes"],
    "import plan": ["import", "values.json", "--dry-run"],
    "list": ["list"],
    "log": ["log", "--all"],
    "log of grants": ["log", "--grants"],
    "namespace create": ["namespace", "create", "NAMESPACE"],
    "namespace list": ["namespace", "list"],
    "namespace show": ["namespace", "show"],
    "namespace set": ["namespace", "set", "--description", "d"],
    "policy suggest": ["policy", "suggest"],
    "put": ["put", "a", "values.json"],
    "revoke": ["revoke", "api-key:x", "--all", "--yes"],
    "rollback": ["rollback", "a", "--yes"],
    "rollback revision": ["rollback", "--to-revision", "3", "--dry-run"],
    "snapshot save": ["snapshot", "save", "fallback.json"],
    "whoami": ["whoami"],
    "usage": ["list", f"--{EVIL[:20]}".replace("\0", "")],
    "usage of a command": [EVIL.replace("\0", "")],
    "a key that is none": ["get", EVIL.replace("\0", "")],
    "a file that is not there": ["import", f"{EVIL}.json".replace("\0", "")],
    "a namespace that is none": ["list", "-n", EVIL.replace("\0", "")],
}
OUTPUTS = ("plain", "table", "json")

# Line feeds and tabs are this program's own: fields and messages cannot hold one.
OBEYED = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff"
    "\\ue000-\\uf8ff\\U000e0000-\\U000e007f]"
    "|^FORGED|\\u0301{9}",
    re.MULTILINE,
)


@pytest.fixture(scope="module")
def front(service: Loopback) -> Iterator[Hostile]:
    with hostile(service.url) as running:
        yield running


@pytest.fixture
def person(service: Loopback, front: Hostile, namespace: str) -> Iterator[Shell]:
    """An owner whose CONFIGSVC_URL is the hostile service's."""
    admin = service.admin("owner")
    admin.values.put(namespace, "a", "1", form="plain", message="why")
    admin.values.put(namespace, "a", "2", form="plain")
    admin.values.put(namespace, "gone", "secret")
    yield Shell({**service.environ("owner", namespace), "CONFIGSVC_URL": front.url, "NO_COLOR": "1"})
    front.rewrite, front.problem = (lambda found: found), None


@pytest.fixture
def here(person: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """This process as that person's, in a folder with a file to import; the namespace."""
    for name, text in person.environ.items():
        monkeypatch.setenv(name, text)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "values.json").write_text(json.dumps({"a": "3", f"b{EVIL}": EVIL, "c": EVIL}))
    return person.environ["CONFIGSVC_NAMESPACES"]


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_nothing_that_a_terminal_obeys_is_written(
    here: str, front: Hostile, command: list[str], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    arguments = [here if each == "NAMESPACE" else each for each in command]
    for output in OUTPUTS:
        for name, rewrite in REWRITES.items():
            front.rewrite = rewrite
            _check(arguments, output, name, capfdbinary)
        front.problem = PROBLEM
        _check(arguments, output, "problem", capfdbinary)
        front.problem = None


def _check(arguments: list[str], output: str, name: str, captured: pytest.CaptureFixture[bytes]) -> None:
    command_line.run(["--debug", "-o", output, *arguments])
    out, err = captured.readouterr()
    for text in (out.decode(), err.decode()):
        found = OBEYED.search(text)
        assert found is None, (output, name, text)
        assert max(map(len, text.splitlines()), default=0) < 20_000


def test_every_command_is_tried() -> None:
    tried = {command[0] for command in COMMANDS.values()}
    known = set(find_commands())
    assert known - tried <= {"completion", "edit", "exec", "iam-policy", "init", "trust", "watch"}


@pytest.mark.parametrize("rewrite", REWRITES)
@pytest.mark.parametrize(
    "command", [["log"], ["history", "a"], ["grants"], ["whoami"], ["doctor"], ["exec", "--", "true"]]
)
def test_a_terminal_is_shown_escapes(person: Shell, front: Hostile, command: list[str], rewrite: str) -> None:
    front.rewrite = REWRITES[rewrite]
    shown = person.on_terminal(*command).out
    assert OBEYED.search(re.sub("\x1b\\[[0-9;]*m", "", shown).replace("\r\n", "\n")) is None, shown


def test_what_is_said_is_still_there_to_read(person: Shell, front: Hostile) -> None:
    front.rewrite = REWRITES["free text"]
    assert "why\\nFORGED row\\rFORGED\\x1b]0;pwned" in person.ok("log", "-o", "plain")


def test_a_text_without_end_is_cut_for_people_and_whole_for_programs(person: Shell, front: Hostile) -> None:
    front.rewrite = lambda found: _longer(found, 300_000)
    assert len(person.ok("log", "-o", "table")) < 60_000
    assert max(map(len, person.ok("log", "-o", "plain").splitlines())) >= 300_000


def _longer(found: Any, by: int) -> Any:  # noqa: ANN401  # JSON
    """Every message longer by so much."""
    if isinstance(found, dict):
        longer = {name: _longer(each, by) for name, each in found.items()}
        return {**longer, "message": f"{found['message']}{'x' * by}"} if found.get("message") else longer
    return [_longer(each, by) for each in found] if isinstance(found, list) else found


def test_watch_shows_one_row_for_one_change(person: Shell, front: Hostile, service: Loopback, namespace: str) -> None:
    front.rewrite = REWRITES["free text"]
    process = person.start("watch", "--every", "0.05", "-o", "plain")
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert b"Watching" in process.stderr.readline()
        service.admin("owner").values.put(namespace, "a", "4", form="plain", message="first")
        first = process.stdout.readline().decode()
        service.admin("owner").values.put(namespace, "a", "5", form="plain", message="second")
        second = process.stdout.readline().decode()
        process.terminate()
    assert [line.split("\t")[3] for line in (first, second)] == ["a", "a"]
    assert OBEYED.search(first + second) is None


def test_a_value_on_a_terminal_keeps_its_lines_and_shows_the_rest(
    service: Loopback, person: Shell, namespace: str
) -> None:
    value = f"two\nlines\tand a tab{EVIL}"
    service.admin("owner").values.put(namespace, "v", value)
    shown = person.on_terminal("get", "v", "--reveal").out.replace("\r\n", "\n")
    assert shown.startswith("two\nlines\tand a tab\nFORGED row\\rFORGED\\x1b]0;pwned\\x07")
    assert OBEYED.search(shown.replace("\nFORGED row", "")) is None
    assert person.ok("get", "v") == value
    assert json.loads(person.ok("get", "v", "-o", "json"))["value"] == value


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("db.url", "db.url"), ("a\\b", "a\\b"), ("\x1b[0m", "\\x1b[0m"), ("\x9b", "\\x9b"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\u202e", "\\u202e"), ("\u200d", "\\u200d"), ("\xa0", "\\xa0"), ("\u3164", "\\u3164"), ("\u2800", "\\u2800"),
        ("\U000e0041", "\\U000e0041"), ("\ud800", "\\ud800"),
        ("日本語", "日本語"), ("Grüße", "Grüße"), ("e\u0301", "e\u0301"),
        ("\u0301", "\\u0301"), ("🚀", "🚀"), ("✔\ufe0f", "✔\ufe0f"), ("שלום", "שלום"),
    ],
)  # fmt: skip
def test_each_character_is_itself_or_its_escape(text: str, shown: str) -> None:
    assert escaping.escape_line(text) == shown


def test_a_field_can_be_read_back() -> None:
    text = EVIL.rstrip("\u0301") + "\\x1b"
    assert escaping.escape_field(text).encode("ascii").decode("unicode_escape") == text
    assert escaping.escape_field("\\x1b\x1b") == "\\\\x1b\\x1b"


def test_json_means_the_same() -> None:
    shown = escaping.render_json({EVIL: [EVIL, "é", 1]}, indent=2)
    assert json.loads(shown) == {EVIL: [EVIL, "é", 1]}
    assert OBEYED.search(shown.replace("\u0301", "")) is None
    assert "é" in shown


def test_import_errors_are_safe_in_a_terminal_and_a_spreadsheet(person: Shell, tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text(json.dumps({"a": "1", f"b{EVIL}": "2", "=cmd|' /C calc'!A0": "3"}))
    assert person.run("import", str(tmp_path / "rows.json")).code != 0
    written = (tmp_path / "rows.json.errors.csv").read_text()
    assert OBEYED.search(written) is None
    assert [line for line in written.splitlines() if ",=" in line or line.startswith("=")] == []
    assert "calc" in written
