"""Somebody with `write` on a namespace seals what is not of its content type. The service cannot look into it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from configsvc.model.names import Key, Namespace
from configsvc_client.admin import Draft
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import Shell

pytestmark = pytest.mark.slow  # many processes

KINDS = {
    "no JSON": (b"no JSON", "application/json"),
    "too deep": (b"[" * 100_000, "application/json"),
    "too many digits": (b"1" * 5_000, "application/json"),
    "half a pair": (b'"\\ud800"', "application/json"),
    "no text": (b"\xff\xfe", "text/plain"),
}


@pytest.fixture
def reader(service: Loopback, namespace: str, tmp_path: Path) -> Shell:
    """Who reads and edits there, with an editor that writes JSON."""
    editor = tmp_path / "editor.py"
    editor.write_text("import sys; open(sys.argv[1], 'w').write('{}')")
    editing = {"EDITOR": f"{sys.executable} {editor}", "HOME": str(tmp_path)}
    return Shell({**service.environ("owner", namespace), **editing}, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_every_command_goes_on_or_names_the_key(service: Loopback, reader: Shell, namespace: str, kind: str) -> None:
    data, content_type = KINDS[kind]
    other = service.namespace(f"{namespace}.other")
    for each, added in ((namespace, b""), (other, b" ")):
        draft = Draft(Key("bad"), data + added, content_type)  # type: ignore[arg-type]  # both are content types
        service.admin().values._writer.put(Namespace(each), draft, "")  # noqa: SLF001  # no method of it would
    assert "1 sealed again" in reader.run("data-key", "rotate").err
    for command in (
        ("get", "bad", "-o", "json"), ("export", "-f", "json"), ("export", "-f", "yaml"),
        ("export", "-f", "csv"), ("export", "-f", "toml"), ("diff", "-n", namespace, "-n", other, "--reveal"),
        ("import", "-", "--seal", "*", "--dry-run"), ("copy", "bad", "--as", "bad.copy"), ("edit", "bad"),
    ):  # fmt: skip
        done = reader.run(*command, given="bad=1")
        assert "unexpectedly" not in done.err, (command, done.err)
        assert done.code == 0 or "bad" in done.err, (command, done)
