"""The scheduled upkeep prunes every namespace, reports what is due, and fails loudly."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from configsvc.adapters.events import BACKOFF
from configsvc.model import limits, names
from configsvc.model.change_set import Activate, Delete
from configsvc.model.errors import Unprocessable
from configsvc.model.names import PROBE_NAMESPACE, UPKEEP_KEY
from configsvc.scheduled.upkeep_report import LISTED, describe_tally, measure_tally
from configsvc.service.engine import records
from configsvc.service.engine.ports import Write
from configsvc.service.engine.records import Head, RetentionSettings
from configsvc.service.verbs.due import DueDataKey
from configsvc.service.verbs.keys import put_key
from configsvc.service.verbs.namespaces import NamespaceWanted, create_namespace
from configsvc.service.verbs.upkeep_everywhere import DueDay, UpkeepTally, make_caller
from local.emulator.insights.engine import discover
from local.emulator.insights.language import Typing
from tests.support.scheduled.upkeep_world import SERVICE, Upkeep
from tests.support.service.sealed import kid
from tests.support.service.world import ADMIN, NS, World, sealed, text

DAY = 24 * 3600.0
CANARY = "canary-hunter2"


def read_mark(world: World) -> dict[str, Any]:
    at = records.key(PROBE_NAMESPACE, UPKEEP_KEY)
    state = world.repository.get([at])[at]
    assert isinstance(state, records.KeyState)
    assert state.entry
    found: dict[str, Any] = json.loads(state.entry.value)
    return found


def test_a_run_prunes_and_writes_one_line(world: World, upkeep: Upkeep) -> None:
    world.set(retention=RetentionSettings(log_days=1, versions=1, deleted_days=1))
    world.put(text("a"))
    world.put(text("gone"))
    world.put(text("a"))
    world.change(Delete(names.parse_key("gone")))
    world.clock.pass_by(3 * DAY)
    assert upkeep.invoke("upkeep") == {"task": "upkeep", "failed": 0}
    (line,) = upkeep.lines()
    assert (line["level"], line["task"], line["namespaces"], line["skipped"], line["failed"]) == (
        "info", "upkeep", 1, 0, [],
    )  # fmt: skip
    assert (line["log_pruned"], line["keys_purged"], line["versions_pruned"]) == (6, 1, 2)
    assert (line["UpkeepFailed"], line["service"]) == (0, SERVICE)


def test_a_purge_is_logged_as_system_upkeep(world: World, upkeep: Upkeep) -> None:
    world.put(text("gone"))
    world.change(Delete(names.parse_key("gone")))
    world.set(retention=RetentionSettings(deleted_days=1))
    world.clock.pass_by(3 * DAY)
    upkeep.invoke("upkeep")
    last = world.log()[-1]
    assert (last.verb, last.principal, last.arn, last.api_key) == ("purge", "system:upkeep", "", "")
    assert last.correlation_id == upkeep.report()["request_id"]


def test_read_only_namespaces_are_skipped_and_still_reported(world: World, upkeep: Upkeep) -> None:
    world.put(text("a", rotate_by="2020-01-01"))
    world.set(read_only=True)
    create_namespace(world.ports, ADMIN, names.parse_namespace("payments.test"), NamespaceWanted(), None)
    upkeep.invoke("upkeep")
    line = upkeep.report()
    assert (line["namespaces"], line["skipped"], line["failed"], line["rotation_overdue"]) == (2, 1, [], 1)


def test_due_values_are_counted_named_and_announced(world: World, upkeep: Upkeep) -> None:
    # Today is 2027-01-15.
    days = {"past": "2027-01-14", "today": "2027-01-15", "near": "2027-01-29", "near2": "2027-01-29"}
    for key, day in {**days, "far": "2027-01-30"}.items():
        world.put(text(key, rotate_by=day))
    world.put(text("never"))
    upkeep.invoke("upkeep")
    line = upkeep.report()
    assert (line["rotation_due"], line["rotation_overdue"]) == (4, 1)
    assert (line["RotationDue"], line["RotationOverdue"]) == (4, 1)
    assert line["rotations"][-1] == {"namespace": NS, "rotate_by": "2027-01-29", "keys": 2, "first": "near"}
    assert upkeep.bus.details() == [
        {"stack": "configsvc-tests", "namespace": NS, "keys": keys, "rotate_by": day}
        for keys, day in ((["past"], "2027-01-14"), (["today"], "2027-01-15"), (["near", "near2"], "2027-01-29"))
    ]
    assert {(each["Source"], each["DetailType"]) for each in upkeep.bus.accepted} == {("configsvc", "RotationDue")}


def test_data_keys_are_reported_by_age_and_by_seals(world: World, upkeep: Upkeep) -> None:
    head = world.head()
    count = head.kids[kid()]._replace(seals=limits.SEALS_NEAR)
    world.repository.commit([Write(head._replace(revision=head.revision + 1, kids={kid(): count}), head.revision)])
    upkeep.invoke("upkeep")
    assert upkeep.report()["data_keys"] == [{"namespace": NS, "kid": kid(), "why": ["seals"]}]
    world.clock.pass_by(limits.DATA_KEY_SECONDS + 1)
    upkeep.invoke("upkeep")
    assert (upkeep.report()["data_keys"][0]["why"], upkeep.report()["DataKeysDue"]) == (["age", "seals"], 1)


def test_a_failure_is_named_in_the_line_and_raised(world: World, upkeep: Upkeep) -> None:
    create_namespace(world.ports, ADMIN, names.parse_namespace("payments.test"), NamespaceWanted(), None)

    def refuse() -> None:
        raise Unprocessable("too many keys")

    world.repository.before_query += [lambda: None, refuse]  # the listing, then the first namespace
    assert "1 of 2 namespaces" in upkeep.fail("upkeep")
    line = upkeep.report()
    assert (line["level"], line["failed"], line["UpkeepFailed"]) == (
        "error", [{"namespace": "payments.test", "code": "unprocessable"}], 1,
    )  # fmt: skip
    fault = upkeep.lines()[0]
    assert (fault["namespace"], fault["fault"], fault["detail"]) == ("payments.test", "Unprocessable", "too many keys")


def test_events_that_are_not_accepted_fail_the_run(world: World, upkeep: Upkeep) -> None:
    world.put(text("a", rotate_by="2020-01-01"))
    upkeep.bus.refusals = [{0}] * 9
    upkeep.fail("upkeep")
    assert upkeep.report()["failed"] == [{"namespace": NS, "code": "unavailable"}]


def test_a_repeated_run_sends_no_event_again(world: World, upkeep: Upkeep) -> None:
    other = names.parse_namespace("payments.test")
    create_namespace(world.ports, ADMIN, other, NamespaceWanted(), None)
    for namespace in (NS, other):
        put_key(upkeep.ports, make_caller("c-1"), namespace, text("a", rotate_by="2020-01-01"), "", None)
    upkeep.bus.refusals = [{0} for _ in range(int(BACKOFF.tries))]  # all attempts for the first namespace
    upkeep.fail("upkeep")
    assert len(upkeep.bus.details()) == 1
    upkeep.repeat("upkeep")
    assert sorted(each["namespace"] for each in upkeep.bus.details()) == sorted([NS, other])
    upkeep.invoke("upkeep")
    assert len(upkeep.bus.details()) == 4


def test_without_time_left_all_namespaces_are_left_and_counted(world: World, upkeep: Upkeep) -> None:
    assert world.head()
    upkeep.fail("upkeep", milliseconds=59_999)
    line = upkeep.report()
    assert (line["left"], line["failed"], line["UpkeepFailed"]) == (1, [], 1)
    assert not list(world.repository.query(records.of_namespace(PROBE_NAMESPACE), ""))


def test_a_completed_run_leaves_its_time_and_failures(world: World, upkeep: Upkeep) -> None:
    upkeep.invoke("upkeep")
    assert read_mark(world) == {"at": world.clock.now().text, "failed": 0}
    world.put(text("a", rotate_by="2020-01-01"))
    upkeep.bus.refusals = [{0}] * 9
    upkeep.fail("upkeep")
    assert read_mark(world) == {"at": world.clock.now().text, "failed": 1}


def test_a_mark_that_cannot_be_written_fails_the_run(world: World, upkeep: Upkeep) -> None:
    create_namespace(world.ports, ADMIN, PROBE_NAMESPACE, NamespaceWanted(read_only=True), None)
    upkeep.fail("upkeep")
    assert upkeep.report()["failed"] == [{"namespace": PROBE_NAMESPACE, "code": "conflict"}]


@pytest.mark.parametrize("task", [None, "", "Upkeep", "probe", {"task": "upkeep"}, 7])
def test_an_unknown_task_is_an_error(upkeep: Upkeep, task: object) -> None:
    assert "names no task" in upkeep.fail(task)
    assert upkeep.report() == {"level": "error", "task": None, "code": "unknown_task"}


def test_no_value_is_in_a_line_or_an_event(world: World, upkeep: Upkeep) -> None:
    world.put(text("plain", CANARY, rotate_by="2020-01-01"))
    world.put(sealed("db.url", 1, ciphertext=CANARY.encode())._replace(rotate_by="2020-01-01"))
    world.put(text("plain", f"{CANARY}-2", rotate_by="2020-01-02"))
    world.change(Activate(names.parse_key("plain"), 1))
    world.put(text("gone", CANARY))
    world.change(Delete(names.parse_key("gone")))
    world.set(retention=RetentionSettings(log_days=1, versions=1, deleted_days=1))
    world.clock.pass_by(3 * DAY)
    upkeep.invoke("upkeep")
    seen = upkeep.text.getvalue() + json.dumps(upkeep.bus.calls)
    assert "plain" in seen
    assert "canary" not in seen
    assert sealed("db.url", 1, ciphertext=CANARY.encode()).value[-40:] not in seen


def test_a_value_in_an_exception_reaches_no_line(world: World, upkeep: Upkeep) -> None:
    def break_off() -> None:
        raise ValueError(CANARY) from KeyError(CANARY)

    world.repository.before_query += [lambda: None, break_off]
    error = upkeep.fail("upkeep")
    assert upkeep.report()["failed"] == [{"namespace": NS, "code": "internal"}]
    assert "canary" not in upkeep.text.getvalue() + error
    assert upkeep.lines()[0]["fault"] == "ValueError"


def test_a_line_is_bounded_however_much_is_due() -> None:
    many = [names.parse_namespace(f"{number:064d}") for number in range(1000)]
    tally = UpkeepTally(namespaces=len(many), failed=dict.fromkeys(many, "x" * 30))
    tally.days = [DueDay(each, "2027-01-15", "k" * 255, 10**6) for each in many]
    tally.data_keys = [DueDataKey(each, kid(), ("age", "seals")) for each in many]
    line = describe_tally(tally)
    assert len(discover(json.dumps({**line, **measure_tally("s", 0, tally)}), Typing.JSON)) < 190  # others are added
    assert len(json.dumps(line)) < 64_000
    assert [line[f"{name}_not_listed"] for name in ("failed", "rotations", "data_keys")] == [1000 - LISTED] * 3
    assert line["data_keys_due"] == 1000


def test_importing_the_function_needs_no_region_and_creates_no_client() -> None:
    script = "import sys, configsvc.scheduled.upkeep; print('boto3' in sys.modules, 'botocore.session' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], env={}, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_raised_head_of_one_namespace_stops_no_other(world: World, upkeep: Upkeep) -> None:
    at = records.head(NS)
    head = world.repository.get([at])[at]
    assert isinstance(head, Head)
    world.repository.commit([Write(head._replace(revision=10**9), head.revision)])
    other = names.parse_namespace("payments.test")
    create_namespace(world.ports, ADMIN, other, NamespaceWanted(retention=RetentionSettings(log_days=1)), None)
    world.clock.pass_by(3 * DAY)
    upkeep.invoke("upkeep")
    assert upkeep.report()["namespaces"] == 2
