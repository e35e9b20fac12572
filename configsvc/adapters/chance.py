"""The operating system's randomness, so that copies of one frozen process do not draw alike."""

from __future__ import annotations

import secrets
from random import SystemRandom


class SystemChance:
    """Tags and jitter."""

    def __init__(self) -> None:
        self._random = SystemRandom()

    def tag(self) -> str:
        """8 random bytes in hex."""
        return secrets.token_hex(8)

    def uniform(self, most: float) -> float:
        """A number in [0, most)."""
        return self._random.random() * most
