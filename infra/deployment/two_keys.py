"""Advice while API keys of a stack are side by side: walk consumers over, then delete the older one."""

from __future__ import annotations

from collections.abc import Mapping

from infra.cloudformation.api_keys import READER, families
from infra.stage import Stage


def advise(stage: Stage, outputs: Mapping[str, str]) -> list[str]:
    """List the lines for each pair of keys that the stack's outputs name."""
    lines = list[str]()
    for family in families(stage):
        if family.previous in outputs:
            lines += _walk_over(family.name, outputs[family.previous], outputs[family.newest])
    return lines


def _walk_over(name: str, old: str, new: str) -> list[str]:
    where = "[reader]" if name == READER.name else f"the [[groups]] entry {name}"
    done = f"Once nobody uses the old key, set keys = 1 in {where} and deploy: that deletes it."
    return [
        f"\nTwo API keys of {name} work: the new one is {new}, the old one {old}. To replace the old one:",
        f"  configsvc grant api-key:{new} --like api-key:{old}",
        "  configsvc doctor   # with CONFIGSVC_API_KEY=OLD,NEW; deploy the consumers like that, too",
        f"{done} See docs/OPERATIONS.md, Rotate an API key.",
    ]
