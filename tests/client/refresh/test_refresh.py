import math
import threading

import pytest

from configsvc.model.errors import CannotOpen, ConfigsvcError, Forbidden, StaleRevision, Throttled, Unavailable
from configsvc.model.names import Namespace
from configsvc_client import ConfigUnavailable
from tests.support.client.configs import Stage
from tests.support.client.error_texts import collect_texts
from tests.support.client.sealing import (
    make_data_key,
    make_envelope,
    make_kms_entry,
    make_plain_entry,
    make_snapshot,
    seal_values,
)

MOVED = make_envelope("other", b"x")._replace(key=make_envelope("bad", b"").key)


def test_within_the_poll_interval_nobody_is_asked() -> None:
    stage = Stage(seal_values({"a": "1"}))
    assert stage.config["a"] == "1"
    stage.clock.advance(59)
    assert stage.config["a"] == "1"
    assert len(stage.gateway.asked) == 1
    assert stage.config.age == 59


def test_an_unchanged_poll_sends_the_etag_and_costs_no_kms_call() -> None:
    stage = Stage(seal_values({"a": "1"}, revision=3))
    stage.config.snapshot()
    stage.clock.advance(60)
    assert stage.config["a"] == "1"
    assert stage.gateway.asked[1] == {"payments.prod": '"3-0a1b"'}
    assert len(stage.kms.calls) == 1
    assert stage.config.age == 0


def test_a_change_reaches_a_reader_within_one_interval_without_another_kms_call() -> None:
    stage = Stage(seal_values({"a": "1"}))
    before = stage.config.snapshot()
    stage.serve(seal_values({"a": "2", "b": "3"}, revision=2))
    stage.clock.advance(60)
    assert dict(stage.config) == {"a": "2", "b": "3"}
    assert dict(before) == {"a": "1"}
    assert len(stage.kms.calls) == 1


@pytest.mark.parametrize(("chance", "due"), [(0.0, 54), (1.0, 66)])
def test_the_poll_interval_spreads_by_a_tenth(chance: float, due: float) -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.chance = chance
    stage.config.snapshot()
    stage.clock.advance(due - 1)
    stage.config.snapshot()
    assert len(stage.gateway.asked) == 1
    stage.clock.advance(1)
    stage.config.snapshot()
    assert len(stage.gateway.asked) == 2


@pytest.mark.parametrize(("wall", "up"), [(61, 0), (0, 61), (-3600, 61), (10 * 365 * 86400, 0)])
def test_what_is_held_is_due_when_either_clock_says_so(wall: float, up: float) -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.config.snapshot()
    stage.clock.at += wall
    stage.clock.up += up
    stage.config.snapshot()
    assert len(stage.gateway.asked) == 2


def test_a_wall_clock_that_goes_back_neither_refreshes_early_nor_postpones() -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.config.snapshot()
    stage.clock.at -= 3600
    stage.config.snapshot()
    assert len(stage.gateway.asked) == 1
    stage.clock.advance(60)
    stage.config.snapshot()
    assert len(stage.gateway.asked) == 2


def test_an_older_revision_is_never_served_after_a_newer_one() -> None:
    stage = Stage(seal_values({"a": "new"}, revision=5))
    stage.config.snapshot()
    stage.serve(seal_values({"a": "old"}, revision=4))
    with pytest.raises(StaleRevision):
        stage.config.refresh()
    assert isinstance(stage.config.last_error, StaleRevision)
    assert stage.config.last_error.__traceback__ is None
    stage.clock.advance(600)
    assert stage.config["a"] == "new"


def test_one_namespace_that_goes_back_stays_and_the_other_moves_on() -> None:
    shared = Namespace("shared.prod")
    stage = Stage(seal_values({"a": "1"}, revision=5), seal_values({"b": "1"}, revision=5, namespace=shared))
    stage.config.snapshot()
    stage.serve(seal_values({"a": "2"}, revision=6), seal_values({"b": "0"}, revision=4, namespace=shared))
    with pytest.raises(StaleRevision):
        stage.config.refresh()
    assert dict(stage.config) == {"a": "2", "b": "1"}


def test_warm_one_entry_that_does_not_open_keeps_the_whole_old_snapshot() -> None:
    stage = Stage(make_snapshot([make_envelope("a", b"1"), make_envelope("bad", b"ok")]))
    stage.config.snapshot()
    stage.serve(make_snapshot([make_envelope("a", b"2"), MOVED], revision=2))
    with pytest.raises(CannotOpen):
        stage.config.refresh()
    assert dict(stage.config) == {"a": "1", "bad": "ok"}
    assert stage.config.revisions == {"payments.prod": 1}


