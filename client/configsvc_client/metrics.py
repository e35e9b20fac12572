"""CloudWatch metrics of how a Config is, as one line of the embedded metric format.

    print(embedded(config))        # in Lambda: standard output is enough

Elsewhere hand the line to the CloudWatch agent. An alarm on the maximum of `Unhealthy` goes off whenever a consumer
refuses, fails, serves from a fallback file or lacks keys.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping

from configsvc_client._config import Config
from configsvc_client._refresh.health import Health

_NAMESPACE = "configsvc"
_FUNCTION = "AWS_LAMBDA_FUNCTION_NAME"
_UNITS = {"Age": "Seconds", "Unhealthy": "Count", "Refused": "Count", "Failing": "Count", "Broken": "Count"}
_REVISION = "Revision."
_OWN = frozenset({"_aws", "State", "Reason", *_UNITS})
_MOST_METRICS, _MOST_DIMENSIONS, _MOST_CHARACTERS = 100, 30, 250


def embedded(config: Config, *, namespace: str = _NAMESPACE, dimensions: Mapping[str, str] | None = None) -> str:
    """One line of JSON from which CloudWatch Logs makes metrics. Like `config.health()` it does no I/O.

    The metrics: `Age` in seconds (left out while nothing is held); `Unhealthy`, 1 unless `health().ok`; `Refused` and
    `Failing`, numbers of namespaces; `Broken`, a number of keys; and `Revision.<namespace>` for each. `State` and the
    code `Reason` are members for a search, no metrics. No value and no name of a key is in it.

    Args:
        config: whose health it is.
        namespace: the CloudWatch namespace.
        dimensions: of all the metrics; in Lambda `FunctionName` where left out, else none. Each combination of values
            is billed as separate metrics, so take nothing that differs by process or request.

    Raises:
        ValueError: CloudWatch would not take the namespace or the dimensions.
    """
    found = config.health()
    if dimensions is None:
        function = config._environ.get(_FUNCTION)  # noqa: SLF001  # of one library
        dimensions = {"FunctionName": function} if function else {}
    _check(namespace, dimensions)
    values = _values(found)
    directive = {
        "Namespace": namespace,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": _UNITS.get(name, "None")} for name in values],
    }
    members = {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]},
        **dimensions,
        **values,
        "State": found.state,
        "Reason": found.reason.code if found.reason else "",
    }
    return json.dumps(members, separators=(",", ":"), allow_nan=False)


def _values(found: Health) -> dict[str, float]:
    values = {
        "Age": round(found.age, 3),
        "Unhealthy": int(not found.ok),
        "Refused": len(found.refused),
        "Failing": len(found.failing),
        "Broken": found.broken,
    }
    if found.age == math.inf:
        del values["Age"]
    room = _MOST_METRICS - len(values)
    return values | {_REVISION + name: revision for name, revision in list(found.revisions.items())[:room]}


def _check(namespace: str, dimensions: Mapping[str, str]) -> None:
    if not _fits(namespace, 255):
        raise ValueError("a CloudWatch namespace has 1 to 255 printable ASCII characters")
    if len(dimensions) > _MOST_DIMENSIONS:
        raise ValueError(f"CloudWatch takes at most {_MOST_DIMENSIONS} dimensions")
    for name, value in dimensions.items():
        if not _fits(name, _MOST_CHARACTERS) or name[0] == ":" or name in _OWN or name.startswith(_REVISION):
            raise ValueError(f"{name!r} cannot name a dimension: it is too long, not ASCII, or the name of a member")
        if not _fits(value, 1024):
            raise ValueError(f"the value of the dimension {name} needs 1 to 1024 printable ASCII characters")


def _fits(text: object, most: int) -> bool:
    return isinstance(text, str) and bool(text.strip()) and len(text) <= most and text.isascii() and text.isprintable()
