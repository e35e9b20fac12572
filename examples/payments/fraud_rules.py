"""Prints a value of 100 KB, for the example: rules of a made-up fraud check, as JSON, the same ones every time."""

# ruff: noqa: INP001  # the folder of an example is no package

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

BYTES = 100 * 1024


def _rules() -> Iterator[dict[str, object]]:
    number = 0
    while True:
        digest = hashlib.sha256(f"example rule {number}".encode()).digest()
        yield {
            "id": f"rule-{number:04}",
            "when": f"card.bin == '{400000 + int.from_bytes(digest[:2]) % 99999}' and amount > {digest[2] * 10}",
            "score": digest[3] % 100,
        }
        number += 1


def rules(size: int) -> str:
    """The JSON text of as many rules as reach a size in bytes."""
    found: list[str] = []
    length = 0
    for rule in _rules():
        found.append(json.dumps(rule))
        length += len(found[-1]) + 2
        if length >= size:
            break
    return "[" + ", ".join(found) + "]"


if __name__ == "__main__":
    print(rules(BYTES))
