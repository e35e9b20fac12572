"""A mutant: the source of a module with one change."""

from __future__ import annotations

import json
from typing import NamedTuple


class Mutant(NamedTuple):
    """The changed line, the lines of the outermost function around it, the replaced text and the replacement."""

    line: int
    scope: tuple[int, int] | None
    before: str
    after: str
    source: str


def parse_mutant(line: str) -> Mutant:
    """Parses a mutant that `mutations` wrote."""
    found = json.loads(line)
    return Mutant(**{**found, "scope": found["scope"] and tuple(found["scope"])})
