import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local.emulator import run_record
from local.emulator.run_record import RunRecord
from local.errors import AlreadyRunning
from local.processes import Mark, mark

_GONE = Mark(os.getpid(), "another boot/1")


@pytest.fixture
def left_over() -> Iterator["subprocess.Popen[bytes]"]:
    """A process in its own group, in the role of the emulator of an interrupted run."""
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as process:
        yield process
        process.kill()


def _marked(process: "subprocess.Popen[bytes]") -> Mark:
    found = mark(process.pid)
    assert found is not None
    return found


def test_the_emulator_of_an_interrupted_run_is_ended(tmp_path: Path, left_over: "subprocess.Popen[bytes]") -> None:
    run_record.save(tmp_path / "run.json", RunRecord(_marked(left_over), _GONE, 4566))

    run_record.recover(tmp_path / "run.json", grace=10)

    assert left_over.wait(10) == -15
    assert not (tmp_path / "run.json").exists()


def test_a_later_process_with_the_same_id_is_left_alone(tmp_path: Path, left_over: "subprocess.Popen[bytes]") -> None:
    earlier = replace(_marked(left_over), began="another boot/1")
    run_record.save(tmp_path / "run.json", RunRecord(earlier, _GONE, 4566))

    run_record.recover(tmp_path / "run.json", grace=10)

    assert left_over.poll() is None
    assert not (tmp_path / "run.json").exists()


def test_a_run_that_is_alive_is_not_disturbed(tmp_path: Path, left_over: "subprocess.Popen[bytes]") -> None:
    run_record.write(tmp_path / "run.json", left_over.pid, 4566)

    with pytest.raises(AlreadyRunning, match=rf"process {os.getpid()} .* port 4566"):
        run_record.recover(tmp_path / "run.json", grace=10)

    assert left_over.poll() is None
    assert (tmp_path / "run.json").exists()


@pytest.mark.parametrize("torn", ["", "{", "[]", '{"emulator": 1}', '{"emulator": {"pid": 1}}'])
def test_a_torn_record_is_forgotten(tmp_path: Path, torn: str) -> None:
    (tmp_path / "run.json").write_text(torn)

    run_record.recover(tmp_path / "run.json", grace=10)

    assert not (tmp_path / "run.json").exists()


def test_an_ended_process_is_not_running_even_before_it_is_collected(left_over: "subprocess.Popen[bytes]") -> None:
    left_over.kill()
    os.waitid(os.P_PID, left_over.pid, os.WEXITED | os.WNOWAIT)

    assert mark(left_over.pid) is None
