import socket
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local.clients import Credentials
from local.emulator.launcher import Emulator
from local.errors import AlreadyRunning, NotReady, PortBusy
from local.network.loopback import LOOPBACK
from local.processes import is_running, mark, wait_until
from tests.support.local.aws_people import kms
from tests.support.local.rest_api import deploy_rest_api

pytestmark = pytest.mark.emulator

_LAUNCHER = """
import sys, time
from pathlib import Path
from local.emulator.launcher import Emulator

emulator = Emulator(log=Path(sys.argv[1]) / "log", state=Path(sys.argv[1]) / "state")
emulator.start()
print(emulator.pid, emulator.url, flush=True)
time.sleep(600)
"""


def _group(leader: int) -> list[int]:
    """Processes of the leader's process group (proc(5): the third field after the name)."""
    stats = [entry / "stat" for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    fields = {int(stat.parent.name): _read(stat).rpartition(")")[2].split() for stat in stats}
    return [pid for pid, found in fields.items() if len(found) > 2 and found[2] == str(leader)]


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def test_a_busy_port_is_refused_and_named(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(PortBusy, match=f"port {port} .*another port"):
            Emulator(log=tmp_path / "log", port=port).start()


def test_it_listens_on_loopback_only(emulator: Emulator) -> None:
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]

    assert [row[1] for row in rows if row[1].endswith(f":{emulator.port:04X}") and row[3] == "0A"] == [
        f"0100007F:{emulator.port:04X}"
    ]


def test_an_unknown_identity_is_refused(emulator: Emulator) -> None:
    with pytest.raises(ClientError, match=r"UnrecognizedClient|InvalidClientTokenId"):
        kms(emulator.url, Credentials("AKIAUNKNOWNUNKNOWN12", "secret")).list_keys()


def test_its_data_is_found_again_at_the_next_start(tmp_path: Path) -> None:
    with Emulator(log=tmp_path / "log", state=tmp_path / "state") as first:
        key = kms(first.url).create_key()["KeyMetadata"]["Arn"]

    with Emulator(log=tmp_path / "log", state=tmp_path / "state") as second:
        assert [found["KeyArn"] for found in kms(second.url).list_keys()["Keys"]] == [key]


@pytest.mark.slow
def test_a_stop_leaves_no_process_and_no_scratch_files(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with Emulator(log=tmp_path / "log", state=state) as emulator:
        api = deploy_rest_api(emulator.url)
        assert api.get("/open", {})[0] == 200  # a Lambda worker now runs
        leader = emulator.pid
        assert leader is not None
        assert len(_group(leader)) > 1

    assert wait_until(lambda: not _group(leader), 5)
    assert not (state / "scratch").exists()
    assert not (state / "run.json").exists()


def test_an_emulator_without_a_seam_does_not_start_and_says_which(tmp_path: Path) -> None:
    elsewhere = Path(sys.executable)  # an environment that has no ministack
    emulator = Emulator(log=tmp_path / "log", python=elsewhere)

    with pytest.raises(NotReady, match=r"SeamMissing: ministack\.services\.apigateway_v1\._build_lambda_event_v1"):
        emulator.start()
    assert emulator.pid is None


def test_a_missing_environment_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="make setup"):
        Emulator(log=tmp_path / "log", python=tmp_path / "python").start()


def test_a_second_run_on_the_same_state_is_refused(tmp_path: Path) -> None:
    with Emulator(log=tmp_path / "log", state=tmp_path / "state") as first:
        with pytest.raises(AlreadyRunning, match=f"on port {first.port}"):
            Emulator(log=tmp_path / "log", state=tmp_path / "state").start()
        assert kms(first.url).list_keys()["Keys"] == []


def test_it_stops_in_order_when_its_launcher_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _LAUNCHER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as launcher:
        assert launcher.stdout is not None
        pid, url = launcher.stdout.readline().split()
        started = mark(int(pid))
        key = kms(url).create_key()["KeyMetadata"]["Arn"]
        launcher.kill()

    assert started is not None
    assert wait_until(lambda: not is_running(started), 20)
    with Emulator(log=tmp_path / "log", state=tmp_path / "state") as emulator:
        assert [found["KeyArn"] for found in kms(emulator.url).list_keys()["Keys"]] == [key]
