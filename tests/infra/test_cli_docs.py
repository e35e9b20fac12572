"""docs/CLI.md says what the commands say of themselves; the README's picture is of commands that there are."""

from __future__ import annotations

import html
import re
import shlex
from pathlib import Path

import pytest

from infra.cli_docs.page import commands, files, page
from infra.cli_docs.picture import COMMANDS, PICTURE

_MOST = 64 * 1024


@pytest.mark.parametrize(("path", "text"), [pytest.param(*each, id=each[0].name) for each in files().items()])
def test_what_is_committed_is_what_the_commands_say(path: Path, text: str) -> None:
    assert path.read_text(encoding="utf-8") == text, "Run `make cli-docs`."


def test_every_command_and_every_option_is_told_and_every_link_leads_somewhere() -> None:
    text = page()
    anchors = {line[4:].replace(" ", "-") for line in text.splitlines() if line.startswith("### ")}
    assert set(re.findall(r"\(#([^)]*)\)", text)) == anchors
    for each in commands():
        assert f"### {each.name}\n" in text
        for parameter in each.command.params:
            assert all(option in text for option in parameter.opts if option.startswith("--"))


def test_the_page_is_the_same_however_wide_the_terminal_is(monkeypatch: pytest.MonkeyPatch) -> None:
    before = page()
    monkeypatch.setenv("COLUMNS", "40")
    assert page() == before


def test_the_picture_is_small_asks_nobody_and_shows_commands_that_there_are() -> None:
    picture = PICTURE.read_text(encoding="utf-8")
    assert len(picture.encode()) <= _MOST
    assert "@font-face" not in picture
    assert set(re.findall(r"https?://[^\s\"']*", picture)) <= {"http://www.w3.org/2000/svg"}
    known = {each.name for each in commands()}
    assert all(shlex.split(each)[1] in known for each in COMMANDS)


def test_the_picture_shows_80_columns_with_states_and_short_principals() -> None:
    picture = html.unescape(PICTURE.read_text(encoding="utf-8")).replace("\xa0", " ")
    assert all(each in picture for each in ("deleted", "overdue", "Developer/ann", "just now"))
    assert "arn:" not in picture
