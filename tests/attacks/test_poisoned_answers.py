"""Whoever writes the table for a while answers for it: what readers hold survives, and one lift brings them back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

import pytest

from configsvc.model import limits
from configsvc.model.encoding import to_base64std
from configsvc.model.errors import CannotOpen, ConfigsvcError, Misconfigured, NotFound, Unavailable
from configsvc.model.names import Key, Namespace
from configsvc.model.snapshot import Entry
from configsvc_client import ConfigUnavailable, NotTaken, StaleRevision
from configsvc_client._aws.kms import Decrypted
from configsvc_client._ports import FetchedSnapshot
from configsvc_client._secret import Secret
from tests.support.client.configs import Stage
from tests.support.client.fakes import KMS_KEY
from tests.support.client.sealing import (
    NS,
    make_data_key,
    make_envelope,
    make_kms_entry,
    make_plain_entry,
    make_snapshot,
    seal_values,
)

SHARED = Namespace("shared.prod")
HELD = 41


def at(revision: int, value: str = "1", tag: str = "0a1b", namespace: Namespace = NS) -> FetchedSnapshot:
    made = seal_values({"a": value}, revision=revision, namespace=namespace)
    return made._replace(etag=f'"{revision}-{tag}"')


def warm(*others: FetchedSnapshot, **variables: str) -> Stage:
    stage = Stage(at(HELD), *others, **variables)
    stage.config.snapshot()
    return stage


@pytest.mark.parametrize("raised", [HELD + limits.REVISION_JUMP + 1, limits.REVISION_MOST, 10**15])
def test_a_warm_client_refuses_a_raised_revision_then_recovers(raised: int) -> None:
    stage = warm()
    stage.serve(at(raised, "evil"))
    with pytest.raises(NotTaken, match="more than 1000000 above the current"):
        stage.config.refresh()
    assert (stage.config["a"], stage.config.revisions["payments.prod"]) == ("1", HELD)
    stage.serve(at(HELD + 1, "2"))
    assert stage.config.refresh() is True
    assert (stage.config["a"], stage.config.last_error) == ("2", None)


def test_a_jump_that_writes_explain_is_taken() -> None:
    stage = warm()
    stage.serve(at(HELD + limits.REVISION_JUMP, "2"))
    assert stage.config.refresh() is True


def test_after_a_raised_revision_a_lift_brings_all_clients_together() -> None:
    led, other = warm(), warm()
    poisoned = HELD + limits.REVISION_JUMP
    led.serve(at(poisoned, "evil"))
    led.config.refresh()
    for lifted, who in ((HELD + limits.REVISION_JUMP // 2, [other]), (poisoned + 1, [led, other])):
        for stage in who:
            stage.serve(at(lifted, "good"))
            assert stage.config.refresh() is True
    assert (led.config["a"], other.config["a"]) == ("good", "good")


@pytest.mark.parametrize("raised", [limits.REVISION_MOST + 1, 10**15])
def test_a_cold_client_begins_with_nothing_that_a_lift_could_not_reach(raised: int) -> None:
    stage = Stage(at(raised))
    with pytest.raises(ConfigUnavailable, match="nothing above"):
        stage.config.snapshot()


def test_above_that_bound_the_least_revision_says_where_to_begin() -> None:
    most = limits.REVISION_MOST
    stage = Stage(at(most + 100), CONFIGSVC_MIN_REVISION=f"payments.prod={most + 1}")
    assert stage.config["a"] == "1"


@pytest.mark.parametrize("least", [str(limits.REVISION_LIFT + 1), "9" * 5000])
def test_the_least_revision_is_bounded_as_well(least: str) -> None:
    stage = Stage(at(HELD), CONFIGSVC_MIN_REVISION=f"payments.prod={least}")
    with pytest.raises(Misconfigured, match="The maximum is"):
        stage.config.snapshot()


def test_so_is_a_fallback_file() -> None:
    stage = Stage(at(HELD), CONFIGSVC_FALLBACK="file")
    stage.gateway.fail = [NotFound("gone")]
    stage.save(at(10**15, "evil"))
    with pytest.raises(ConfigUnavailable, match="nothing above"):
        stage.config.snapshot()


def test_other_entries_under_the_revision_that_is_held_are_refused_and_seen() -> None:
    stage = warm()
    stage.serve(at(HELD, "evil", tag="ffff"))
    stage.clock.advance(61)
    assert stage.config["a"] == "1"
    assert isinstance(stage.config.last_error, NotTaken)
    assert "configsvc namespace lift payments.prod --revision 41" in stage.config.last_error.detail
    assert (stage.config.counts["failures"], stage.config.counts["refused"]) == (1, 1)
    assert [each for each in stage.warnings if "payments.prod" in each]


def test_the_same_entries_in_another_order_under_another_tag_are_the_same() -> None:
    entries = [make_plain_entry("a", "1"), make_plain_entry("b", "2")]
    stage = Stage(make_snapshot(entries, revision=HELD))
    stage.config.snapshot()
    stage.serve(make_snapshot(entries[::-1], revision=HELD, tag="ffff"))
    stage.config.refresh()
    assert stage.config.last_error is None
    stage.config.refresh()
    assert stage.gateway.asked[-1] == {NS: f'"{HELD}-ffff"'}


def mine(value: str, revision: int) -> FetchedSnapshot:
    return at(revision, value, namespace=SHARED)


def random_bytes(revision: int) -> FetchedSnapshot:
    """A right header, and bytes that nobody sealed."""
    head, _, _ = make_envelope("b", b"1", version=revision).value.rpartition(".")
    entry: Entry = make_envelope("b", b"1", version=revision)._replace(value=f"{head}.{'A' * 22}")
    return make_snapshot([make_envelope("a", b"1"), entry], revision=revision, data_keys=[make_data_key()])


REFUSED: dict[str, Callable[[], FetchedSnapshot | ConfigsvcError]] = {
    "random bytes": lambda: random_bytes(HELD + 1),
    "went backwards": lambda: at(HELD - 1, "evil"),
    "jumped": lambda: at(10**9, "evil"),
    "other entries": lambda: at(HELD, "evil", tag="ffff"),
    "plain": lambda: make_snapshot([make_plain_entry("a", "evil")], revision=HELD + 1),
    "absent": lambda: NotFound("There is no namespace payments.prod.", namespace=NS),
    "of another form": lambda: Unavailable("not a snapshot that this version can read", reason="not_ours"),
}


@pytest.mark.parametrize("how", REFUSED)
def test_one_namespace_stops_no_other_and_is_seen(how: str) -> None:
    stage = warm(mine("1", 7), CONFIGSVC_SEALED_KEYS="a")
    stage.gateway.served[NS] = REFUSED[how]()
    stage.gateway.served[SHARED] = seal_values({"c": "new"}, revision=8, namespace=SHARED)
    stage.clock.advance(61)
    assert (stage.config["a"], stage.config["c"]) == ("1", "new")
    config = stage.config
    assert set(config.refused) == {"payments.prod"}
    assert config.last_error is not None
    assert "payments.prod" in config.last_error.detail
    assert config.last_error.members["namespace"] == "payments.prod"
    assert (config.counts["failures"], config.counts["refused"]) == (1, 1)
    assert len(stage.warnings) == 1


def test_a_refused_namespace_is_polled_normally_and_ages_alone() -> None:
    stage = warm(mine("1", 7), CONFIGSVC_MAX_STALE_SECONDS="600")
    stage.gateway.served[NS] = at(10**9, "evil")
    for _ in range(5):
        stage.clock.advance(66)
        stage.config.snapshot()
    assert len(stage.gateway.asked) == 6
    assert stage.gateway.asked[-1] == {NS: f'"{HELD}-0a1b"', SHARED: '"7-0a1b"'}
    assert stage.config.age == 330
    stage.gateway.served[NS] = at(HELD + 1, "2")
    stage.clock.advance(66)
    assert (stage.config["a"], stage.config.age, stage.config.refused) == ("2", 0, {})
    assert [each.partition(" ")[0] for each in stage.warnings] == ["payments.prod", "payments.prod"]
    assert "updated again" in stage.warnings[-1]


def test_max_stale_bounds_how_long_a_refused_namespace_serves() -> None:
    stage = warm(mine("1", 7), CONFIGSVC_MAX_STALE_SECONDS="300")
    stage.gateway.served[NS] = at(10**9, "evil")
    for _ in range(4):
        stage.clock.advance(66)
        stage.config.snapshot()
    stage.clock.advance(66)
    with pytest.raises(ConfigsvcError, match="330 seconds old"):
        stage.config.snapshot()


def test_what_is_refused_for_kms_is_not_opened_again_with_each_poll() -> None:
    stage = warm(mine("1", 7))
    asked = len(stage.kms.calls)
    unknown = make_envelope("a", b"2", version=2, raw=bytes(32))
    stage.gateway.served[NS] = make_snapshot(
        [unknown], revision=HELD + 1, data_keys=[make_data_key()._replace(kid=make_data_key(bytes(32)).kid)]
    )
    for _ in range(20):
        stage.clock.advance(66)
        stage.config.snapshot()
    assert isinstance(stage.config.last_error, CannotOpen)
    assert len(stage.gateway.asked) == 21
    assert len(stage.kms.calls) - asked <= 9
    stage.gateway.served[NS] = make_snapshot([make_envelope("a", b"3", version=3)], revision=HELD + 2)
    stage.clock.advance(66)
    assert stage.config["a"] == "3"


def test_a_stale_revision_is_counted() -> None:
    stage = warm(mine("1", 7))
    stage.gateway.served[NS] = at(HELD - 1)
    with pytest.raises(StaleRevision):
        stage.config.refresh()
    assert stage.config.counts["stale_revisions"] == 1


def nobody_sealed(many: int, salt: str = "") -> list[Entry]:
    """Values in kms form that KMS refuses; whoever writes the namespace can store any number of these."""
    return [
        Entry(Key(f"junk.{number:03}"), 1, "kms", "text/plain", to_base64std(f"junk {salt}{number}".encode()))
        for number in range(many)
    ]


def test_answers_that_alternate_cost_one_kms_call_with_each_poll() -> None:
    stage = warm(mine("1", 7))
    asked = len(stage.kms.calls)
    for poll in range(10):
        stage.serve(make_snapshot([*nobody_sealed(300, salt="AB"[poll % 2])], revision=HELD + 1))
        stage.clock.advance(66)
        assert stage.config["a"] == "1"
    assert len(stage.kms.calls) - asked <= 10


def test_so_do_data_keys_that_nobody_wrapped() -> None:
    stage = warm(mine("1", 7))
    asked = len(stage.kms.calls)
    raws = [hashlib.sha256(bytes([number])).digest() for number in range(50)]
    stage.serve(
        make_snapshot(
            [make_envelope(f"junk.{number}", b"", raw=raw) for number, raw in enumerate(raws)],
            revision=HELD + 1,
            data_keys=[make_data_key(raw)._replace(wrapped=to_base64std(raw)) for raw in raws],
        )
    )
    stage.clock.advance(66)
    assert stage.config["a"] == "1"
    assert len(stage.kms.calls) - asked == 1


def test_a_cold_start_limits_futile_kms_calls_and_serves_the_rest() -> None:
    good = [make_envelope("a", b"1"), make_envelope("z", b"2")]
    other = seal_values({"c": "3"}, namespace=SHARED)
    stage = Stage(make_snapshot([good[0], *nobody_sealed(300), good[1]], revision=HELD), other)
    assert {key: stage.config[key] for key in "azc"} == {"a": "1", "z": "2", "c": "3"}
    assert len(stage.config.broken) == 300
    assert len(stage.kms.calls) <= 2 + 20
    with pytest.raises(CannotOpen, match="20 other values in payments"):
        stage.config["junk.200"]


def test_what_is_broken_keeps_nothing_that_comes_later_from_opening() -> None:
    stage = Stage(make_snapshot(nobody_sealed(30), revision=HELD))
    stage.config.snapshot()
    stage.serve(make_snapshot([*nobody_sealed(30), make_kms_entry("late", b"good")], revision=HELD + 1))
    assert stage.config.refresh() is True
    assert stage.config["late"] == "good"


def test_where_kms_denies_single_keys_each_is_asked_for() -> None:
    stage = Stage(make_snapshot([*nobody_sealed(30), make_kms_entry("mine", b"good")], revision=HELD))
    decrypt = stage.kms.decrypt

    def denies(ciphertext: bytes, context: Mapping[str, str], key_id: str | None, deadline: float) -> Decrypted:
        if context["configsvc:key"] != "mine":
            raise CannotOpen("KMS refused Decrypt.", reason="AccessDeniedException")
        return decrypt(ciphertext, context, key_id, deadline)

    stage.kms.decrypt = denies  # type: ignore[method-assign]  # by a policy for single keys
    assert stage.config["mine"] == "good"


def test_the_time_that_one_namespace_takes_is_not_taken_from_another() -> None:
    stage = warm(mine("1", 7))
    decrypt = stage.kms.decrypt

    def slow(ciphertext: bytes, context: Mapping[str, str], key_id: str | None, deadline: float) -> Decrypted:
        if stage.clock.up >= deadline:
            raise Unavailable("KMS did not answer in time.", reason="deadline")
        stage.clock.advance(0.02)
        return decrypt(ciphertext, context, key_id, deadline)

    stage.kms.decrypt = slow  # type: ignore[method-assign]  # as fast as KMS is
    many = [make_kms_entry(f"v{number}", str(number).encode()) for number in range(100)]
    stage.serve(make_snapshot(many, revision=HELD + 1))
    stage.serve(make_snapshot([make_kms_entry("new", b"2", namespace=SHARED)], revision=8, namespace=SHARED))
    stage.clock.advance(66)
    assert stage.config["new"] == "2"
    assert set(stage.config.refused) == {"payments.prod"}


def test_an_unfetched_namespace_recovers_when_it_is_unchanged() -> None:
    stage = warm(mine("1", 7))
    stage.chance = 1.0
    stage.gateway.served[NS] = Unavailable("It took too long.")
    stage.clock.advance(67)
    stage.config.snapshot()
    assert set(stage.config.refused) == {"payments.prod"}
    stage.serve(at(HELD))
    stage.clock.advance(67)
    stage.config.snapshot()
    assert (stage.config.refused, stage.config.age) == ({}, 0)


def test_reading_refusals_during_a_refresh_sees_them_complete() -> None:
    stage = warm(mine("1", 7))
    stage.gateway.served = {NS: at(10**9, "evil"), SHARED: at(10**9, "evil", namespace=SHARED)}
    with pytest.raises(NotTaken):
        stage.config.refresh()
    seen: list[int] = []

    class Looking:
        def __rmul__(self, seconds: float) -> float:
            return seconds

        def __mul__(self, seconds: float) -> float:
            seen.append(len(stage.config.refused))
            return seconds

    stage.clock.advance(1000)
    stage.chance = Looking()  # type: ignore[assignment]  # drawn while the refresh settles
    with pytest.raises(NotTaken):
        stage.config.refresh()
    assert set(seen) == {2}


def test_a_broken_key_heals_without_refetching_everything() -> None:
    stage = Stage(make_snapshot([make_plain_entry("a", "1"), *nobody_sealed(2)], revision=HELD), mine("1", 7))
    decrypt = stage.kms.decrypt
    assert len(stage.config.broken) == 2
    stage.clock.advance(66)
    stage.config.snapshot()
    assert stage.gateway.asked[-1] == {NS: f'"{HELD}-0a1b"', SHARED: '"7-0a1b"'}

    def lets(ciphertext: bytes, context: Mapping[str, str], key_id: str | None, deadline: float) -> Decrypted:
        if "configsvc:key" in context:
            return Decrypted(Secret(b"opened"), KMS_KEY)
        return decrypt(ciphertext, context, key_id, deadline)

    stage.kms.decrypt = lets  # type: ignore[method-assign]  # from now on
    stage.clock.advance(66)
    assert (stage.config["junk.000"], len(stage.config.broken)) == ("opened", 0)
    assert stage.config._keeper().held.layers[0].reopen is None  # type: ignore[union-attr]  # noqa: SLF001  # kept no longer than needed