def test_a_broken_key_blocks_no_other_and_heals_without_a_revision() -> None:
    stage = Stage(
        make_snapshot([make_envelope("a", b"1"), make_envelope("b", b"1", raw=bytes(32))], data_keys=[make_data_key()])
    )
    assert stage.config.broken == {"b"}
    served = [make_envelope("a", b"2"), make_envelope("b", b"1", raw=bytes(32))]
    stage.serve(make_snapshot(served, revision=2, data_keys=[make_data_key()]))
    assert stage.config.refresh() is True
    assert stage.config["a"] == "2"
    assert stage.config.refresh() is False
    healed = make_snapshot(
        [*served],
        revision=2,
        data_keys=[make_data_key(), make_data_key(bytes(32))],
        tag="2c3d",
    )
    stage.serve(healed)
    assert stage.config.refresh() is True
    assert dict(stage.config) == {"a": "2", "b": "1"}


def test_an_answer_for_another_namespace_is_refused() -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.config.snapshot()
    stage.gateway.served[Namespace("payments.prod")] = seal_values({"a": "2"}, revision=2, namespace=Namespace("evil"))
    with pytest.raises(Unavailable, match=r"payments\.prod"):
        stage.config.refresh()
    assert stage.config["a"] == "1"


@pytest.mark.parametrize("error", [Unavailable("down"), Throttled("slow down"), Forbidden("no")])
def test_during_an_outage_the_last_snapshot_serves_and_ages(error: ConfigsvcError) -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.config.snapshot()
    stage.clock.advance(60)
    stage.gateway.fail = [error]
    assert stage.config["a"] == "1"
    assert stage.config.age == 60
    errors = [type(stage.config.last_error)]
    stage.clock.advance(600)
    assert stage.config["a"] == "1"
    errors.append(type(stage.config.last_error))
    assert errors == [type(error), type(None)]
    assert stage.config.age == 0


@pytest.mark.parametrize(("chance", "pace"), [(0.0, 54), (0.5, 60), (0.999999, 66)])
def test_a_failing_service_is_asked_once_an_interval_however_long_it_fails(chance: float, pace: float) -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.chance = chance
    stage.config.snapshot()
    stage.gateway.fail = [Unavailable("down")] * 100
    stage.clock.advance(100)
    waits, asked_at = [], stage.clock.up
    for _ in range(1500):
        before = len(stage.gateway.asked)
        stage.config.snapshot()
        if len(stage.gateway.asked) > before:
            waits.append(stage.clock.up - asked_at)
            asked_at = stage.clock.up
        stage.clock.advance(1)
    assert waits == [0, *[pace] * (len(waits) - 1)]
    assert len(waits) == 1 + 1499 // pace


@pytest.mark.parametrize("where", ["service", "kms"])
def test_an_unexpected_error_counts_as_a_failure_without_a_hot_loop(where: str) -> None:
    stage = Stage(seal_values({"a": "1"}), CONFIGSVC_DATA_KEY_SECONDS="1")
    stage.config.snapshot()
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.advance(61)
    if where == "kms":
        stage.kms.down = RuntimeError("canary")
    else:
        stage.gateway.fail = [RuntimeError("canary")]
    assert [stage.config["a"] for _ in range(100)] == ["1"] * 100
    assert len(stage.gateway.asked) == 2
    assert stage.config.counts["failures"] == 1
    assert isinstance(stage.config.last_error, Unavailable)
    assert "RuntimeError in" in stage.config.last_error.detail
    assert "canary" not in collect_texts(stage.config.last_error)
    stage.gateway.fail, stage.kms.down = [RuntimeError("canary")], None
    with pytest.raises(Unavailable, match=r"RuntimeError in .*fakes\.py") as caught:
        stage.config.refresh()
    assert "canary" not in collect_texts(caught.value)
    assert stage.config.refresh() is True


def test_an_unexpected_error_at_a_cold_start_is_unavailable_or_falls_back() -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.gateway.fail = [RuntimeError("canary")] * 3
    with pytest.raises(ConfigUnavailable, match="RuntimeError in") as caught:
        stage.config["a"]
    assert "canary" not in collect_texts(caught.value)
    with_file = Stage(seal_values({"a": "1"}), CONFIGSVC_FALLBACK="fallback.json")
    with_file.save(seal_values({"a": "saved"}))
    with_file.gateway.fail = [RuntimeError("canary")] * 3
    assert with_file.config["a"] == "saved"


@pytest.mark.parametrize("name", ["cryptography", "cryptography.hazmat.bindings._rust"])
def test_a_dependency_that_cannot_be_imported_is_named_with_what_to_do(name: str) -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.gateway.fail = [ImportError("canary", name=name)] * 3
    with pytest.raises(ConfigUnavailable, match=r"cryptography cannot be imported .*Install it") as caught:
        stage.config["a"]
    assert "canary" not in collect_texts(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        ImportError("canary", name="configsvc.model.snapshot"),
        ImportError("canary", name="configsvc_client._opening.opening"),
        ImportError("canary"),
        RuntimeError("canary"),
    ],
    ids=lambda error: getattr(error, "name", None) or type(error).__name__,
)
def test_a_failing_import_of_our_own_is_reported_as_a_bug(error: Exception) -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.gateway.fail = [error] * 3
    with pytest.raises(ConfigUnavailable, match=rf"Unexpected error: {type(error).__name__} in .*report it") as caught:
        stage.config["a"]
    assert "nstall" not in str(caught.value)


