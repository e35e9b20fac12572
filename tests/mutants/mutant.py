"""A mutant: the source of a module with one change."""

from __future__ import annotations

import json
from typing import NamedTuple


class Mutant(NamedTuple):
    """In which line, between which lines the outermost function around it is, which text is replaced, by what."""

    line: int
    scope: tuple[int, int] | None
    before: str
    after: str
    source: str


def read(line: str) -> Mutant:
    """One that `mutations` wrote."""
    found = json.loads(line)
    return Mutant(**{**found, "scope": found["scope"] and tuple(found["scope"])})
