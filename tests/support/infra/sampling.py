"""Asks X-Ray's own SDK which requests a sampling rule matches.

`list_matches` runs this file under the linters' interpreter, which has the SDK.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, TypedDict


class Request(TypedDict):
    """A request as API Gateway describes it to X-Ray."""

    host: str
    method: str
    path: str
    service: str
    service_type: str


def list_matches(python: str, rule: Mapping[str, Any], requests: Sequence[Request]) -> list[bool]:
    """Return whether the rule, with the properties of `AWS::XRay::SamplingRule`, matches each request."""
    asked = json.dumps({"rule": rule, "requests": requests})
    ran = subprocess.run([python, __file__], input=asked, capture_output=True, text=True, check=True, timeout=60)
    found: list[bool] = json.loads(ran.stdout)
    return found


def _main() -> None:
    asked = json.load(sys.stdin)
    rule, make = asked["rule"], import_module("aws_xray_sdk.core.sampling.sampling_rule").SamplingRule
    made = make(
        name=rule["RuleName"], priority=rule["Priority"], rate=rule["FixedRate"],
        reservoir_size=rule["ReservoirSize"], host=rule["Host"], method=rule["HTTPMethod"], path=rule["URLPath"],
        service=rule["ServiceName"], service_type=rule["ServiceType"],
    )  # fmt: skip
    json.dump([bool(made.match(each)) for each in asked["requests"]], sys.stdout)


if __name__ == "__main__":
    _main()
