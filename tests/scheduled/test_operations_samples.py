"""OPERATIONS shows the report line and the event as the function makes them."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from configsvc.adapters.events import DETAIL_TYPE, KEYS, SOURCE
from configsvc.model import limits
from configsvc.scheduled.upkeep_report import LISTED
from configsvc.service.engine.ports import Write
from tests.support.scheduled.upkeep_world import Upkeep
from tests.support.service.sealed import kid
from tests.support.service.world import World, make_world, text

SECTION = re.split(
    r"^## ", (Path(__file__).resolve().parents[2] / "docs/OPERATIONS.md").read_text().split("\n## Upkeep\n")[1],
    maxsplit=1, flags=re.MULTILINE,
)[0]  # fmt: skip
SAMPLES: list[dict[str, Any]] = [json.loads(each) for each in re.findall(r"```json\n(.*?)```", SECTION, re.DOTALL)]


@pytest.fixture
def upkeep() -> Upkeep:
    """A run in which something is due and something fails."""
    world: World = make_world()
    world.put(text("smtp.password", rotate_by="2027-01-20"))
    head = world.head()
    count = head.kids[kid()]._replace(seals=limits.SEALS_NEAR)
    world.repository.commit([Write(head._replace(revision=head.revision + 1, kids={kid(): count}), head.revision)])
    made = Upkeep(world.ports)
    made.invoke("upkeep")
    made.bus.refusals = [{0}] * 9
    made.fail("upkeep")
    return made


def test_the_sample_line_has_the_members_of_a_report(upkeep: Upkeep) -> None:
    sample, real = SAMPLES[0], upkeep.report()
    assert list(sample) == list(real)
    for name in ("failed", "rotations", "data_keys"):
        assert [list(each) for each in sample[name][:1]] == [list(each) for each in real[name][:1]]


def test_the_sample_line_agrees_with_itself() -> None:
    sample = SAMPLES[0]
    assert sample["rotation_due"] == sample["RotationDue"] == sum(each["keys"] for each in sample["rotations"])
    assert sample["rotation_overdue"] == sample["RotationOverdue"]
    assert sample["data_keys_due"] == sample["DataKeysDue"] == len(sample["data_keys"])
    assert sample["UpkeepFailed"] == len(sample["failed"]) + sample["left"]


def test_the_sample_event_has_the_members_of_an_event(upkeep: Upkeep) -> None:
    sample = SAMPLES[1]
    assert (sample["source"], sample["detail-type"]) == (SOURCE, DETAIL_TYPE)
    assert list(sample["detail"]) == list(upkeep.bus.details()[0])


def test_numbers_in_the_text_are_those_of_the_code() -> None:
    days, share = limits.DATA_KEY_SECONDS // 86_400, round(100 * limits.SEALS_NEAR / limits.SEALS_PER_DATA_KEY)
    words = " ".join(SECTION.split())
    assert f"older than {days} days" in words
    assert f"sealed {share} % of the {limits.SEALS_PER_DATA_KEY:,} values" in words
    assert f"at most {LISTED} items" in words
    assert f"at most {KEYS} keys" in words


def test_the_payload_in_the_text_is_the_task() -> None:
    (payload,) = re.findall(r"--payload (\S+)", SECTION)
    assert json.loads(b64decode(payload)) == {"task": "upkeep"}
