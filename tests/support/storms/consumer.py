"""A thread that reads with the product's client. Its snapshot may be old, and its age is then known."""

from threading import Semaphore
from time import perf_counter

from configsvc_client import Config, ConfigUnavailable
from local.people import ApiKey
from tests.support.storms.plan import NAMESPACES, seed_randomness
from tests.support.storms.reader import Taken
from tests.support.storms.writer import pause

POLL_SECONDS = 0.05


class Consumer:
    """One thread's Config of one namespace.

    Args:
        url: of the gateway.
        who: may read.
        room: limits concurrent requests.
        seed: of the storm.
        number: of the thread.
    """

    def __init__(self, url: str, who: ApiKey, room: Semaphore, seed: int, number: int) -> None:
        self._namespace = NAMESPACES[number % len(NAMESPACES)]
        self._room, self._chance = room, seed_randomness(seed, f"consumer {number}")
        self._config = Config(
            self._namespace, url=url, api_key=who.value, poll_seconds=POLL_SECONDS, refresh_seconds=2, environ={}
        )
        self.taken: list[Taken] = []

    def act(self, number: int) -> None:
        """Reads once, refreshing first if that is due. An old snapshot counts as of the instant that its age gives."""
        try:
            with self._room:
                snapshot = self._config.snapshot()
        except ConfigUnavailable:
            pause(self._chance, 0)
            return
        asked = perf_counter()
        began, revision = asked - self._config.age, snapshot.revisions[self._namespace]
        values = {key: str(value) for key, value in snapshot.items()}
        self.taken.append(Taken(began, perf_counter(), self._namespace, revision, values, None))
        if number % 2:
            pause(self._chance, 0)

    def close(self) -> None:
        """Drops the connection."""
        self._config.close()
