"""The operations guide explains every alarm that a stack can have, and its index leads to every section."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from infra.packaging.service_zip import Package
from tests.infra.cloudformation.test_options import EVERYTHING, expanded

GUIDE = (Path(__file__).resolve().parents[2] / "docs/OPERATIONS.md").read_text(encoding="utf-8")


def _section(heading: str) -> str:
    return re.split(r"^#{2,3} ", GUIDE.split(f" {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def _explained(heading: str) -> set[str]:
    """The names in the first column of a section's tables."""
    cells = [line.split("|")[1] for line in _section(heading).splitlines() if line.startswith("|")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def _alarms(built: Package) -> Iterator[str]:
    for resource in expanded(built, EVERYTHING)["Resources"].values():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            name = resource["Properties"]["AlarmName"]["Fn::Sub"]
            text = name if isinstance(name, str) else name[0]
            yield text.removeprefix("${AWS::StackName}-").replace("${Version}", "<version>")


def test_every_alarm_of_the_template_is_explained_and_no_other(built_package: Package) -> None:
    canary = _explained("Versions and the canary")
    explained = _explained("What the alarms mean") | {each for each in canary if each.startswith("canary-")}
    assert set(_alarms(built_package)) == explained


def test_the_index_leads_to_every_section() -> None:
    linked = set(re.findall(r"\]\(#([\w-]+)\)", _section("Find it here")))
    headings = re.findall(r"^## (.+)$", re.sub(r"^```.*?^```", "", GUIDE, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}
    assert made - linked == {"find-it-here"}
