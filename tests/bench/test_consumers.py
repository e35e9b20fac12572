"""The simulated consumers find out a service that does not keep its word, and say what they need."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from threading import Lock
from typing import ClassVar

import pytest

from bench.load.clients import LOCUST, Seen, consume
from bench.load.plan import Plan
from local.network.server import Handler, LoopbackServer
from local.paths import ROOT

pytestmark = pytest.mark.slow

_KEY = "value-of-the-key"
_REVISIONS = {"backwards": (9, 8), "twice": (5, 5), "honest": (3, 4)}
_FAULTS = {
    "arriving, failed: 304 to a consumer without a snapshot",
    "arriving, failed: 200 without a snapshot of the namespace",
    "arriving, failed: 200 with an ETag that is not of its revision",
    "arriving, failed: status 500: ",
}


class _Liar(Handler):
    """Answers each namespace in its own way; a poll after the first in the way it must not."""

    polls: ClassVar[Counter[str]]
    lock: ClassVar[Lock]

    def answer(self) -> None:
        namespace = self.path.split("/")[-2]
        with self.lock:
            first = not self.polls[namespace]
            self.polls[namespace] += 1
        assert self.headers["x-api-key"] == _KEY
        if namespace == "never":
            self._send(304, "", {})
        elif namespace == "failing":
            self._send(500, "", {})
        elif namespace == "mixed":
            self._send(200, '"3-aa"', {"namespace": "other", "revision": 3, "entries": []})
        elif namespace == "unmarked":
            self._send(200, '"4-aa"', {"namespace": namespace, "revision": 3, "entries": []})
        else:
            revision = _REVISIONS[namespace][0 if first else 1]
            etag = f'"{revision}-aa"'
            if namespace != "twice" and self.headers["if-none-match"] == etag:
                self._send(304, etag, {})
            else:
                self._send(200, etag, {"namespace": namespace, "revision": revision, "entries": []})

    def _send(self, status: int, etag: str, snapshot: dict[str, object]) -> None:
        body = json.dumps(snapshot).encode() if snapshot else b""
        self.send_response(status)
        if etag:
            self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    class Liar(_Liar):
        """One server's."""

        polls: ClassVar[Counter[str]] = Counter()
        lock: ClassVar[Lock] = Lock()

    server = LoopbackServer(Liar)
    server.start()
    namespaces = [*_REVISIONS, "never", "failing", "mixed", "unmarked"]
    plan = Plan(clients=7, arriving=1, polling=2, poll=0.3, namespaces=7, entries=0, processes=0)
    try:
        yield consume(f"{server.url}/api", _KEY, namespaces, plan, tmp_path_factory.mktemp("liar"))
    finally:
        server.stop()


def test_a_revision_that_goes_backwards_fails(seen: Seen) -> None:
    assert any("the revision went backwards" in each for each in seen.failures)


def test_the_same_snapshot_sent_again_fails(seen: Seen) -> None:
    assert any("200 with the revision already held" in each for each in seen.failures)


def test_an_answer_that_makes_no_sense_fails(seen: Seen) -> None:
    told = {each.split("500: ")[0] + "500: " if "500" in each else each for each in seen.failures}
    assert told >= _FAULTS


def test_a_service_that_keeps_its_word_does_not_fail(seen: Seen) -> None:
    (honest,) = (each for each in seen.consumers if each.namespace == "honest")
    assert honest.revisions == [3, 4]
    assert honest.unchanged > 0


def test_what_is_missing_is_named_at_once() -> None:
    command = [str(LOCUST), "-f", str(ROOT / "bench/load/locustfile.py"), "--host", "http://127.0.0.1:1", "--headless"]
    ran = subprocess.run(command, env={}, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode != 0
    assert "CONFIGSVC_API_KEY, CONFIGSVC_NAMESPACES" in ran.stdout + ran.stderr
