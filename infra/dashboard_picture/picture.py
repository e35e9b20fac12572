"""The picture of the dashboard that prod has. `make dashboard-picture` draws it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from infra.cloudformation.stage_templates import expand_stage
from infra.dashboard_picture import svg
from infra.dashboard_picture.draw import COLUMN, GAP, ROW, draw
from infra.paths import ROOT
from infra.stage import load_unfinished

PICTURE = ROOT / "docs/dashboard.svg"
TEMPLATE = ROOT / "build/service/template.json"
STAGE = "prod"
_COLUMNS = 24


def read_body(expanded: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a template's dashboard, with references as they are written for `Fn::Sub`."""
    body: dict[str, Any] = json.loads(expanded["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])
    return body


def drawn(template: Mapping[str, Any]) -> str:
    """The picture, from the finished SAM template."""
    expanded = expand_stage(dict(template), load_unfinished(STAGE))
    widgets = read_body(expanded)["widgets"]
    names = {name: _name_alarm(each["Properties"]) for name, each in expanded["Resources"].items() if _is_alarm(each)}
    height = max(each["y"] + each["height"] for each in widgets) * ROW + GAP
    parts = [part for widget in widgets for part in draw(widget, names)]
    return svg.document(_COLUMNS * COLUMN, height, "The dashboard of configsvc-prod, with sample data", parts)


def _is_alarm(resource: Mapping[str, Any]) -> bool:
    return bool(resource["Type"] == "AWS::CloudWatch::Alarm")


def _name_alarm(properties: Mapping[str, Any]) -> str:
    """The alarm's name after the stack's."""
    name = properties["AlarmName"]["Fn::Sub"]
    return str(name if isinstance(name, str) else name[0]).removeprefix("${AWS::StackName}-")


def main() -> None:
    PICTURE.write_text(drawn(json.loads(TEMPLATE.read_text(encoding="utf-8"))), encoding="utf-8")
    print(PICTURE.name)
