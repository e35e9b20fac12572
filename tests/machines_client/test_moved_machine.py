"""Whatever the old servers go on saying after a name has moved: a reader sees what the new ones serve in time.

A whole Config over the real connection and real sockets, with a look-up and clocks of ours.
"""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from configsvc.model.names import Namespace
from configsvc.model.snapshot import render
from configsvc_client import Config, ConfigUnavailable
from configsvc_client._ports import ClockReading, World
from configsvc_client._service.gateway import ApiGateway
from configsvc_client._settings import ClientSettings
from configsvc_client._transport.http import Connection
from configsvc_client._transport.race import SocketAddress
from configsvc_client._transport.url import parse_url
from tests.machines_client.test_client_machine import SEARCH
from tests.support.client.configs import ENVIRON
from tests.support.client.fakes import FakeClock, FakeKms
from tests.support.client.sealing import seal_values
from tests.support.client.stub_servers import Answer, Stub, run_stub
from tests.support.machines_client.slow import elapsed

NAMESPACE = Namespace("payments.prod")
REFRESH_SECONDS = 4.0
"""Real ones, as long as a stub may take on a busy machine: a refresh that ends unanswered is no error of a server."""
LATEST = 66.0 + REFRESH_SECONDS
KEPT = 330.0
"""Seconds for which a connection is kept at most."""


class Stack:
    """One deployment of the service behind a name: what it serves, and what it says in place of that."""

    def __init__(self, revision: int) -> None:
        self.revision = revision
        self.says = 200
        self.errors = 0

    def answer(self, _: str, __: str, headers: dict[str, str], ___: bytes) -> Answer:
        found = seal_values({"a": str(self.revision)}, revision=self.revision)
        if self.says == 429:
            return 429, {"retry-after": "1"}, b"{}"
        if self.says != 200:
            self.errors += 1
            return self.says, {}, b"{}"
        if headers.get("if-none-match") == found.etag:
            return 304, {"etag": found.etag}, b""
        return 200, {"content-type": "application/json", "etag": found.etag}, render(found.sealed).encode()


class Moving(RuleBasedStateMachine):
    """The model: which stack the name means and since when, and how long an old one may be asked still."""

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        self.clock = FakeClock()
        self.stacks: list[Stack] = []
        self.servers: list[Stub] = []
        self.looked_up: list[ClockReading] = []
        self.moved_at: ClockReading | None = None
        self.seen = 0
        self.moves()
        self.moved_at = None
        self.config = Config(environ=ENVIRON, refresh_seconds=REFRESH_SECONDS, world=self.world)

    def world(self, _: ClientSettings) -> World:
        url = parse_url("http://localhost:1/prod")
        connection = Connection(url, {}, clock=self.clock.monotonic, wall=self.clock.wall, find=self.find)
        gateway = ApiGateway(connection, "k" * 20)
        return World(
            gateway, FakeKms(), self.clock, lambda: 0.5, lambda: None, connection.close, warn=lambda _: None
        )  # fmt: skip

    def find(self, _: str, __: int) -> list[SocketAddress]:
        self.looked_up.append(self.clock.now())
        return [(socket.AF_INET, ("127.0.0.1", int(self.servers[-1].url.rpartition(":")[2])))]

    def teardown(self) -> None:
        self.config.close()
        self.open.close()

    @rule()
    def moves(self) -> None:
        """The name means another stack from now on; the old one goes on as it is."""
        self.stacks.append(Stack(self.stacks[-1].revision + 1 if self.stacks else 1))
        self.servers.append(self.open.enter_context(run_stub(self.stacks[-1].answer)))
        self.moved_at = self.clock.now()

    @rule(says=st.sampled_from((200, 200, 403, 404, 429, 500, 503)), of_the_old=st.booleans())
    def says(self, says: int, of_the_old: bool) -> None:  # noqa: FBT001  # hypothesis draws it
        self.stacks[0 if of_the_old else -1].says = says

    @rule()
    def writes(self) -> None:
        self.stacks[-1].revision += 1

    @rule(seconds=st.sampled_from((1, 30, 67, 140)))
    def passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(wall=st.sampled_from((-3600, 61, 7200)))
    def is_frozen_or_set(self, wall: float) -> None:
        self.clock.at += wall

    @rule()
    def closes(self) -> None:
        self.config.close()

    @rule()
    def reads(self) -> None:
        looked_up = len(self.looked_up)
        try:
            revision = self.config.snapshot().revisions[NAMESPACE]
        except ConfigUnavailable:
            assert not self.seen
            return
        assert revision >= self.seen, "older than what was seen"
        self.seen = revision
        assert len(self.looked_up) <= looked_up + 1, "more than one connection for a read"

    @rule(old_says=st.sampled_from((200, 403, 404, 429, 500, 503)))
    def a_name_that_moved_is_followed(self, old_says: int) -> None:
        """By the second poll after errors, else after five minutes, however many clocks go."""
        for each in self.stacks:
            each.says = 200
        self.clock.advance(KEPT)
        self.reads()  # from what the name means now, over a connection that is new
        assert self.seen == self.stacks[-1].revision
        self.stacks[-1].says = old_says
        began, connections = self.clock.now(), len(self.looked_up)
        self.moves()
        polls = 0
        while self.seen < self.stacks[-1].revision:
            self.clock.advance(LATEST)
            self.reads()
            polls += 1
            assert elapsed(began, self.clock.now()) <= KEPT + LATEST, "the old servers are asked for ever"
        assert polls <= 3 or old_says in {200, 429}, "asked the old servers on after two errors"
        assert polls >= 4 or old_says not in {200, 429}, "a connection that is well was not kept"
        assert len(self.looked_up) == connections + 1
        self.stacks[-1].says = 200

    @invariant()
    def no_connection_is_left(self) -> None:
        assert len(self.looked_up) == sum(each.connections for each in self.servers)


def run(examples: int) -> None:
    search = os.environ.get(SEARCH)
    run_state_machine_as_test(
        Moving,
        settings=settings(
            max_examples=min(int(search or examples), 200),
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate,) if search else tuple(Phase),
            report_multiple_bugs=not search,
        ),
    )


def test_a_client_follows_a_name_that_moved() -> None:
    run(15)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_client_follows_a_name_that_moved_in_3000_steps() -> None:
    run(100)
