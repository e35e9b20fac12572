"""The one clock: its order, its signals, and processes that freeze and end."""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation.scheduler import Killed, Process, Signal, VirtualTime


def run_tasks(act: Callable[[VirtualTime], None]) -> VirtualTime:
    time = VirtualTime()
    act(time)
    time.run(1000.0)
    time.close()
    return time


def test_the_shortest_wait_ends_first() -> None:
    def begin(time: VirtualTime) -> None:
        def wait(name: str, seconds: float) -> None:
            time.pause(seconds)
            time.note(name, "goes on")

        time.spawn("slow", lambda: wait("slow", 3.0), after=1.0)
        time.spawn("fast", lambda: wait("fast", 1.0), after=2.0)

    assert [line.split()[:2] for line in run_tasks(begin).trace] == [["3.000", "fast"], ["4.000", "slow"]]


def test_a_wait_for_a_signal_ends_in_time() -> None:
    seen: list[tuple[bool, float]] = []

    def begin(time: VirtualTime) -> None:
        signal = Signal(time)

        def wait(seconds: float) -> None:
            seen.append((signal.wait(seconds), time.now))

        time.spawn("impatient", lambda: wait(1.0))
        time.spawn("patient", lambda: wait(9.0))
        time.call(5.0, signal.set)

    run_tasks(begin)
    assert seen == [(False, 1.0), (True, 5.0)]


def test_a_frozen_process_loses_monotonic_time_and_no_wall_time() -> None:
    def begin(time: VirtualTime) -> None:
        process = Process(time, "frozen", skew=-3600.0)

        def freeze() -> None:
            wall, monotonic = process.now()
            process.freeze(60.0)
            process.pause(5.0)
            time.note("frozen", f"{process.wall() - wall:g} {process.monotonic() - monotonic:g}")

        time.spawn("frozen", freeze, owner=process)

    assert run_tasks(begin).trace[0].endswith("65 5")


def test_a_killed_process_ends_where_it_waits_and_others_continue() -> None:
    def begin(time: VirtualTime) -> None:
        process = Process(time, "victim")

        def wait(name: str) -> None:
            try:
                time.pause(50.0)
                time.note(name, "goes on")
            except Killed:
                time.note(name, "is killed")
                raise

        time.spawn("victim", lambda: wait("victim"), owner=process)
        time.spawn("other", lambda: wait("other"))
        time.call(10.0, lambda: time.kill(process))

    assert [line.split(maxsplit=1) for line in run_tasks(begin).trace] == [
        ["10.000", "victim       is killed"],
        ["50.000", "other        goes on"],
    ]


def test_an_error_in_a_thread_reaches_the_caller_of_run() -> None:
    def fail() -> None:
        raise ValueError("unexpected")

    time = run_tasks(lambda time: time.spawn("failing", fail))
    assert [type(error) for error in time.failed] == [ValueError]
