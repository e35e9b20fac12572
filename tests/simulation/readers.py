"""Consumers: functions that read config in their handlers, in environments that freeze, jump in time, and end."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from configsvc.model.errors import Expired
from configsvc_client import Config, ConfigUnavailable, Snapshot
from configsvc_client._ports import Clocks, World
from configsvc_client._service.gateway import ApiGateway
from configsvc_client._settings import ClientSettings
from tests.simulation.cloud import LITTLE, Context, Fleet, Kms
from tests.simulation.network import API_KEY, URL, Line, Person
from tests.simulation.scheduler import Process
from tests.simulation.truth import NS, Truth
from tests.simulation.weather import Weather
from tests.support.client.fakes import KMS_KEY

POLL, REFRESH, START = 20.0, 0.8, 8.0
LATEST = 1.1 * POLL
FRESH = LATEST + REFRESH
TOLD = 5 * POLL
READER = Person("reader")
ENVIRON = {
    "CONFIGSVC_URL": f"{URL.origin}{URL.path}",
    "CONFIGSVC_API_KEY": API_KEY,
    "CONFIGSVC_NAMESPACES": str(NS),
    "CONFIGSVC_KMS_KEYS": KMS_KEY,
    "CONFIGSVC_POLL_SECONDS": str(POLL),
    "AWS_LAMBDA_FUNCTION_NAME": "a-function",  # only our threads
}


class Habits(NamedTuple):
    """The life of a consumer. If it freezes between invocations, its wall clock is never set."""

    freezes: bool
    skew: float
    way: float
    max_stale_seconds: float | None


class Altered(NamedTuple):
    """The parts of a consumer that a planted fault replaces."""

    config: type[Config] = Config
    clock: Callable[[Process], Clocks] = lambda process: process
    line: Callable[[Line], Line] = lambda line: line


class Reader:
    """One consumer: the real `Config` in one environment after another.

    Args:
        name: for the trace.
        fleet: the service.
        weather: draws what happens.
        truth: checks what is read.
        altered: the planted fault.
    """

    def __init__(self, name: str, fleet: Fleet, weather: Weather, truth: Truth, altered: Altered) -> None:
        self.name, self._fleet, self._weather, self._truth, self._altered = name, fleet, weather, truth, altered
        freezes = weather.happens(0.6)
        self.habits = Habits(
            freezes,
            weather.draw_between(-3600, 3600),
            weather.draw_between(0.5, 1.2) if weather.happens(0.15) else 0.01,
            weather.draw.choice((None, 3 * POLL)),
        )
        self.seen = 0
        self._numbers = 0

    def live(self, until: float) -> None:
        """Runs invocations, one after another."""
        time = self._truth.time
        self._begin()
        while time.now < until:
            self._wait()
            if self._weather.happens(self._weather.climate.died * 5):
                time.note(self.name, "gets another environment")
                self._begin()
            self.invoke(self._weather.draw.choice((0.3, 1.0, 1.7, 3.0, 30.0)))

    def invoke(self, seconds: float) -> None:
        """Runs one invocation with a time limit. Sometimes config is read before it, without a known limit."""
        if self._weather.happens(0.2):
            self._read(lambda: self._came(self._config.snapshot()), 2 * REFRESH, START)
        context = Context(self._process, seconds)
        self._read(lambda: self._invoked(context), seconds / 2, 0.9 * seconds)

    def _read(self, read: Callable[[], None], warm: float, cold: float) -> None:
        """Reads, with the longest waits with and without a current snapshot."""
        self._began, self._most = self._process.monotonic(), min(START, warm if self.held else cold)
        try:
            read()
        except Expired:
            if self._config.age <= self._expires:
                self._truth.violate(f"{self.name} hears that its config expired, at an age of {self._config.age:.3f} s")
        except ConfigUnavailable:
            if self._config.age < float("inf"):
                self._truth.violate(f"{self.name} has nothing to read, although something is held")

    def _handler(self, context: Context) -> None:
        """Checks that an invocation sees one snapshot, however long it takes."""
        del context
        snapshot = self._config.snapshot()
        self._came(snapshot)
        self._process.pause(self._weather.draw_between(0.0, 1.0))
        if self._config.snapshot() is not snapshot:
            self._truth.violate(f"{self.name} sees two snapshots in one invocation")

    @property
    def held(self) -> int:
        """The current revision, without a request; 0 for none."""
        made = self._config._made  # noqa: SLF001  # a read without a refresh
        return made.held.snapshot.revisions[NS] if made and made.held else 0

    @property
    def _expires(self) -> float:
        return self.habits.max_stale_seconds or float("inf")

    @property
    def is_slow(self) -> bool:
        """Whether a response takes longer than the usual time of a refresh."""
        return 2 * self.habits.way > REFRESH / 2

    def wait(self, seconds: float) -> None:
        """Waits between two invocations."""
        if self.habits.freezes:
            self._process.freeze(seconds)
        else:
            self._process.pause(seconds)

    def _begin(self) -> None:
        self._numbers += 1
        self._process = Process(self._truth.time, f"{self.name}.{self._numbers}", self.habits.skew)
        habits = self.habits
        line = Line(self._fleet, self._weather, self._process, READER, way=habits.way, freezes=habits.freezes)
        line.clock = self._altered.clock(self._process)
        self._line = self._altered.line(line)
        self._config = self._altered.config(
            environ=ENVIRON, world=self._world, max_stale_seconds=self.habits.max_stale_seconds
        )
        self._invoked = self._config.handler(self._handler)

    def _world(self, _: ClientSettings) -> World:
        clock, draw = self._line.clock, self._weather.draw
        gateway = ApiGateway(self._line, API_KEY)  # type: ignore[arg-type]  # replaces a Connection
        kms = Kms(self._weather, clock, self._truth.made)
        return World(gateway, kms, clock, draw.random, lambda: None, lambda: None, warn=lambda _: None)

    def _wait(self) -> None:
        weather, now = self._weather, self._truth.time.now
        seconds = weather.draw.choice((0.05, 2.0, 5.0, 21.0, 23.0, 70.0)) * weather.draw_between(0.8, 1.2)
        self.wait(weather.draw_meeting(now + seconds) - now)
        if not self.habits.freezes and weather.happens(0.05):
            self._process.skew = weather.draw_between(-3600, 3600)

    def _came(self, snapshot: Snapshot) -> None:
        """Checks the result of a read, and how long it took."""
        truth, revision, error = self._truth, snapshot.revisions[NS], self._config.last_error
        waited = self._process.monotonic() - self._began
        reason = f", {error.code} {error.members.get('reason', '')}" if error else ""
        truth.time.note(self.name, f"reads {revision} at an age of {self._config.age:.3f}{reason}")
        if waited > self._most + LITTLE:
            truth.violate(f"{self.name} waits {waited:.3f} s where it may wait {self._most:.3f} s")
        if revision not in truth.states or dict(snapshot) != truth.values(revision):
            truth.violate(f"{self.name} reads what revision {revision} does not hold")
        if revision < self.seen:
            truth.violate(f"{self.name} reads {revision} after {self.seen}")
        if error is not None and error.members.get("reason") == "unforeseen":
            truth.violate(f"{self.name} meets an unexpected error: {error.detail}")
        self.seen = revision
        self._check_age(revision, is_explained=error is not None)

    def _check_age(self, revision: int, *, is_explained: bool) -> None:
        truth, age = self._truth, self._config.age
        newer = truth.newer_since(revision)
        stale = 0.0 if newer is None else truth.time.now - newer
        if stale > age + LITTLE:
            truth.violate(f"{self.name} reads what was replaced {stale:.3f} s ago, at an age of {age:.3f} s")
        if age > FRESH + LITTLE and not is_explained:
            truth.violate(f"{self.name} reads at an age of {age:.3f} s, and no error says why")
        if age > self._expires:
            truth.violate(f"{self.name} reads at an age of {age:.3f} s what expires at {self._expires:g} s")
