"""Rows 15 to 19: KMS is gone, slow, or says no."""

import contextlib
import threading

import pytest

from configsvc.model.encoding import to_base64std
from configsvc.model.errors import CannotOpen, Unavailable
from configsvc_client import Config, ConfigUnavailable
from configsvc_client._aws.kms import Decrypted
from tests.support.client.configs import Stage
from tests.support.client.fakes import FakeKms
from tests.support.client.sealing import make_data_key, make_envelope, make_kms_entry, make_snapshot, seal_values
from tests.support.client.stub_servers import Answer, make_json_answer, run_stub
from tests.support.client.stub_service import answer_kms, run_service
from tests.support.faults_client.seeds import seeded

DOWN = Unavailable("KMS is down")


def test_15_warm_with_the_same_data_key_kms_down_does_not_matter() -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.config.snapshot()
    stage.kms.down = DOWN
    for revision in range(2, 12):
        stage.serve(seal_values({"a": str(revision)}, revision=revision))
        stage.clock.advance(66)
        assert stage.config["a"] == str(revision)
    assert len(stage.kms.calls) == 1


def test_16_warm_with_kms_down_the_old_snapshot_serves_with_backoff() -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.config.snapshot()
    stage.chance = 0.999
    stage.kms.down = DOWN
    other = bytes(range(32))
    stage.serve(make_snapshot([make_envelope("a", b"2", raw=other)], revision=2, data_keys=[make_data_key(other)]))
    for _ in range(1000):
        assert stage.config["a"] == "1"
        stage.clock.advance(1)
    assert len(stage.kms.calls) - 1 <= 1000 / 60
    stage.kms.down = None
    stage.clock.advance(300)
    assert stage.config["a"] == "2"


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
def test_17_cold_kms_is_asked_at_most_eleven_times_before_the_deadline(chance: float) -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.chance = chance
    stage.kms.down = DOWN
    began = stage.clock.up
    with pytest.raises(ConfigUnavailable, match="KMS is down"):
        stage.config["a"]
    assert 4 <= len(stage.kms.calls) <= 11
    assert began + 7.2 <= stage.clock.up < began + 8


def test_18_a_cold_start_keeps_its_answer_while_kms_throttles() -> None:
    stage = Stage(make_snapshot([make_kms_entry("a", b"1"), make_envelope("b", b"2")]))
    throttled = Unavailable("KMS is busy", reason="ThrottlingException")
    stage.kms.fail = [None, throttled, throttled, throttled]
    assert (stage.config["a"], stage.config["b"]) == ("1", "2")
    assert len(stage.gateway.asked) == 1
    assert len(stage.kms.calls) == 5  # and what KMS opened is not asked for again
    assert stage.clock.pauses == [0.1, 0.2, 0.4]


def test_18_a_cold_start_retries_a_busy_kms_and_not_the_service() -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.gateway.during = lambda: stage.clock.advance(7.5)
    stage.kms.fail = [Unavailable("KMS is busy", reason="ThrottlingException")]
    assert stage.config["a"] == "1"
    late = Stage(seal_values({"a": "1"}))
    late.gateway.during = lambda: late.clock.advance(7.5)
    late.gateway.fail = [Unavailable("down")]
    with pytest.raises(ConfigUnavailable):
        late.config["a"]


def test_18_a_throttling_kms_at_a_cold_start_costs_one_snapshot_request() -> None:
    busy = [make_json_answer(400, {"__type": "ThrottlingException", "message": "Rate exceeded"})] * 2

    def answer(method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        return busy.pop() if busy else answer_kms(method, target, headers, body)

    with run_service(seal_values({"a": "1"})) as running, run_stub(answer) as kms:
        with contextlib.closing(Config(environ={**running.environ, "AWS_ENDPOINT_URL_KMS": kms.url})) as config:
            assert config["a"] == "1"
        assert (len(running.api.requests), len(kms.requests)) == (1, 3)


class Throttling(FakeKms):
    """Throttles half of the calls."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._draw = seeded(seed)
        self.answered = 0

    def decrypt(self, *args: object, **kwargs: object) -> Decrypted:
        self.down = DOWN if self._draw.random() < 0.5 else None
        opened = super().decrypt(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they are
        self.answered += 1
        return opened


@pytest.mark.parametrize("seed", [1, 2, 4])
def test_18_while_kms_throttles_eight_cold_threads_open_with_one_answered_call(seed: int) -> None:
    stage = Stage(seal_values({f"k{n}": "1" for n in range(20)}))
    kms = stage.kms = Throttling(seed)
    seen: list[object] = []
    gate = threading.Barrier(8)

    def read() -> None:
        gate.wait(30)
        while not seen:
            try:
                seen.append(stage.config["k7"])
            except ConfigUnavailable:
                continue

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert set(seen) == {"1"}
    assert kms.answered == 1


@pytest.mark.parametrize("code", ["AccessDeniedException", "DisabledException", "KMSInvalidStateException"])
def test_19_what_kms_refuses_is_not_asked_again_and_says_why(code: str) -> None:
    stage = Stage(seal_values({"a": "1", "b": "1"}))
    stage.kms.down = CannotOpen(f"KMS refused Decrypt with {code}.", reason=code)
    with pytest.raises(CannotOpen, match=code):
        stage.config["a"]
    assert len(stage.kms.calls) == 1


def test_19_over_the_wire_a_refusal_is_one_request() -> None:
    refusal: Answer = make_json_answer(
        400, {"__type": "DisabledException", "message": f"{to_base64std(b'x')} is disabled."}
    )
    with run_service(seal_values({"a": "1"})) as running, run_stub(lambda *_: refusal) as kms:
        with contextlib.closing(Config(environ={**running.environ, "AWS_ENDPOINT_URL_KMS": kms.url})) as config:
            assert config.broken == {"a"}
        assert len(kms.requests) == 1
