"""Rows 26 to 29: the fallback file, callbacks, and a hundred thousand refreshes."""

from __future__ import annotations

import contextlib
import os
import threading
from itertools import count, takewhile
from pathlib import Path

import pytest

from configsvc.model.errors import Unavailable
from configsvc_client import ConfigUnavailable
from configsvc_client._opening.fallback_file import BadFallback, Fallback, encode, read
from tests.support.client.configs import Stage
from tests.support.client.sealing import NS, seal_values
from tests.support.client.stub_service import run_service
from tests.support.faults_client.processes import process
from tests.support.faults_client.seeds import seeded

FILE = {"CONFIGSVC_FALLBACK": "/var/task/fallback.json"}
READER = """
import sys
from configsvc_client._opening.fallback_file import decode, read
seen = set()
for _ in range(int(sys.argv[2])):
    (sealed,) = decode(read(sys.argv[1])).snapshots
    assert {entry.version for entry in sealed.entries} == {sealed.revision}, "torn"
    seen.add(sealed.revision)
print("whole", len(seen), flush=True)
"""
SOAK = """
import os, sys, gc
sys.path.insert(0, sys.argv[1])
from tests.support.client.configs import Stage
from tests.support.client.sealing import seal_values
def pages():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
stage = Stage(seal_values({"a": "1"}))
even = seal_values({f"k{n}": "v" * 100 for n in range(4)}, revision=2)
odd = even._replace(etag='"2-ffff"')
config, asked = stage.config, stage.gateway.asked
def refresh(times):
    for n in range(times):
        stage.serve(even if n % 20 else odd)
        stage.clock.advance(0.03)
        config.refresh()
        asked.clear(); stage.gateway.deadlines.clear(); stage.kms.calls.clear()
refresh(2000)
gc.collect()
before, files = pages(), len(os.listdir("/proc/self/fd"))
refresh(int(sys.argv[2]))
gc.collect()
print(pages() - before, len(os.listdir("/proc/self/fd")) - files, flush=True)
"""


def damaged(content: bytes, seed: int) -> bytes:
    at = seeded(seed).randrange(20, len(content) - 20)
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "fault", ["corrupt", "truncated", "absent", "another url", "another namespace", "below the pin"]
)
def test_26_an_invalid_file_is_refused_with_a_warning(fault: str, seed: int) -> None:
    stage = Stage(seal_values({"a": "1"}), **FILE, CONFIGSVC_MIN_REVISION="1")
    saved = seal_values({"a": "canary"})
    stage.save(saved)
    assert isinstance(stage.file, bytes)
    if fault == "corrupt":
        stage.file = damaged(stage.file, seed)
    elif fault == "truncated":
        stage.file = stage.file[: seeded(seed).randrange(len(stage.file) - 1)]
    elif fault == "absent":
        stage.file = BadFallback("It cannot be read (No such file or directory).")
    elif fault == "another url":
        stage.save(saved, url="https://api.example/test")
    elif fault == "another namespace":
        stage.save(saved._replace(sealed=saved.sealed._replace(namespace=NS.__class__("other.prod"))))
    else:
        stage.save(saved._replace(sealed=saved.sealed._replace(revision=0)))
    stage.gateway.fail = [Unavailable("down")] * 20
    with pytest.raises(ConfigUnavailable, match=r"fallback\.json is not used either"):
        stage.config["a"]
    (warning,) = stage.warnings
    assert "fallback.json" in warning
    assert "canary" not in warning
    stage.gateway.fail = []
    assert stage.config["a"] == "1"


def test_26_a_link_is_not_followed_and_an_unreadable_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    (tmp_path / "link").symlink_to(file)
    with pytest.raises(BadFallback, match="symbolic link"):
        read(str(tmp_path / "link"))
    if os.geteuid():
        file.chmod(0)
        with pytest.raises(BadFallback, match="Permission denied"):
            read(str(file))


