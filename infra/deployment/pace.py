"""How often a deployment looks at what it waits for."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_SLOWER = 1.25


@dataclass(frozen=True, slots=True)
class Pace:
    """The waits between two looks, in seconds: random, and longer the longer it takes, within the two limits.

    Args:
        sleep: waits that long; a test passes one that does not.
        draw: a random number from 0 to 1, so that several who deploy do not ask at the same moment.
    """

    shortest: float
    longest: float
    sleep: Callable[[float], None] = time.sleep
    draw: Callable[[], float] = random.random

    def looks(self, seconds: float) -> Iterator[float]:
        """Yield at each look the seconds waited until then. The last look comes after `seconds`."""
        waited, ceiling = 0.0, self.shortest
        while True:
            yield waited
            if waited >= seconds:
                return
            wait = min(self.shortest + (ceiling - self.shortest) * self.draw(), seconds - waited)
            self.sleep(wait)
            waited += wait
            ceiling = min(ceiling * _SLOWER, self.longest)


AWS = Pace(2, 5)
"""CloudFormation throttles an account that asks it more often, and everybody in the account with it."""
EMULATOR = Pace(0.1, 0.5)