def test_a_kms_outage_matters_only_for_new_data_keys() -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.config.snapshot()
    stage.kms.down = Unavailable("KMS is down")
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.config.refresh()
    assert stage.config["a"] == "2"
    other = bytes(range(32))
    stage.serve(make_snapshot([make_envelope("a", b"3", raw=other)], revision=3, data_keys=[make_data_key(other)]))
    with pytest.raises(Unavailable):
        stage.config.refresh()
    assert stage.config["a"] == "2"
    stage.kms.down = None
    assert stage.config.refresh() is True
    assert stage.config["a"] == "3"


def test_an_unchanged_kms_value_is_not_decrypted_again() -> None:
    entry = make_kms_entry("a", b"1")
    stage = Stage(make_snapshot([entry, make_plain_entry("b", "1")]))
    stage.config.snapshot()
    stage.serve(make_snapshot([entry, make_plain_entry("b", "2")], revision=2))
    stage.config.refresh()
    assert dict(stage.config) == {"a": "1", "b": "2"}
    assert len(stage.kms.calls) == 1


def test_unchanged_polls_cost_no_kms_call_however_long_they_go_on() -> None:
    stage = Stage(seal_values({"a": "1"}))
    for _ in range(5):
        stage.clock.advance(3600)
        assert stage.config["a"] == "1"
    assert len(stage.gateway.asked) > 1
    assert len(stage.kms.calls) == 1


def test_data_keys_are_unwrapped_again_hourly_to_notice_withdrawn_rights() -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.config.snapshot()
    stage.clock.advance(3600)
    stage.kms.down = CannotOpen("AccessDeniedException")
    stage.serve(seal_values({"a": "2"}, revision=2))
    with pytest.raises(CannotOpen, match="AccessDenied"):
        stage.config.refresh()
    assert stage.config["a"] == "1"


def test_while_one_thread_refreshes_the_others_get_what_is_held_at_once() -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.config.snapshot()
    inside, done = threading.Event(), threading.Event()

    def slow() -> None:
        inside.set()
        assert done.wait(30)

    stage.gateway.during = slow
    stage.serve(seal_values({"a": "2"}, revision=2))
    stage.clock.advance(61)
    refreshing = threading.Thread(target=stage.config.snapshot)
    refreshing.start()
    assert inside.wait(30)
    assert [stage.config["a"] for _ in range(100)] == ["1"] * 100
    done.set()
    refreshing.join(30)
    assert stage.config["a"] == "2"
    assert len(stage.gateway.asked) == 2


def test_cold_threads_wait_for_the_one_that_loads() -> None:
    stage = Stage(seal_values({"a": "1"}))
    inside, done, seen = threading.Event(), threading.Event(), list[object]()

    def slow() -> None:
        inside.set()
        assert done.wait(30)

    stage.gateway.during = slow
    threads = [threading.Thread(target=lambda: seen.append(stage.config["a"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert inside.wait(30)
    done.set()
    for thread in threads:
        thread.join(30)
    assert seen == ["1"] * 8
    assert (len(stage.gateway.asked), len(stage.kms.calls)) == (1, 1)


def test_refresh_returns_whether_anything_changed() -> None:
    stage = Stage(seal_values({"a": "1"}))
    assert stage.config.refresh() is True
    assert stage.config.refresh() is False
    stage.serve(seal_values({"a": "2"}, revision=2))
    assert stage.config.refresh() is True
    assert stage.config["a"] == "2"
    assert len(stage.gateway.asked) == 3


def test_a_first_refresh_that_fails_raises_and_may_be_repeated() -> None:
    stage = Stage(seal_values({"a": "1"}))
    stage.gateway.fail = [Forbidden("not allowed")]
    with pytest.raises(ConfigUnavailable):
        stage.config.refresh()
    assert stage.config.age == math.inf
    assert stage.config.refresh() is True
    assert stage.config.age == 0


def test_refreshes_failures_and_what_was_refused_are_counted_each_time() -> None:
    stage = Stage(seal_values({"a": "1"}, revision=5))
    stage.config.snapshot()

    def counted() -> list[int]:
        return [stage.config.counts[name] for name in ("refreshes", "failures", "stale_revisions", "refused")]

    for times in (1, 2):
        stage.config.refresh()
        assert counted() == [times, 0, 0, 0]
    for times in (1, 2):
        stage.serve(seal_values({"a": "1"}, revision=5 - times))
        with pytest.raises(StaleRevision):
            stage.config.refresh()
        assert counted() == [2, times, times, times]
    stage.gateway.fail = [Forbidden("not allowed")]
    with pytest.raises(Forbidden):
        stage.config.refresh()
    assert counted() == [2, 3, 2, 2]
