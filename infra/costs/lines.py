"""How many bytes a request writes to the logs, by the real log code and the real format of the access log."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from configsvc.adapters.metrics import JsonLog, Metrics
from configsvc.web.arrival import Arrival
from configsvc.web.handling import RequestHandler
from configsvc.web.reply import answer_text

_ID = "0f8fad5b-d9cd-469f-a165-70867728950e"
_SENT = {
    "requestId": _ID, "extendedRequestId": "Fq3bYF5JoAMEvWg=", "requestTimeEpoch": "1796083200000",
    "requestTime": "30/Nov/2026:23:59:59 +0000", "httpMethod": "GET", "status": "200", "stage": "api",
    "path": "/api/v1/namespaces/payments.prod/snapshot", "resourcePath": "/v1/namespaces/{namespace}/snapshot",
    "resourceId": "a1b2c3", "protocol": "HTTP/1.1", "apiId": "a1b2c3d4e5", "accountId": "111122223333",
    "domainName": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com", "responseLatency": "12", "responseLength": "20480",
    "integrationLatency": "9", "integrationStatus": "200", "integrationErrorMessage": "-", "integration.status": "200",
    "integration.latency": "9", "integration.requestId": _ID, "integration.error": "-", "error.responseType": "-",
    "error.message": "-", "error.messageString": "-", "error.validationErrorString": "-", "wafResponseCode": "-",
    "waf.status": "-", "authorize.error": "-", "authenticate.error": "-", "authorizer.error": "-",
    "xrayTraceId": "1-656f2c00-0123456789abcdef01234567", "awsEndpointRequestId": _ID,
    "identity.apiKeyId": "a1b2c3d4e5",
    "identity.userArn": "-", "identity.user": "-", "identity.caller": "-", "identity.accountId": "-",
    "identity.sourceIp": "203.0.113.9", "identity.userAgent": "configsvc-client/0.1.0 python/3.14 aws-lambda",
    "integration.integrationStatus": "200", "waf.error": "-",
    "identity.vpceId": "-", "identity.vpcId": "-", "identity.accessKey": "-", "authorize.status": "-",
    "authenticate.status": "-",
}  # fmt: skip
"""Values that API Gateway writes for an unremarkable poll ("Variables for access logging for API Gateway")."""

_VARIABLE = re.compile(r"\$context\.([A-Za-z]+(?:\.[A-Za-z]+)*)")

_START = f"START RequestId: {_ID} Version: 12\n"
_END = f"END RequestId: {_ID}\n"
_REPORT = (
    f"REPORT RequestId: {_ID}\tDuration: 4.98 ms\tBilled Duration: 5 ms\tMemory Size: 1769 MB\t"
    "Max Memory Used: 98 MB\t\n"
)
"""The three lines that Lambda writes for an invocation in its text format ("View logs for Python Lambda functions")."""


class Lines(NamedTuple):
    """Bytes of log a request.

    Args:
        report: Lambda's own lines, of every invocation.
        access: API Gateway's line, of every request; 0 without an access log.
        request: the service's line, of every request but unchanged polls.
    """

    report: int
    access: int
    request: int


def measure(expanded: Mapping[str, Any]) -> Lines:
    """Measure the lines of the stage of an expanded template."""
    return Lines(len(_START + _END + _REPORT), _measure_access(expanded), len(_write_request()))


def render_access(line: str) -> str:
    """Render the format of an access log as API Gateway would.

    Raises:
        KeyError: the format names a variable for which there is no sample.
    """
    return _VARIABLE.sub(lambda found: _SENT[found[1]], line) + "\n"


def _measure_access(expanded: Mapping[str, Any]) -> int:
    for resource in expanded["Resources"].values():
        if resource["Type"] == "AWS::ApiGateway::Stage" and "AccessLogSetting" in resource["Properties"]:
            return len(render_access(resource["Properties"]["AccessLogSetting"]["Format"]))
    return 0


def _write_request() -> str:
    """The service's line of a changed snapshot, by a warm instance."""
    written, clock = io.StringIO(), itertools.count(0.0, 0.004321)
    log = JsonLog(written, "info", Metrics("configsvc-prod-api", lambda: 1_796_083_200_000, "12"))
    handler = RequestHandler(log, lambda: next(clock))
    for _ in ("a cold start, whose line also carries a metric", "a warm request"):
        handler.serve(Arrival(_EVENT), lambda _: answer_text("{}", '"41-0f8fad5b"'))
    return written.getvalue().splitlines(keepends=True)[-1]


_EVENT: Mapping[str, Any] = {
    "multiValueHeaders": {}, "pathParameters": {"namespace": "payments.prod"},
    "requestContext": {
        "httpMethod": "GET", "resourcePath": _SENT["resourcePath"], "requestId": _ID,
        "identity": {
            "apiKeyId": _SENT["identity.apiKeyId"], "sourceIp": _SENT["identity.sourceIp"],
            "userAgent": _SENT["identity.userAgent"],
        },
    },
}  # fmt: skip
