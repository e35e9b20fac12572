"""One run: a service, consumers and writers under one clock, first with faults and then without.

`python -m tests.simulation SEED [PLANT]` runs one again and prints its trace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from configsvc.service.engine.ports import Repository
from tests.simulation import readers, writers
from tests.simulation.cloud import Fleet
from tests.simulation.dynamodb import Table
from tests.simulation.readers import Reader
from tests.simulation.scheduler import VirtualTime
from tests.simulation.truth import Truth
from tests.simulation.weather import Weather
from tests.simulation.writers import Writer

FOUNDING, STORM, HEALING, CALM = 100.0, 600.0, 300.0, 400.0
"""Seconds to create the namespace, with faults, to finish what began during them, and without faults."""

READERS, WRITERS = 4, 3
SHOWN = 60
"""Lines of the trace shown on a failure."""


def _keep_unaltered(repository: Repository) -> Repository:
    return repository


class Plant(NamedTuple):
    """A planted fault: replacements for parts of the service, consumers and writers."""

    service: Callable[[Repository], Repository] = _keep_unaltered
    reader: readers.Altered = readers.Altered()
    writer: writers.Altered = writers.Altered()


NOTHING = Plant()


class Report(NamedTuple):
    """The result of a run."""

    seed: int
    trace: tuple[str, ...]
    violations: tuple[str, ...]
    revision: int

    def text(self, plant: str = "") -> str:
        """The end of the trace, and how to reproduce it."""
        last = "\n".join(self.trace[-SHOWN:])
        return f"{last}\n\nseed {self.seed}: {self.violations}\nAgain: python -m tests.simulation {self.seed} {plant}"


class Simulation:
    """The whole simulation, drawn from a seed."""

    def __init__(self, seed: int, plant: Plant = NOTHING) -> None:
        self.seed = seed
        self.time, self.weather = VirtualTime(), Weather(seed)
        self.truth = Truth(self.time)
        self.fleet = Fleet(Table(self.time, self.weather, self.truth.record_commit), plant.service, self.truth.violate)
        self._plant = plant

    def run(self) -> Report:
        """Runs from the first write to the end of all faults, and checks the final state."""
        climate = self.weather.calm()
        founder = Writer("founder", self.fleet, self.weather, self.truth, writers.Altered())
        self._stage(FOUNDING, {"founder": founder.create})
        self.weather.climate = climate
        self._storm()
        self._stage(CALM, {"healing": self._heal})
        self._stage(CALM, {each.name: partial(self._converge, each) for each in self.readers})
        self.time.close()
        for error in self.time.failed:
            raise error
        return Report(self.seed, tuple(self.time.trace), tuple(self.truth.violations), self.truth.revision)

    def _stage(self, seconds: float, acts: Mapping[str, Callable[[], None]]) -> None:
        """Runs things concurrently, which all have to end in time."""
        going = set(acts)

        def done(name: str) -> None:
            acts[name]()
            going.remove(name)

        for name in acts:
            self.time.spawn(name, partial(done, name))
        self.time.run(self.time.now + seconds)
        if going and not self.time.stopped:
            self.truth.violate(f"{', '.join(sorted(going))} does not end")

    def _storm(self) -> None:
        arguments = self.fleet, self.weather, self.truth
        self.readers = [Reader(f"reader-{each}", *arguments, self._plant.reader) for each in range(READERS)]
        self.writers = [Writer(f"writer-{each}", *arguments, self._plant.writer) for each in range(WRITERS)]
        self.rotator = Writer("rotator", *arguments, writers.Altered())
        end = self.time.now + STORM
        acts: dict[str, Callable[[], None]] = {each.name: partial(each.live, end) for each in self.readers}
        acts |= {each.name: partial(each.live, end) for each in self.writers}
        self.time.call(STORM, self._calm)
        self._stage(STORM + HEALING, acts | {"rotator": partial(self.rotator.rotates, end)})

    def _calm(self) -> None:
        self.time.note("weather", "calm")
        self.weather.calm()

    def _heal(self) -> None:
        """Checks that without faults everybody writes, and a rotation ends."""
        for writer in self.writers:
            if not writer.put():
                self.truth.violate(f"{writer.name} cannot write although nothing fails")
        if not self.rotator.rotate():
            self.truth.violate("a rotation does not end although nothing fails")
        if not self.truth.all_under_the_newest():
            self.truth.violate("after a rotation an older data key is live or needed")
        self.rotator.audit()

    def _converge(self, reader: Reader) -> None:
        """Checks that all readers converge within an interval; on a slow link within a few, to adapt."""
        for _ in range(14 if reader.is_slow else 1):
            reader.wait(readers.LATEST)
            reader.invoke(30.0)
        if reader.held != self.truth.served:
            self.truth.violate(f"{reader.name} still reads {reader.held}, not {self.truth.served}")


def run(seed: int, plant: Plant = NOTHING) -> Report:
    """Runs one seed."""
    return Simulation(seed, plant).run()
