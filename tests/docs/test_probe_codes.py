"""OPERATIONS explains each code of the probe, and no other."""

from __future__ import annotations

import re

from configsvc.scheduled.probe import SECONDS, WARNING_DAYS
from configsvc.scheduled.probe_checks import ADVICE, BODY_BYTES
from infra.paths import ROOT

SECTION = (ROOT / "docs/OPERATIONS.md").read_text().partition("\n## The probe\n")[2].partition("\n## ")[0]


def test_each_code_has_its_row_in_the_order_of_the_checks() -> None:
    assert re.findall(r"^\| `([a-z_]+)` \|", SECTION, re.MULTILINE) == list(ADVICE)


def test_its_limits_are_the_code_s() -> None:
    words = " ".join(SECTION.split())
    assert f"may take {SECONDS:g} seconds" in words
    assert f"expires within {WARNING_DAYS:g} days" in words
    assert f"more than {BODY_BYTES // 1024} KiB" in words
