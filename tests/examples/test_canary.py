"""The canary that opens a value: what each failure of the path to it looks like."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from examples.canary.handler import handler
from infra.packaging.service_zip import read_yaml
from infra.paths import ROOT
from tests.support.client.sealing import make_plain_entry, make_snapshot, seal_values
from tests.support.client.stub_servers import make_json_answer, run_stub
from tests.support.client.stub_service import Service, run_service

TEMPLATE = ROOT / "examples/canary/template.yaml"
KEY, VALUE = "canary", "canary-hunter2"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with run_service(seal_values({KEY: VALUE})) as running:
        for name, text in {**running.environ, "CANARY_KEY": KEY, "CONFIGSVC_START_SECONDS": "1"}.items():
            monkeypatch.setenv(name, text)
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "configsvc-canary")
        yield running


def run(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The line of one run; it never has the value."""
    handler({}, None)
    (line,) = capsys.readouterr().out.splitlines()
    assert VALUE not in line
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_value_that_opens_is_reported_as_such(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    line = run(capsys)

    assert (line["level"], line["CanaryFailed"], line["service"]) == ("info", 0, "configsvc-canary")
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]
    assert (len(service.api.requests), len(service.kms.requests)) == (1, 1)


def test_each_run_asks_the_service_and_kms_again(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys)
    run(capsys)

    assert (len(service.api.requests), len(service.kms.requests)) == (2, 2)


def test_a_role_that_kms_denies_fails(
    service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del service
    with run_stub(lambda *_: make_json_answer(400, {"__type": "AccessDeniedException"})) as kms:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", kms.url)

        line = run(capsys)

    assert (line["level"], line["CanaryFailed"], line["code"]) == ("error", 1, "cannot_open")
    assert "AccessDenied" in line["detail"]


def test_a_value_that_was_altered_fails(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    whole = service.served[0].sealed.entries[0]
    service.serve(make_snapshot([whole._replace(value=whole.value[:-8] + "A" * 8)]))

    assert run(capsys)["code"] == "cannot_open"


def test_a_value_that_is_not_sealed_fails(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    service.serve(make_snapshot([make_plain_entry(KEY, VALUE)]))

    assert run(capsys)["code"] == "cannot_open"


def test_a_value_that_is_gone_fails(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    service.serve(seal_values({"other": VALUE}))

    assert run(capsys)["code"] == "missing"


def test_a_service_that_is_down_fails(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    service.api.close()

    line = run(capsys)

    assert (line["CanaryFailed"], line["code"]) == (1, "config_unavailable")
    assert line["CanaryDuration"] > 0


def test_settings_that_are_wrong_fail(
    service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del service
    monkeypatch.setenv("CONFIGSVC_URL", "http://example.com")

    assert run(capsys)["code"] == "misconfigured"


def test_a_run_without_its_variable_fails(
    service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del service
    monkeypatch.delenv("CANARY_KEY")

    assert run(capsys)["CanaryFailed"] == 1


def test_its_role_opens_one_namespace_and_only_decrypts() -> None:
    statements = read_yaml(TEMPLATE)["Resources"]["Role"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    [opens] = [each for each in statements if "kms" in json.dumps(each["Action"])]

    assert opens["Action"] == "kms:Decrypt"
    assert opens["Condition"] == {"StringEquals": {"kms:EncryptionContext:configsvc:namespace": {"Ref": "Namespace"}}}


def test_its_alarm_watches_the_metric_that_it_logs(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    del service
    alarm = read_yaml(TEMPLATE)["Resources"]["Alarm"]["Properties"]

    directive = run(capsys)["_aws"]["CloudWatchMetrics"][0]

    assert alarm["MetricName"] in [each["Name"] for each in directive["Metrics"]]
    assert (alarm["Namespace"], [each["Name"] for each in alarm["Dimensions"]]) == (
        directive["Namespace"],
        *directive["Dimensions"],
    )
