"""The real zip can return a full namespace of any text on every runtime."""

from __future__ import annotations

import pytest

from configsvc.model import limits
from tests.support.complete.packed import Zip
from tests.support.complete.stages import Environments, build_stage, find_elsewhere, start_story
from tests.support.journeys.sealing import plain
from tests.support.journeys.story import Story

pytestmark = [pytest.mark.emulator, pytest.mark.slow]

_LETTER, _EACH = "\u6f22", 80_000


def fill(story: Story) -> int:
    """Puts values of one letter until the service refuses them; returns their number."""
    story.api.send("PUT", story.path, story.stage.admin, {"snapshot_bytes": limits.SNAPSHOT_BYTES_MOST}).json()
    for number in range(100):
        answer = story.put(f"k{number:02}", plain(_LETTER * _EACH))
        if answer.status == 413:
            return number
        answer.json()
    raise AssertionError("it took everything")


@pytest.mark.parametrize(("written", "read"), [("python3.11", "python3.12"), ("python3.12", "python3.11")])
def test_s49_a_full_namespace_is_readable_on_both_runtimes(
    packed: Zip, environments: Environments, written: str, read: str
) -> None:
    with (
        packed.environment(f"written-{written}", written) as writes,
        packed.environment(f"read-{written}", read) as reads,
        build_stage(writes) as writing,
        build_stage(reads) as reading,
    ):
        story = find_elsewhere(start_story(environments.one), writing)
        taken = fill(story)
        found = [each.entries() for each in (story, find_elsewhere(story, reading))]

    assert found[0] == found[1]
    assert sorted(found[0]) == [f"k{number:02}" for number in range(taken)]
    characters = {"python3.11": limits.SNAPSHOT_BYTES_MOST // 6, "python3.12": limits.ANSWERABLE // 6}[written]
    assert characters - 2 * _EACH < taken * _EACH <= characters
