"""Editors of public reports: they return before anything is edited, or save by putting another file in the place."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from configsvc.model.errors import Misconfigured
from configsvc_client.cli._waits import check_waits
from tests.admin.loopback import Loopback
from tests.cli.shell import Shell

_REPLACING = 'printf "changed\\nlines" > "$1.new" && mv "$1.new" "$1"'


@pytest.mark.parametrize("editor", ["atom", "/usr/local/bin/atom", "code", "code -n", "subl", "gvim", "xdg-open"])
def test_an_editor_that_returns_at_once_is_refused_before_a_value_is_opened(editor: str) -> None:
    with pytest.raises(Misconfigured, match="returns before anything is edited"):
        check_waits("EDITOR", shlex.split(editor))


@pytest.mark.parametrize("editor", ["code --wait", "code -w", "'/Applications/Atom.app/Contents/MacOS/Atom' -w", "vi"])
def test_an_editor_that_waits_is_taken(editor: str) -> None:
    check_waits("EDITOR", shlex.split(editor))


def test_an_editor_that_saves_by_replacing_the_file_loses_nothing(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    service.admin().put(namespace, "k", "before")
    editor = tmp_path / "editor"
    editor.write_text(f"#!/bin/sh\n{_REPLACING}\n")
    editor.chmod(0o700)
    shell.but(EDITOR=str(editor)).ok("edit", "k")
    assert service.admin().get(namespace, "k").data == b"changed\nlines"
