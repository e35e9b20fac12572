"""Public reports about editors that save by replacing the file."""

from __future__ import annotations

from pathlib import Path

from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

_REPLACING = 'printf "changed\\nlines" > "$1.new" && mv "$1.new" "$1"'


def test_an_editor_that_saves_by_replacing_the_file_loses_nothing(
    shell: Shell, service: Loopback, namespace: str, tmp_path: Path
) -> None:
    service.admin().values.put(namespace, "k", "before")
    editor = tmp_path / "editor"
    editor.write_text(f"#!/bin/sh\n{_REPLACING}\n")
    editor.chmod(0o700)
    shell.but(EDITOR=str(editor)).ok("edit", "k")
    assert service.admin().values.get(namespace, "k").data == b"changed\nlines"
