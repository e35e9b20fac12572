"""One run of the probe: its key, its memory and its report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from configsvc.model.errors import InvalidRequest, Misconfigured
from configsvc.scheduled.probe import (
    Probe,
    ProbeSettings,
    Report,
    check_task,
    describe,
    handler,
    list_metrics,
    observe,
    read_settings,
)
from configsvc.scheduled.probe_checks import Answer, ProbeFailed
from configsvc.scheduled.probe_fetch import Url, parse_url
from configsvc.scheduled.probe_key import HeldApiKey
from tests.support.scheduled.probing import KEY, KEY_ID, NOW, heartbeat, make_answer

SETTINGS = ProbeSettings(parse_url("https://api.example.com/prod"), KEY_ID, 900.0)
ENVIRON = {"CONFIGSVC_URL": "https://api.example.com/prod", "CONFIGSVC_PROBE_API_KEY_ID": KEY_ID}


class Scene:
    """A probe whose answers, keys and clock a test chooses."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers = list(answers)
        self.keys: list[Mapping[str, object]] = [{"value": KEY, "enabled": True}]
        self.sent: list[tuple[str, str]] = []
        self.read = 0
        self.now = NOW
        self.probe = Probe(SETTINGS, HeldApiKey(self._read), self._fetch, lambda: self.now, lambda: 0.0)

    def run(self) -> Report:
        return observe(lambda: self.probe)

    def _read(self) -> Mapping[str, object]:
        self.read += 1
        return self.keys.pop(0) if len(self.keys) > 1 else self.keys[0]

    def _fetch(self, _url: Url, path: str, headers: Mapping[str, str], _until: float) -> Answer:
        self.sent.append((path, headers["x-api-key"]))
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        return found


def test_a_healthy_run_reports_zero_age_and_duration() -> None:
    scene = Scene(make_answer(value=heartbeat(NOW - 30)))

    report = scene.run()

    assert (report.code, report.level, report.revision, report.age) == (None, "info", 41, 30.0)
    assert list_metrics(report) == {
        "ProbeFailed": (0, "Count"), "ProbeAge": (30.0, "Seconds"), "ProbeDuration": (0.0, "Milliseconds"),
    }  # fmt: skip


def test_the_key_is_read_once_and_sent_each_time() -> None:
    scene = Scene(make_answer())

    scene.run()
    scene.run()

    assert (scene.read, scene.sent) == (1, [("/v1/namespaces/configsvc.probe/snapshot", KEY)] * 2)


def test_a_key_that_was_replaced_is_read_again_after_403() -> None:
    scene = Scene(make_answer(status=403), make_answer())
    scene.keys = [{"value": "old", "enabled": True}, {"value": KEY, "enabled": True}]

    assert scene.run().code is None
    assert [key for _, key in scene.sent] == ["old", KEY]


def test_a_grant_that_is_missing_is_asked_for_twice_only() -> None:
    scene = Scene(make_answer(status=403))

    assert scene.run().code == "forbidden"
    assert (scene.read, len(scene.sent)) == (2, 2)


@pytest.mark.parametrize("key", [{"value": KEY, "enabled": False}, {}, {"value": "a\r\nb: c"}, {"value": ""}])
def test_a_key_that_cannot_be_used_is_never_sent(key: Mapping[str, object]) -> None:
    scene = Scene(make_answer())
    scene.keys = [key]

    assert scene.run().code == "api_key"
    assert not scene.sent


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (ClientError({"Error": {"Code": "NotFoundException", "Message": KEY}}, "GetApiKey"), "NotFoundException"),
        (ClientError({"Error": {"Code": "AccessDeniedException", "Message": KEY}}, "GetApiKey"), "AccessDenied"),
        (EndpointConnectionError(endpoint_url=KEY), "EndpointConnectionError"),
    ],
)
def test_a_key_that_cannot_be_read_names_the_reason_and_no_more(error: Exception, word: str) -> None:
    def read() -> Mapping[str, object]:
        raise error

    report = observe(lambda: Probe(SETTINGS, HeldApiKey(read)))

    assert report.code == "api_key"
    assert word in (report.detail or "")
    assert KEY not in json.dumps(describe(report))


def test_a_key_that_takes_too_long_fails_within_the_deadline() -> None:
    waiting = threading.Event()

    def read() -> Mapping[str, object]:
        waiting.wait(30)
        return {}

    report = observe(lambda: Probe(SETTINGS, HeldApiKey(read)), 0.05)
    waiting.set()

    assert report.code == "api_key"
    assert "TimeoutError" in (report.detail or "")


def test_the_key_is_in_no_repr() -> None:
    held = HeldApiKey(lambda: {"value": KEY})
    held.get(1)

    assert KEY not in f"{held!r} {Probe(SETTINGS, held)!r}"


