"""Responses that are lost between function and gateway: the write is done, and the client gets 502."""

from threading import Lock
from typing import Any

from local.gateway.event import Event
from local.gateway.gateway import Target
from tests.support.storms.plan import seed_randomness


class AnswerLost(Exception):
    """The function completed, but its response was lost."""


class Losing:
    """Loses the response to every n-th write.

    Args:
        target: the function.
        seed: of the storm; it draws n.
    """

    def __init__(self, target: Target, seed: int) -> None:
        self._target, self._every = target, seed_randomness(seed, "losing").randint(10, 16)
        self._lock, self._count = Lock(), 0

    def __call__(self, event: Event) -> dict[str, Any]:
        answer = self._target(event)
        if event["httpMethod"] == "GET":
            return answer
        with self._lock:
            self._count += 1
            lost = self._count % self._every == 0
        if lost:
            raise AnswerLost
        return answer
