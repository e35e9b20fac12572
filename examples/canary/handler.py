"""A canary that reads AND opens one value on a schedule, so the whole path is watched: service, API key, KMS, value.

Each run makes a Config of its own: nothing of an earlier run can hide a failure. The line that it logs has the metrics
`CanaryFailed` and `CanaryDuration`, and never the value.
"""

# ruff: noqa: INP001  # the folder of a function is no package

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping

from configsvc_client import Config, ConfigsvcError


def handler(event: object, context: object) -> dict[str, object]:  # noqa: ARG001  # Lambda passes both
    """Opens the value once, and logs how that went."""
    began = time.monotonic()
    failure = open_value(os.environ)
    milliseconds = round((time.monotonic() - began) * 1000, 3)
    line: dict[str, object] = {"level": "error" if failure else "info", **failure}
    print(json.dumps({**line, **measure(failed=bool(failure), milliseconds=milliseconds)}))
    return line


def open_value(environ: Mapping[str, str]) -> dict[str, str]:
    """Reads and opens the value of CANARY_KEY; what failed, or nothing."""
    key = environ.get("CANARY_KEY", "")
    try:
        config = Config(environ=environ)
        try:
            config.secret(key)  # refuses a value that was not sealed
        finally:
            config.close()
    except ConfigsvcError as error:
        return {"code": error.code, "detail": error.detail}
    except KeyError:
        return {"code": "missing", "detail": f"The namespace has no value {key}. Put one, or change the canary's key."}
    except Exception as error:  # noqa: BLE001  # silence would look the same as health
        return {"code": "internal", "detail": f"Unexpected error: {type(error).__name__}."}
    return {}


def measure(*, failed: bool, milliseconds: float) -> dict[str, object]:
    """Members from which CloudWatch makes metrics (Amazon CloudWatch user guide, "Embedded metric format")."""
    metrics = [{"Name": "CanaryFailed", "Unit": "Count"}, {"Name": "CanaryDuration", "Unit": "Milliseconds"}]
    directive = {"Namespace": "configsvc", "Dimensions": [["service"]], "Metrics": metrics}
    return {
        "CanaryFailed": int(failed),
        "CanaryDuration": milliseconds,
        "service": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "canary"),
        "_aws": {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [directive]},
    }
