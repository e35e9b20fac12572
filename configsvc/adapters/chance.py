"""The operating system's randomness, so that copies of one frozen process do not draw alike."""

from __future__ import annotations

import os

_BYTES = 8


class SystemChance:
    """Tags and jitter."""

    def tag(self) -> str:
        """8 random bytes in hex."""
        return os.urandom(_BYTES).hex()

    def uniform(self, most: float) -> float:
        """A number in [0, most)."""
        # 53 bits are what a float in [0, 1) holds exactly; one more would round up to 1 now and then.
        return (int.from_bytes(os.urandom(_BYTES)) >> 11) / 2**53 * most
