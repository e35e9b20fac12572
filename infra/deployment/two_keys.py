"""API keys of a stack side by side: none that is in use is deleted by mistake, and advice to walk consumers over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from infra.cloudformation.api_keys import READER, Family, families, list_ids, list_numbers
from infra.stage import Consumers, Stage


def find_lost(stage: Stage, outputs: Mapping[str, str], made: Mapping[str, str]) -> Iterator[str]:
    """Find each stack's newest key that a deployment would delete, although the stage does not say `keys = 1`.

    That happens if `generation` is raised by more than one, or lowered: consumers who use that key get 403.

    Args:
        stage: as it would be deployed.
        outputs: the stack's.
        made: the physical id of each of the stack's resources, by its logical id.
    """
    for family, consumers in _list_consumers(stage):
        newest = outputs.get(family.newest)
        if newest is None or consumers.keys == 1 or newest in {made.get(each) for each in list_ids(family, consumers)}:
            continue
        yield (
            f"With generation = {consumers.generation} in {_where(family)}, the deployment would delete the API key "
            f"{newest}, which is the newest one: whoever uses it would get 403. Raise generation by one a deployment. "
            "If the key is to be deleted, add keys = 1."
        )


def advise(stage: Stage, outputs: Mapping[str, str]) -> list[str]:
    """List the lines for each pair of keys that the stack's outputs name."""
    lines = list[str]()
    for family, consumers in _list_consumers(stage):
        if family.previous in outputs:
            advice = _introduce_spare if list_numbers(consumers)[-1] == 0 else _walk_over
            lines += advice(family, outputs[family.previous], outputs[family.newest])
    return lines


def _list_consumers(stage: Stage) -> Iterator[tuple[Family, Consumers]]:
    return zip(families(stage), (stage.reader, *stage.groups), strict=True)


def _where(family: Family) -> str:
    return "[reader]" if family is READER else f"the [[groups]] entry {family.name}"


def _walk_over(family: Family, old: str, new: str) -> list[str]:
    done = f"Once nobody uses the old key, set keys = 1 in {_where(family)} and deploy: that deletes it."
    return [
        f"\nTwo API keys of {family.name} work: the new one is {new}, the old one {old}. To replace the old one:",
        f"  configsvc grant api-key:{new} --like api-key:{old}",
        "  configsvc doctor   # with CONFIGSVC_API_KEY=OLD,NEW; deploy the consumers like that, too",
        f"{done} See docs/OPERATIONS.md, Rotate an API key.",
    ]


def _introduce_spare(family: Family, spare: str, first: str) -> list[str]:
    """Of generation 1, the second key is the one that was made later, and the next generation deletes it."""
    raised = f"To replace {first}, raise generation in {_where(family)}: that makes a new key, and deletes {spare}."
    return [
        f"\nTwo API keys of {family.name} work: {first}, and a second one, {spare}. To give that the same grants:",
        f"  configsvc grant api-key:{spare} --like api-key:{first}",
        f"{raised} So let nobody depend on {spare} alone. See docs/OPERATIONS.md, Rotate an API key.",
    ]
