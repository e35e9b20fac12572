"""Credentials from botocore, requested by several threads, signal handlers and forked processes at once."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

import pytest

from configsvc.model.errors import ConfigsvcError, Unavailable
from configsvc_client._aws.chain import BotocoreChain
from configsvc_client._aws.credentials import CredentialSources
from configsvc_client._aws.sigv4 import Credentials
from tests.support.client.stub_servers import Answer, run_stub

GIVEN = b"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""
FOUND = Credentials("ASIA", "s", "t")


class Sts:
    """A stub of STS; calls `during` in each request."""

    def __init__(self) -> None:
        self.during: Callable[[], object] = lambda: None
        self.scopes: list[str] = []

    def answer(self, _: str, __: str, headers: dict[str, str], ___: bytes) -> Answer:
        self.scopes.append(headers["authorization"].split("/")[2])
        self.during()
        return 200, {}, GIVEN


@pytest.fixture
def sts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sts]:
    (tmp_path / "config").write_text(
        "[profile team]\nrole_arn = arn:aws:iam::111122223333:role/x\nsource_profile = me\n"
    )
    (tmp_path / "credentials").write_text("[me]\naws_access_key_id = AKID\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    for name in ("AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    made = Sts()
    with run_stub(made.answer) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
        yield made


def soon(seconds: float = 20) -> float:
    return time.monotonic() + seconds


class FindingThread(threading.Thread):
    """A thread that finds credentials."""

    def __init__(self, chain: BotocoreChain, seconds: float = 20) -> None:
        super().__init__(daemon=True)
        self._chain, self._seconds = chain, seconds
        self.found: Credentials | ConfigsvcError | None = None
        self.start()

    def run(self) -> None:
        try:
            self.found = self._chain.find(soon(self._seconds))
        except ConfigsvcError as error:
            self.found = error

    def wait_for_result(self) -> Credentials | ConfigsvcError | None:
        self.join(30)
        assert not self.is_alive()
        return self.found


def test_concurrent_threads_assume_the_role_once(sts: Sts) -> None:
    chain = BotocoreChain("team")
    assert {each.wait_for_result() for each in [FindingThread(chain) for _ in range(8)]} == {FOUND}
    assert len(sts.scopes) == 1


def test_a_thread_waits_for_another_no_longer_than_its_own_deadline(sts: Sts) -> None:
    chain, asked, go = BotocoreChain("team"), threading.Event(), threading.Event()

    def waits() -> None:
        asked.set()
        go.wait(30)

    sts.during = waits
    first = FindingThread(chain)
    assert asked.wait(20)
    with pytest.raises(Unavailable, match="in time"):
        chain.find(soon(0.05))
    go.set()
    assert first.wait_for_result() == FOUND
    assert chain.find(soon()) == FOUND
    assert len(sts.scopes) == 1


def test_signal_handler_during_the_chain_does_not_wait_for_it(sts: Sts) -> None:
    chain, results = BotocoreChain("team"), SimpleQueue[ConfigsvcError | Credentials]()

    def handler(*_: object) -> None:
        try:
            results.put(chain.find(soon(600)))
        except ConfigsvcError as error:
            results.put(error)

    before = signal.signal(signal.SIGUSR1, handler)
    main = threading.main_thread().ident
    assert main is not None
    answered = SimpleQueue[object]()

    def interrupt() -> None:
        """Signal until it is handled: CPython keeps one that comes just before a wait until the wait ends."""
        for _ in range(3):
            signal.pthread_kill(main, signal.SIGUSR1)
            with suppress(Empty):
                answered.put(results.get(timeout=0.5))
                return

    sts.during = interrupt
    try:
        assert chain.find(soon()) == FOUND
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert isinstance(answered.get(timeout=30), Unavailable)


def test_hanging_thread_is_abandoned_and_its_late_result_dropped(sts: Sts) -> None:
    ahead = [0.0]
    chain = BotocoreChain("team", clock=lambda: time.monotonic() + ahead[0])
    asked, go = threading.Event(), threading.Event()

    def first_hangs() -> None:
        if len(sts.scopes) == 1:
            asked.set()
            go.wait(30)

    sts.during = first_hangs
    first = FindingThread(chain, 5)
    assert asked.wait(20)
    ahead[0] = 61
    assert chain.find(soon(120)) == FOUND
    assert len(sts.scopes) == 2
    go.set()
    first.wait_for_result()
    assert chain.find(soon(120)) == FOUND
    assert len(sts.scopes) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_child_forked_during_the_chain_does_not_wait_for_its_parent(sts: Sts) -> None:
    chain, asked, go = BotocoreChain("team"), threading.Event(), threading.Event()

    def first_hangs() -> None:
        if len(sts.scopes) == 1:
            asked.set()
            go.wait(30)

    sts.during = first_hangs
    first = FindingThread(chain)
    assert asked.wait(20)
    child = os.fork()
    if not child:
        try:
            os._exit(0 if chain.find(soon(15)) == FOUND else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    go.set()
    assert first.wait_for_result() == FOUND
    assert len(sts.scopes) == 2


def test_role_is_assumed_in_aws_region_if_botocore_finds_no_region(sts: Sts, monkeypatch: pytest.MonkeyPatch) -> None:
    CredentialSources({"AWS_PROFILE": "team", "AWS_REGION": "eu-central-1"}).find(soon())
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    CredentialSources({"AWS_PROFILE": "team", "AWS_REGION": "eu-central-1"}).find(soon())
    assert sts.scopes == ["eu-west-3", "eu-central-1"]
