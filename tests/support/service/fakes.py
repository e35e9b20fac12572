"""Fakes of the service's ports: a clock moved by hand, predictable randomness, a repository that counts."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count

from configsvc.adapters.system import to_moment
from configsvc.service.engine.ports import Repository, StoreUnavailable, WallMoment, WriteAction
from configsvc.service.engine.records import Record, RecordAddress

_ENDLESS = 2000


class FakeClock:
    """A clock that only sleeping and `pass_by` move. Endless sleeping fails, so a loop that never gives up ends."""

    def __init__(self, seconds: float = 1_800_000_000.0) -> None:
        self._seconds = seconds
        self._in_a_row = 0
        self.slept: list[float] = []

    def now(self) -> WallMoment:
        return to_moment(self._seconds)

    def monotonic(self) -> float:
        return self._seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._seconds += seconds
        self._in_a_row += 1
        assert self._in_a_row < _ENDLESS, "endless sleeping"

    def pass_by(self, seconds: float) -> None:
        self._seconds += seconds
        self._in_a_row = 0


class FakeChance:
    """Tags count up; jitter is half of the maximum."""

    def __init__(self) -> None:
        self._tags = count(1)

    def tag(self) -> str:
        return f"{next(self._tags):016x}"

    def uniform(self, most: float) -> float:
        return most / 2


class Watched:
    """A repository in front of another: it records each call, and runs hooks before the next ones."""

    def __init__(self, inner: Repository) -> None:
        self._inner = inner
        self.calls: list[str] = []
        self.read: list[RecordAddress] = []
        self.committed: list[WriteAction] = []
        self.before_commit: list[Callable[[], object]] = []
        self.before_query: list[Callable[[], object]] = []
        self.before_get: list[Callable[[], object]] = []
        self.lose_answer = False

    def get(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        if self.before_get:
            self.before_get.pop(0)()
        self.calls.append("get")
        self.read = list(addresses)
        return self._inner.get(addresses)

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
        self.calls.append("query")
        if self.before_query:
            self.before_query.pop(0)()
        return self._inner.query(partition, prefix, after=after, limit=limit, values=values, reverse=reverse)

    def get_together(self, addresses: Sequence[RecordAddress]) -> dict[RecordAddress, Record]:
        if self.before_get:
            self.before_get.pop(0)()
        self.calls.append("get_together")
        self.read = list(addresses)
        return self._inner.get_together(addresses)

    def commit(self, actions: Sequence[WriteAction]) -> None:
        if self.before_commit:
            self.before_commit.pop(0)()
        self.calls.append("commit")
        self._inner.commit(actions)
        self.committed = list(actions)
        if self.lose_answer:
            self.lose_answer = False
            raise StoreUnavailable("the answer was lost", retry_after=1)


class Commits(Watched):
    """A repository that records every commit."""

    def __init__(self, inner: Repository) -> None:
        super().__init__(inner)
        self.commits: list[Sequence[WriteAction]] = []

    def commit(self, actions: Sequence[WriteAction]) -> None:
        self.commits.append(actions)
        super().commit(actions)
