"""The access log names who asked and why API Gateway refused, and no secret."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from configsvc.service.engine.ports import StoreBusy
from infra.cloudformation import access_log
from infra.packaging.service_zip import Package
from infra.paths import ROOT
from tests.infra.cloudformation.test_options import EVERYTHING, resources
from tests.support.infra.access_lines import VARIABLES, render

# They are the API key, or quote signed headers or the request's body.
FORBIDDEN = {
    "identity.apiKey", "error.message", "error.messageString", "error.validationErrorString", "authenticate.error",
    "authorize.error", "authorizer.error", "identity.clientCert.clientCertPem",
}  # fmt: skip


@pytest.fixture(scope="module")
def everything(built_package: Package) -> dict[str, Any]:
    return resources(built_package, EVERYTHING)


def list_variables() -> list[str]:
    return re.findall(r"\$context\.([\w.]+)", access_log.FORMAT)


def test_every_variable_is_one_of_rest_apis_and_none_is_secret() -> None:
    assert set(list_variables()) <= VARIABLES
    assert set(list_variables()).isdisjoint(FORBIDDEN)
    assert VARIABLES >= FORBIDDEN


def test_the_format_is_json_of_texts_within_the_limit() -> None:
    assert len(access_log.FORMAT.encode()) <= access_log.MOST
    assert all(re.fullmatch(r"\$context\.[\w.]+", each) for each in json.loads(access_log.FORMAT).values())
    assert "$context.requestId" in access_log.FORMAT  # API Gateway refuses a format without it


def test_what_callers_write_freely_is_at_the_end() -> None:
    assert list_variables()[-2:] == ["path", "identity.userAgent"]


THROTTLED: list[tuple[dict[str, str], bool]] = [
    ({"status": "429", "error.responseType": "THROTTLED"}, True),
    ({"status": "429", "error.responseType": "QUOTA_EXCEEDED"}, True),
    ({"status": "429", "integration.status": "429"}, False),  # the service's: contended, or a busy table
    ({"status": "403", "error.responseType": "INVALID_API_KEY"}, False),
    ({"status": "200", "integration.status": "200"}, False),
]


def test_throttled_counts_what_is_over_a_throttle_and_no_429_of_the_service(everything: dict[str, Any]) -> None:
    pattern = everything["Throttled"]["Properties"]["FilterPattern"]
    wanted = re.findall(r'\$\.(\w+) = "(\w+)"', pattern)
    assert pattern == "{ " + " || ".join(f'($.{name} = "{text}")' for name, text in wanted) + " }"
    for values, counts in THROTTLED:
        line = json.loads(render(values))
        assert any(line[name] == text for name, text in wanted) == counts, values


def test_the_runbook_of_a_herd_tells_a_busy_table_from_a_throttle() -> None:
    """Both are 429, and raising the rate of a key would only send more requests to the table."""
    herd = (ROOT / "docs/OPERATIONS.md").read_text().partition("| what it prints | what consumers get |")[2]
    prints = dict(re.findall(r"\| (`\w+`.*?) \| (.+?) \|", herd.partition("\n\n")[0]))
    [table] = [(said, status) for said, status in prints.items() if "ReadThrottleEvents" in said]
    [gateway] = [(said, status) for said, status in prints.items() if "4XXError" in said]
    assert [str(StoreBusy.status) in status for _, status in (table, gateway)] == [True, True]
    refused = [json.loads(render(values))["refused"] for values, _ in (THROTTLED[2], THROTTLED[0])]
    assert [f"`refused` `{each}`" in said for each, (said, _) in zip(refused, (table, gateway), strict=True)] == [
        True
    ] * 2


@pytest.mark.parametrize("hostile", ['x"}', '","status":"200', "back\\slash", '"'])
def test_a_line_that_is_not_escaped_still_begins_with_who_and_why(hostile: str) -> None:
    said = {"status": "429", "error.responseType": "THROTTLED", "identity.sourceIp": "203.0.113.9"}
    line = render({**said, "identity.userAgent": hostile}, escape=False)
    begun: Any = json.loads(line[: line.index(',"fault"')] + "}")
    assert (begun["status"], begun["refused"], begun["source_ip"]) == ("429", "THROTTLED", "203.0.113.9")