def test_the_highest_revision_is_remembered_from_run_to_run() -> None:
    scene = Scene(make_answer(41), make_answer(40), make_answer(42))

    assert [scene.run().code for _ in range(3)] == [None, "revision", None]


def test_a_revision_far_too_high_is_not_remembered() -> None:
    scene = Scene(make_answer(41), make_answer(9 * 10**9), make_answer(42))

    assert [scene.run().code for _ in range(3)] == [None, "revision", None]


def test_an_old_heartbeat_fails_and_reports_its_age() -> None:
    scene = Scene(make_answer())
    scene.now = NOW + 901

    report = scene.run()

    assert (report.code, report.age) == ("age", 901)
    assert list_metrics(report)["ProbeFailed"] == (1, "Count")


def test_a_heartbeat_of_the_future_has_no_negative_age() -> None:
    scene = Scene(make_answer(value=heartbeat(NOW + 10)))

    assert list_metrics(scene.run())["ProbeAge"] == (0.0, "Seconds")


@pytest.mark.parametrize(("days", "level"), [(20.0, "warning"), (22.0, "info")])
def test_a_certificate_that_expires_soon_is_a_warning(days: float, level: str) -> None:
    scene = Scene(make_answer()._replace(expires=NOW + days * 86_400))

    report = scene.run()

    assert (report.code, report.level) == (None, level)
    assert list_metrics(report)["CertificateDays"] == (days, "Count")


def test_an_unexpected_error_fails_the_probe_and_gives_only_its_place() -> None:
    report = Scene(RuntimeError(KEY)).run()

    assert (report.code, report.level) == ("internal", "error")
    assert report.where[-1].endswith(" _fetch")
    assert KEY not in json.dumps(describe(report))


def test_a_failed_request_keeps_its_duration() -> None:
    report = Scene(ProbeFailed("timeout", "Too slow.")).run()

    assert list_metrics(report) == {"ProbeFailed": (1, "Count"), "ProbeDuration": (0.0, "Milliseconds")}


def test_settings_are_read_with_a_default_age() -> None:
    assert read_settings(ENVIRON) == SETTINGS


@pytest.mark.parametrize(
    "changed",
    [
        {"CONFIGSVC_URL": ""},
        {"CONFIGSVC_URL": "http://api.example.com"},
        {"CONFIGSVC_URL": "https://user:pw@api.example.com"},
        {"CONFIGSVC_URL": "https://api.example.com:70000"},
        {"CONFIGSVC_URL": "http://127.0.0.1.example.com"},
        {"CONFIGSVC_URL": "https://api.example.com/a b"},
        {"CONFIGSVC_PROBE_API_KEY_ID": ""},
        {"CONFIGSVC_PROBE_API_KEY_ID": "a/b"},
        {"CONFIGSVC_PROBE_MAX_AGE_SECONDS": "0"},
        {"CONFIGSVC_PROBE_MAX_AGE_SECONDS": "soon"},
    ],
)
def test_wrong_settings_fail_the_probe_and_name_the_variable(changed: dict[str, str]) -> None:
    def make() -> Probe:
        return Probe(read_settings(ENVIRON | changed), HeldApiKey(dict))

    report = observe(make)

    assert report.code == "settings"
    assert next(iter(changed)) in (report.detail or "")
    with pytest.raises(Misconfigured):
        read_settings(ENVIRON | changed)


@pytest.mark.parametrize("event", [None, {}, {"task": "upkeep"}, "probe", ["probe"]])
def test_another_task_is_an_error(event: object) -> None:
    with pytest.raises(InvalidRequest):
        check_task(event)


def test_the_function_writes_one_line_and_does_not_raise(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (*ENVIRON, "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "configsvc-prod-probe")

    returned = handler({"task": "probe"})

    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["level"], line["code"], line["ProbeFailed"]) == ("error", "settings", 1)
    assert (line["service"], line["_aws"]["CloudWatchMetrics"][0]["Dimensions"]) == (
        "configsvc-prod-probe",
        [["service"]],
    )
    assert returned["code"] == "settings"


def test_importing_the_function_needs_no_network_and_no_region() -> None:
    code = (
        "import sys, socket\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "import configsvc.scheduled.probe\n"
        "assert not {'boto3', 'chalice', 'pydantic', 'cryptography'} & sys.modules.keys(), sorted(sys.modules)\n"
    )

    subprocess.run([sys.executable, "-c", code], env={"PATH": os.defpath}, cwd=os.getcwd(), check=True)  # noqa: PTH109


def test_an_endless_recursion_leaves_a_line_that_queries_can_see() -> None:
    """CloudWatch finds 200 fields of a line, and each place is one."""

    def recurse() -> Probe:
        return recurse()

    report = observe(recurse)
    assert report.code == "internal"
    assert 0 < len(report.where) < 100
