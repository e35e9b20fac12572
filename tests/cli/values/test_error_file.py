"""The place of the error file: next to the imported file or where the user finds it, never next to a stream."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from configsvc_client.cli.values import results
from configsvc_client.cli.values.results import RefusedRow
from tests.support.admin.loopback import Loopback
from tests.support.cli.shell import COMMAND, Shell

BROKEN = "a/b=1\n"
REASON = "(a/b): A key is"


@pytest.fixture
def here(shell: Shell, tmp_path: Path) -> Shell:
    folder = tmp_path / "here"
    folder.mkdir()
    return Shell(shell.environ, folder)


def _errors_below(folder: Path) -> list[str]:
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*.errors.csv"))


@pytest.mark.parametrize(
    "script",
    [
        'printf "a/b=1\\n" | "$@" import - -f dotenv',
        'printf "a/b=1\\n" | "$@" import /dev/stdin -f dotenv',
        '"$@" import /dev/stdin -f dotenv < "$FILE"',
        '"$@" import <(cat "$FILE") -f dotenv',
        'mkfifo fifo; cat "$FILE" > fifo & "$@" import fifo -f dotenv',
        '"$@" import /proc/self/fd/0 -f dotenv < "$FILE"',
    ],
)
def test_a_stream_has_no_file_of_errors_beside_it(here: Shell, tmp_path: Path, script: str) -> None:
    (tmp_path / "some.env").write_text(BROKEN)
    before = {*Path("/dev").iterdir()}
    told = subprocess.run(
        ["/bin/bash", "-c", script, "bash", *COMMAND],
        cwd=here.folder, env={**here.environ, "FILE": str(tmp_path / "some.env")},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (told.returncode, REASON in told.stderr, "without values" in told.stderr) == (2, True, False), told
    assert (_errors_below(tmp_path), {*Path("/dev").iterdir()} - before) == ([], set())


def test_an_unwritable_folder_is_reported_and_the_next_place_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    impossible, possible = tmp_path / "file" / "x.errors.csv", tmp_path / "x.errors.csv"
    refused = [RefusedRow("line 1", "a/b", "invalid_name", "Not a key.")]
    results.write_failures([impossible, possible], refused)
    said = capsys.readouterr().err
    assert (f"{impossible} cannot be written" in said, f"(without values): {possible}" in said) == (True, True)
    assert "a/b" in possible.read_text()
    results.write_failures([impossible, possible], [])
    assert not possible.exists()  # from an earlier run


def test_an_unwritable_error_file_changes_no_exit_code(here: Shell, tmp_path: Path) -> None:
    source = tmp_path / ("n" * 250)  # too long for a file name with `.errors.csv`
    source.write_text(BROKEN)
    told = here.run("import", source, "-f", "dotenv")
    assert (told.code, told.err.count("cannot be written"), REASON in told.err) == (2, 2, True), told


def test_the_working_folder_is_the_second_place() -> None:
    assert results.list_places("/etc/hostname", None) == [Path("/etc/hostname.errors.csv"), Path("hostname.errors.csv")]
    assert results.list_places("some.env", None) == [Path("some.env.errors.csv")]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("nowhere/errors.csv", "does not exist"),
        ("/dev/stdout", "is not a file"),
        (".", "is a directory"),
        ("fifo", "not a file"),
        ("mine.env", "would be overwritten"),
    ],
)
def test_an_impossible_place_is_refused_before_anything_is_stored(
    here: Shell, service: Loopback, given: str, says: str
) -> None:
    assert here.folder
    os.mkfifo(here.folder / "fifo")
    (here.folder / "mine.env").write_text("password=x\n")
    service.requests.clear()
    told = here.run("import", "-", "--errors", given, given="k=1\n")
    assert (told.code, says in told.err, service.requests) == (2, True, []), told


def test_dev_null_takes_the_errors_and_stays_what_it_is(here: Shell) -> None:
    told = here.run("import", "-", "--errors", "/dev/null", given=BROKEN)
    assert (told.code, "without values" in told.err, Path("/dev/null").is_char_device()) == (2, False, True), told


def test_the_imported_file_is_never_overwritten_by_errors(here: Shell) -> None:
    assert here.folder
    (source := here.folder / "mine.env").write_text(text := f"a=1\nb={'x' * 300_000}\n")
    told = here.run("import", "mine.env", "--errors", "./mine.env", "--yes")
    assert (told.code, source.read_text() == text, "Nothing was stored" in told.err) == (2, True, True), told
    (report := here.folder / "e.csv").touch()
    for _ in range(2):  # an empty file is overwritten, and so is that of an earlier run
        assert here.run("import", "mine.env", "--errors", "e.csv", "--yes").code == 1
        assert report.read_text().startswith("place,key,code,reason")
