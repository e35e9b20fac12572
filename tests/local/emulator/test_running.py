"""The local AWS itself is asked whether a run is active: the note of a killed run proves nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local import deploy, logs
from local.emulator import run_record
from local.emulator.launcher import Emulator
from local.emulator.running import find_running_endpoint, keep_note
from local.errors import NotReady
from local.network.loopback import claim_port
from local.network.server import Handler, LoopbackServer
from local.paths import ROOT, Places
from local.processes import wait_until
from tests.support.local.echo import echo_server

_SECONDS = 60.0


class _Ending(Handler):
    """Healthy, and gone before it has answered anything else."""

    def answer(self) -> None:
        self.body()
        if self.command == "GET":
            self.send_response_only(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
        self.close_connection = True


def _note(places: Places, pid: int, port: int) -> None:
    places.running.write_text(json.dumps({"pid": pid, "port": port}))


def test_without_a_note_nothing_runs(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="make run"):
        find_running_endpoint(Places(tmp_path))


def test_a_note_at_which_nothing_answers_is_not_believed(tmp_path: Path) -> None:
    _note(Places(tmp_path), os.getpid(), claim_port(0))

    with pytest.raises(NotReady, match="make run"):
        find_running_endpoint(Places(tmp_path))


def test_another_program_at_the_port_is_not_the_local_aws(tmp_path: Path) -> None:
    with echo_server() as other:
        _note(Places(tmp_path), os.getppid(), other.port)

        with pytest.raises(NotReady):
            find_running_endpoint(Places(tmp_path))


@pytest.mark.parametrize("torn", ["", "{", "[]", "3", '{"endpoint": "http://127.0.0.1:1"}', '{"pid": 1, "port": "x"}'])
def test_a_torn_note_is_none(tmp_path: Path, torn: str) -> None:
    Places(tmp_path).running.write_text(torn)

    with pytest.raises(NotReady):
        find_running_endpoint(Places(tmp_path))


def test_logs_after_a_killed_run_say_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _note(Places(tmp_path), os.getpid(), claim_port(0))

    assert logs.main(Places(tmp_path)) == 1
    assert "make run" in capsys.readouterr().err


def test_a_local_aws_that_stops_answering_ends_the_logs_with_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = LoopbackServer(_Ending)
    server.start()
    _note(Places(tmp_path), os.getpid(), server.port)
    try:
        assert logs.main(Places(tmp_path)) == 1
    finally:
        server.stop()
    assert "make logs: " in capsys.readouterr().err


@pytest.mark.emulator
def test_the_note_of_a_run_leads_to_it_and_is_gone_afterwards(tmp_path: Path, emulator: Emulator) -> None:
    places = Places(tmp_path)
    with keep_note(places.running, emulator):
        assert find_running_endpoint(places) == emulator.url

    assert not places.running.exists()


@pytest.mark.emulator
def test_deploying_after_a_killed_run_starts_the_local_aws_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = Places(tmp_path)
    _note(places, os.getpid(), claim_port(0))

    assert deploy.main(["destroy", "local", "--yes"], places, port=0) == 1
    told = capsys.readouterr()
    assert "starting it for this command" in told.out
    assert "There is no stack" in told.err


@contextmanager
def _run(places: Places, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`make run` with a separate AWS; ended by its process id, together with its emulator."""
    arguments = [sys.executable, "-m", "local.run", *options, "--data", str(places.data), "--port", "0"]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert wait_until(lambda: places.running.exists() or process.poll() is not None, _SECONDS)
            yield process
        finally:
            process.kill()
            process.wait()
            run_record.recover(places.state / "run.json", _SECONDS)


def _emulator(places: Places) -> int:
    return int(json.loads(places.running.read_text())["pid"])


@pytest.mark.emulator
@pytest.mark.slow
def test_an_aws_that_dies_during_the_story_ends_the_run(tmp_path: Path) -> None:
    places = Places(tmp_path)
    with _run(places, "--once") as process:
        os.kill(_emulator(places), signal.SIGKILL)
        _, said = process.communicate(timeout=_SECONDS)

    assert process.returncode == 1
    assert "make run: " in said
    assert str(places.log) in said
    assert "Traceback" not in said


@pytest.mark.emulator
@pytest.mark.slow
def test_an_aws_that_dies_after_the_story_ends_the_run(tmp_path: Path) -> None:
    places = Places(tmp_path / "a folder")
    with _run(places) as process:
        assert process.stdout
        assert any("Ctrl-C stops the local AWS" in line for line in process.stdout)
        ran = subprocess.run(
            ["/bin/bash", "-euc", '. "$1" && configsvc namespace create payments.dev && configsvc grants', "-",
             places.administrator],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        os.kill(_emulator(places), signal.SIGKILL)
        _, said = process.communicate(timeout=_SECONDS)

    assert "configsvc-developer\twrite" in ran.stdout
    assert process.returncode == 1
    assert said.startswith("\nmake run: the local AWS stopped by itself")
    assert not places.running.exists()


@pytest.mark.emulator
@pytest.mark.slow
def test_a_run_that_was_killed_leaves_nothing_that_is_taken_for_one(tmp_path: Path) -> None:
    places = Places(tmp_path)
    with _run(places, "--once") as process:
        process.kill()
        process.wait()

    assert places.running.exists()
    with pytest.raises(NotReady):
        find_running_endpoint(places)


@pytest.mark.emulator
@pytest.mark.slow
def test_a_run_that_a_script_began_in_the_background_ends_by_sigint(tmp_path: Path) -> None:
    places = Places(tmp_path)
    ignored = signal.signal(signal.SIGINT, signal.SIG_IGN)  # what `sh -c 'make run &'` hands down
    try:
        with _run(places, "--once") as process:
            process.send_signal(signal.SIGINT)
            told, _ = process.communicate(timeout=_SECONDS)
    finally:
        signal.signal(signal.SIGINT, ignored)

    assert "Stopped. The data is kept" in told
    assert not places.running.exists()
