"""Threads that read: conditional requests for one namespace or both, and the client of the product."""

from http import HTTPStatus
from typing import Any, NamedTuple

from local.people import ApiKey
from tests.support.storms.plan import NAMESPACES, seed_randomness
from tests.support.storms.wire import UNKNOWN, Heard, Wire
from tests.support.storms.writer import pause


class Taken(NamedTuple):
    """A snapshot that a reader had, confirmed at some instant between `start` and `end`.

    `versions` is None if the reader cannot see them.
    """

    start: float
    end: float
    namespace: str
    revision: int
    values: dict[str, str]
    versions: dict[str, int] | None


class Held(NamedTuple):
    """The ETag and the snapshots that a reader has of a target."""

    etag: str
    snapshots: list[Taken]


_TARGETS = (NAMESPACES[:1], NAMESPACES[1:], NAMESPACES)


class Reader:
    """A thread that polls with its current ETag."""

    def __init__(self, wire: Wire, who: ApiKey, seed: int, number: int) -> None:
        self._wire, self._who = wire, who
        self._chance = seed_randomness(seed, f"reader {number}")
        self._held: dict[tuple[str, ...], Held] = {}
        self._failures = 0
        self.taken: list[Taken] = []

    def act(self, _number: int) -> None:
        """Polls once."""
        target = self._chance.choice(_TARGETS)
        held = self._held.get(target)
        heard = self._ask(target, held.etag if held else None)
        if heard.status >= UNKNOWN or heard.status == HTTPStatus.TOO_MANY_REQUESTS:
            pause(self._chance, self._failures)
            self._failures += 1
            return
        self._failures = 0
        if heard.status == HTTPStatus.OK and heard.reply:
            self._held[target] = Held(
                heard.reply.headers["etag"], [_parse_taken(heard, each) for each in _split_bodies(heard)]
            )
        assert heard.status == HTTPStatus.OK or (heard.status == HTTPStatus.NOT_MODIFIED and held), heard
        confirmed = self._held[target].snapshots
        self.taken += [each._replace(start=heard.start, end=heard.end) for each in confirmed]

    def _ask(self, target: tuple[str, ...], etag: str | None) -> Heard:
        headers = {"If-None-Match": etag} if etag else {}
        if len(target) == 1:
            return self._wire.ask("GET", f"/v1/namespaces/{target[0]}/snapshot", self._who, headers=headers)
        query = "&".join(f"namespace={each}" for each in target)
        return self._wire.ask("GET", f"/v1/snapshots?{query}", self._who, headers=headers)


def _split_bodies(heard: Heard) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = heard.body.get("snapshots", [heard.body])
    return found


def _parse_taken(heard: Heard, body: dict[str, Any]) -> Taken:
    entries = body["entries"]
    return Taken(
        heard.start, heard.end, body["namespace"], body["revision"],
        {each["key"]: each["value"] for each in entries}, {each["key"]: each["version"] for each in entries},
    )  # fmt: skip
