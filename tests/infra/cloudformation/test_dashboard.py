"""The dashboard shows the versions a canary compares, and its widgets do not overlap."""

from __future__ import annotations

import json
from typing import Any

from configsvc.adapters import metrics
from infra.cloudformation.dashboard import dashboard

BODY = dashboard(["ServerErrorsAlarm"])["Fn::Sub"]


def list_widgets() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(BODY)["widgets"]
    return found


def test_versions_are_found_by_search_in_the_metrics_that_a_canary_compares() -> None:
    found = [each["expression"] for [each] in _list_searches()]
    by_version = [text for text in found if "ExecutedVersion" in text or f",{metrics.VERSION}" in text]
    assert sorted(text.partition("'")[2].partition("'")[0].rpartition(" ")[2] for text in by_version) == sorted(
        ["Invocations", "Errors", "Duration", metrics.REFUSED, metrics.FAILED]
    )


def _list_searches() -> list[list[dict[str, str]]]:
    shown = [metric for each in list_widgets() for metric in each["properties"].get("metrics", [])]
    return [metric for metric in shown if isinstance(metric[0], dict)]


def test_no_widget_covers_another_one() -> None:
    cells = [
        (x, y)
        for each in list_widgets()
        for x in range(each["x"], each["x"] + each["width"])
        for y in range(each["y"], each["y"] + each["height"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24  # CloudWatch's grid
