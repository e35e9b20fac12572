"""An adversarial store: reads that tear, commits that conflict, answers that get lost, and writers who slip in."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from configsvc.service.engine.ports import LostRace, Repository, StampCheck, StoreUnavailable, WriteAction
from configsvc.service.engine.records import Record, RecordAddress

Event = Literal["tear", "rend", "unread", "slip", "conflict", "always", "refuse", "lose"]
"""An event at a read (tear: somebody writes during it; rend: two do, one after the other; unread: it fails), or at a
commit (slip: somebody writes just before it; conflict; always: it conflicts from now on; refuse: it fails; lose: it
succeeds, but the answer is lost)."""

WRITES: dict[Event | None, int] = {"tear": 1, "rend": 2}
"""How many writes of others happen during one read."""


def _do_nothing() -> None:
    return


class Storm:
    """A repository in front of another; each event happens at the first call that it fits, in order.

    Args:
        inner: the table.
    """

    def __init__(self, inner: Repository) -> None:
        self._inner = inner
        self._events: deque[Event] = deque()
        self._slip: Callable[[], None] = _do_nothing
        self._cut = 0
        self.committed = False
        self.failed = False
        self.conflicts = 0

    def brew(self, events: Sequence[Event], slip: Callable[[], None], cut: int = 1) -> None:
        """Sets the events of the next request; those left over from the last one are dropped.

        The bits of `cut` select the records of a batch that are read before it tears.
        """
        self._cut = cut
        self._events = deque(events)
        self._slip = slip
        self.committed = self.failed = False
        self.conflicts = 0

    def get(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        event = self._next("tear", "rend", "unread")
        if event == "unread":
            raise self._failure()
        if event is None or len(addresses) < 2:
            return self._inner.get(addresses)
        wanted = list(dict.fromkeys(addresses))
        first = [each for number, each in enumerate(wanted) if self._cut >> number % 8 & 1]
        later = [each for each in wanted if each not in first]
        found = self._inner.get(first) if first else {}
        for _ in range(WRITES[event]):
            self._slip()
        return found | (self._inner.get(later) if later else {})

    def query(
        self,
        partition: str,
        prefix: str,
        *,
        after: str = "",
        limit: int | None = None,
        values: bool = True,
        reverse: bool = False,
    ) -> Iterator[Record]:
        found = self._inner.query(partition, prefix, after=after, limit=limit, values=values, reverse=reverse)
        if self._next("unread"):
            raise self._failure()
        for record in found:
            for _ in range(WRITES.get(self._next("tear", "rend"), 0)):
                self._slip()
            yield record

    def get_together(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        """Reads records together. It cannot tear: others write before or after it."""
        event = self._next("tear", "rend", "unread")
        if event == "unread":
            raise self._failure()
        late = bool(self._cut & 1)
        found = self._inner.get_together(addresses) if late else {}
        for _ in range(WRITES.get(event, 0)):
            self._slip()
        return found if late else self._inner.get_together(addresses)

    def commit(self, actions: Sequence[WriteAction]) -> None:
        while event := self._next("slip", "conflict", "always", "refuse", "lose"):
            if event == "slip":
                self._slip()
            elif event in {"conflict", "always"}:
                self.conflicts += 1
                if event == "always":
                    self._events.appendleft(event)
                raise LostRace
            elif event == "refuse":
                raise self._failure()
            else:
                self._commit(actions)
                raise self._failure()
        self._commit(actions)

    def _commit(self, actions: Sequence[WriteAction]) -> None:
        self._inner.commit(actions)
        self.committed = self.committed or not all(isinstance(action, StampCheck) for action in actions)

    def _next(self, *fitting: Event) -> Event | None:
        return self._events.popleft() if self._events and self._events[0] in fitting else None

    def _failure(self) -> StoreUnavailable:
        self.failed = True
        return StoreUnavailable("The store failed on purpose.", retry_after=1)
