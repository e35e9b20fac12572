"""A name that comes to mean other servers: a kept connection notices by errors and by its age, at the cost of none."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator, Sequence

import pytest

from configsvc_client._aws import kms
from configsvc_client._transport.http import Connection
from configsvc_client._transport.keep_alive import is_error
from configsvc_client._transport.race import SocketAddress
from configsvc_client._transport.url import parse_url
from tests.support.client.stub_servers import Answer, Stub, run_stub

_HALF = 0.5


class Place:
    """A name, the server that it means, and two clocks."""

    def __init__(self) -> None:
        self.old_says = 200
        self.monotonic = 100.0
        self.wall = 1_000_000.0
        self.looked_up = 0
        self.means: Stub | None = None

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        del method, path, headers, body
        return self.old_says, {}, b"" if self.old_says == 304 else b"old"

    def find(self, host: str, port: int) -> list[SocketAddress]:
        del host, port
        self.looked_up += 1
        assert self.means is not None
        return [(socket.AF_INET, ("127.0.0.1", int(self.means.url.rpartition(":")[2])))]

    def connection(
        self, chance: float = _HALF, fails: Callable[[int], bool] = is_error
    ) -> contextlib.closing[Connection]:
        made = Connection(
            parse_url("http://localhost:1"), {}, clock=lambda: self.monotonic, wall=lambda: self.wall,
            chance=lambda: chance, fails=fails, find=self.find,
        )  # fmt: skip
        return contextlib.closing(made)

    def ask(self, connection: Connection) -> tuple[int, bytes]:
        response = connection.request("GET", "/", {}, b"", self.monotonic + 20)
        return response.status, response.body


@pytest.fixture
def place() -> Iterator[Place]:
    made = Place()
    with run_stub(made.answer) as old:
        made.means = old
        yield made


def new() -> contextlib.AbstractContextManager[Stub]:
    return run_stub(lambda *_: (200, {}, b"new"))


@pytest.mark.parametrize("status", [503, 500, 403, 404])
def test_the_second_error_in_a_row_triggers_a_new_lookup(status: int, place: Place) -> None:
    old = place.means
    assert old is not None
    with new() as other, place.connection() as connection:
        assert place.ask(connection) == (200, b"old")
        place.means, place.old_says = other, status
        assert [place.ask(connection) for _ in range(4)] == 2 * [(status, b"old")] + 2 * [(200, b"new")]
        assert (old.connections, other.connections, place.looked_up) == (1, 1, 2)


@pytest.mark.parametrize(
    ("statuses", "connections"),
    [
        ([429] * 10, 1),
        ([503, 429, 503, 200], 2),
        ([503, 200, 503, 200], 1),
        ([403, 304, 503, 304, 500, 200], 1),
        ([403] * 9, 5),
        ([503] * 2, 1),
    ],
)
def test_only_consecutive_errors_count_and_429_does_neither(
    statuses: Sequence[int], connections: int, place: Place
) -> None:
    assert place.means is not None
    with place.connection() as connection:
        for place.old_says in statuses:
            assert place.ask(connection)[0] == place.old_says
        assert place.means.connections == connections


@pytest.mark.parametrize(("status", "connections"), [(400, 1), (403, 1), (500, 3), (503, 3)])
def test_of_kms_only_its_own_failures_count(status: int, connections: int, place: Place) -> None:
    assert place.means is not None
    place.old_says = status
    with place.connection(fails=kms.is_server_failure) as connection:
        assert [place.ask(connection)[0] for _ in range(6)] == [status] * 6
        assert place.means.connections == connections


@pytest.mark.parametrize("by", ["both clocks", "the wall's, after a freeze", "the monotonic, the wall's set back"])
@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 270), (_HALF, 300), (1.0, 330)])
def test_a_connection_is_kept_five_minutes_give_or_take_a_tenth(
    by: str, chance: float, seconds: float, place: Place
) -> None:
    old, began = place.means, (place.monotonic, place.wall)
    assert old is not None

    def pass_(passed: float) -> None:
        if by != "the wall's, after a freeze":
            place.monotonic = began[0] + passed
        place.wall = began[1] + (passed if by != "the monotonic, the wall's set back" else -3600)

    with new() as other, place.connection(chance) as connection:
        assert place.ask(connection) == (200, b"old")
        place.means = other
        for passed in (60, seconds - 1):
            pass_(passed)
            assert place.ask(connection) == (200, b"old")
        pass_(seconds + 1)
        assert place.ask(connection) == place.ask(connection) == (200, b"new")
        assert (old.connections, other.connections, place.looked_up) == (1, 1, 2)


def test_a_lookup_that_finds_the_old_servers_costs_no_error(place: Place) -> None:
    assert place.means is not None
    with place.connection() as connection:
        for _ in range(10):
            assert place.ask(connection) == (200, b"old")
            place.monotonic += 100
        assert place.means.connections == 4
