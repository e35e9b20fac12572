"""Randomness that can be repeated."""

from __future__ import annotations

import random


def seeded(seed: int) -> random.Random:
    """Draws that are the same for the same seed."""
    return random.Random(seed)  # noqa: S311  # tests need repeatable draws, not secret ones