def test_26_the_warning_reaches_the_log_and_the_file_is_never_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import contextlib

    from configsvc_client import Config

    file = tmp_path / "fallback.json"
    with run_service(seal_values({"a": "1"})) as running:
        environ = {**running.environ, "CONFIGSVC_FALLBACK": str(file), "CONFIGSVC_START_SECONDS": "2"}
        file.write_bytes(encode(Fallback(environ["CONFIGSVC_URL"], 1.0, (seal_values({"a": "saved"}).sealed,))))
        stamp = file.stat()
        running.api.close()
        with contextlib.closing(Config(environ=environ)) as config:
            assert (config["a"], config.source) == ("saved", "fallback")
    assert str(file) in caplog.text
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == (stamp.st_mtime_ns, stamp.st_ino)
    assert list(tmp_path.iterdir()) == [file]


def test_27_readers_see_a_replaced_file_whole_old_or_new(tmp_path: Path) -> None:
    file, beside = tmp_path / "fallback.json", tmp_path / "beside"

    def put(revision: int) -> None:
        saved = seal_values({f"k{n}": "x" * 200 for n in range(30)}, revision=revision).sealed
        entries = tuple(entry._replace(version=revision) for entry in saved.entries)
        beside.write_bytes(encode(Fallback("https://h", 1.0, (saved._replace(entries=entries),))))
        beside.replace(file)

    put(1)
    stop = threading.Event()

    def replace() -> None:
        for revision in takewhile(lambda _: not stop.is_set(), count(2)):
            put(revision)

    replacing = threading.Thread(target=replace)
    replacing.start()
    try:
        with contextlib.ExitStack() as stack:
            readers = [stack.enter_context(process(READER, {}, str(file), "100")) for _ in range(8)]
            heard = [reader.hear() for reader in readers]
    finally:
        stop.set()
        replacing.join(30)
    assert {line.split()[0] for line in heard} == {"whole"}
    assert max(int(line.split()[1]) for line in heard) > 1


def test_28_a_callback_that_raises_is_isolated_counted_and_shows_no_value() -> None:
    stage = Stage(seal_values({"db.url": "1", "db.pool": "1", "a": "1"}))
    config, told = stage.config, list[object]()

    def raising(_: frozenset[str]) -> None:
        raise ValueError(config["db.url"])

    config.on_change("db.", raising)
    config.on_change("db.", lambda keys: told.append((keys, config["db.url"])))
    config.on_change("nothing.", told.append)
    config.on_change("", told.append)
    config.snapshot()
    stage.serve(seal_values({"db.url": "canary", "db.pool": "1", "new": "1"}, revision=2))
    assert config.refresh() is True
    assert told == [({"db.url"}, "canary"), {"db.url", "a", "new"}]
    assert config.counts["callback_failures"] == 1
    assert stage.warnings == ["A callback for changes of db. raised ValueError."]
    assert config.refresh() is False
    assert len(told) == 2


def test_28_a_blocking_callback_delays_no_other_thread_or_refresh() -> None:
    stage = Stage(seal_values({"a": "1"}))
    inside, done = threading.Event(), threading.Event()
    stage.config.snapshot()

    def blocking(_: frozenset[str]) -> None:
        if not inside.is_set():
            inside.set()
            assert done.wait(30)

    stage.config.on_change("", blocking)
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.advance(66)
    blocked = threading.Thread(target=stage.config.snapshot)
    blocked.start()
    assert inside.wait(30)
    assert stage.config["a"] == "2"
    stage.serve(seal_values({"a": "3"}, revision=3))
    stage.clock.advance(66)
    assert stage.config["a"] == "3"
    done.set()
    blocked.join(30)


def test_28_in_a_handler_a_callback_sees_new_values_and_handlers_old() -> None:
    stage = Stage(seal_values({"a": "1"}))
    seen: list[object] = []

    @stage.config.handler
    def handler(event: object, context: object) -> object:
        del event, context
        stage.serve(seal_values({"a": "2"}, revision=2))
        stage.config.refresh()
        return stage.config["a"]

    stage.config.on_change("a", lambda _: seen.append(stage.config["a"]))
    assert handler(None, None) == "1"
    assert seen == ["2"]


@pytest.mark.parametrize("times", [3000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_29_refreshes_leave_no_memory_and_no_file_descriptor_behind(times: int) -> None:
    with process(SOAK, {}, str(Path(__file__).parents[2]), str(times)) as soaking:
        grown, files = (int(each) for each in soaking.hear().split())
    assert files == 0
    assert grown < 2 * 1024 * 1024
