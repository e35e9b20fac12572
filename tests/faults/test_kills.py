"""Kills a writing process at random moments: every change set is written as a whole or not at all, and once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from configsvc.adapters.dynamo import DynamoRepository
from local.emulator.launcher import Emulator
from tests.support.contracts import tables
from tests.support.faults.killing import KEYS, SLOTS
from tests.support.machines import recount
from tests.support.races.writers import NS, prepare

ROOT = Path(__file__).resolve().parent.parent.parent


def run_kills(emulator: Emulator, kills: int, bug: str = "") -> None:
    """Raises AssertionError if a kill has left something half written."""
    client = tables.make_client(emulator.url)
    table = tables.create_table(client)
    repository = DynamoRepository(client, table)
    prepare(repository)
    command = [
        sys.executable,
        "-m",
        "tests.support.faults.killing",
        emulator.url,
        table,
        str(kills),
        "1",
        *([bug] if bug else []),
    ]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    report = json.loads(done.stdout)
    assert report["kills"] >= kills
    found = recount.read_stored(repository, NS)
    assert found
    recount.check(found)
    check_whole(found)
    check_once(found, report["following"])


def check_whole(found: recount.StoredNamespace) -> None:
    for record in found.log:
        if record.verb == "change":
            values = {found.versions[change.key, change.version or 0].entry.value for change in record.changes}
            assert values == {record.message}
            assert [change.key for change in record.changes] == list(KEYS)


def check_once(found: recount.StoredNamespace, following: list[int]) -> None:
    """Checks that messages are in order, each once; acknowledged ones exist, and at most one more of each slot."""
    messages = [record.message for record in found.log if record.verb == "change"]
    assert len(following) == SLOTS
    for slot, acknowledged in enumerate(following):
        numbers = [int(message.split("-")[1]) for message in messages if message.startswith(f"{slot}-")]
        assert numbers == list(range(len(numbers)))
        assert acknowledged <= len(numbers) <= acknowledged + 1
    assert sum(following) > 0


@pytest.mark.slow
@pytest.mark.emulator
@pytest.mark.timeout(300)
def test_s35_200_kills_leave_nothing_half_written(emulator: Emulator) -> None:
    run_kills(emulator, 200)


@pytest.mark.long
@pytest.mark.emulator
@pytest.mark.timeout(1200)
def test_s35_1000_kills_leave_nothing_half_written(emulator: Emulator) -> None:
    run_kills(emulator, 1000)


@pytest.mark.slow
@pytest.mark.emulator
@pytest.mark.timeout(300)
def test_s35_two_commits_instead_of_one_are_detected(emulator: Emulator) -> None:
    with pytest.raises(AssertionError):
        run_kills(emulator, 60, "two-commits")
