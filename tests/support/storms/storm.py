"""A storm: concurrent writers, readers and consumers, faults in the store and kills; and its results."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from http import HTTPStatus
from threading import Event, Semaphore, Thread
from typing import Any, NamedTuple

from tests.support.journeys.api import Api, Reply
from tests.support.journeys.stage import REGION, api_key_principal, iam_principal
from tests.support.machines import recount
from tests.support.races.linearizability import Looked, Refused
from tests.support.storms.consumer import Consumer
from tests.support.storms.losing import Losing
from tests.support.storms.plan import NAMESPACES, Kill, Size, plan_faults, plan_kills
from tests.support.storms.reader import Reader, Taken
from tests.support.storms.stand import Parts, Stand, set_up
from tests.support.storms.wire import Began, Wire
from tests.support.storms.writer import Effort, Told, Writer

_TRIES = 50
CONSUMERS = 2
"""The number of readers that use the product's client."""


class Came(NamedTuple):
    """The results of a storm.

    Args:
        seed: of the storm.
        efforts: every write.
        refused: requests that were refused because of a key's state, with their namespace.
        looked: keys and namespaces that were read.
        readers: for each reader its snapshots, in order.
        logs: the change log of each namespace, as the service returns it.
        stored: the final records of each namespace in the table.
        began: operations that began.
        killed: processes that were killed.
    """

    seed: int
    efforts: list[Effort]
    refused: list[tuple[str, Refused]]
    looked: list[tuple[str, Looked]]
    readers: list[list[Taken]]
    logs: dict[str, list[dict[str, Any]]]
    stored: dict[str, recount.StoredNamespace]
    began: int
    killed: int

    def __str__(self) -> str:
        attempts = [each for effort in self.efforts for each in effort.attempts]
        unknown = sum(each.status >= 500 for each in attempts)
        taken = sum(map(len, self.readers))
        return (
            f"seed {self.seed}: {self.began} operations, {self.killed} kills; {len(self.efforts)} writes in "
            f"{len(attempts)} requests, {unknown} of unknown outcome; {taken} snapshots, {len(self.refused)} refusals"
        )


def run_storm(parts: Parts, seed: int, size: Size) -> Came:
    """Runs a storm to its end. The table is read when nobody can write any more."""
    losing = parts._replace(tamper=lambda target: Losing(parts.tamper(target), seed))
    with set_up(losing) as made:
        came = rage(made, seed, size)
    return settle(made, came)


def rage(made: Stand, seed: int, size: Size) -> Came:
    """Runs the storm; returns its results without the table's. AssertionError with the seed for a bad response."""
    _prepare(made)
    try:
        return _rage_on(made, seed, size)
    except AssertionError as broken:
        raise AssertionError(f"{broken} (seed {seed})") from broken


def settle(made: Stand, came: Came) -> Came:
    """Adds the records in the table to the results."""
    return came._replace(stored={namespace: _await_settled(made, namespace) for namespace in NAMESPACES})


def _await_settled(made: Stand, namespace: str) -> recount.StoredNamespace:
    """Reads the table until two reads agree, so that writes in flight have arrived."""
    found = recount.read_stored(made.table, namespace)
    while found != (again := recount.read_stored(made.table, namespace)):
        found = again
    assert found, f"{namespace} is gone"
    return found


def _read_log(made: Stand, namespace: str) -> list[dict[str, Any]]:
    """Reads the whole change log over HTTP, page by page."""
    api, found, query = Api(made.url, REGION), list[dict[str, Any]](), {"limit": "100"}
    while True:
        asked = partial(api.send, "GET", f"/v1/namespaces/{namespace}/changes", made.cast.reader, query=dict(query))
        page = _retry_surely(asked)
        found += page["changes"]
        if not page.get("cursor"):
            return found
        query["cursor"] = page["cursor"]


def _prepare(made: Stand) -> None:
    api, cast = Api(made.url, REGION), made.cast
    wanted = {
        api_key_principal(cast.reader): ["read"],
        api_key_principal(cast.writer): ["read"],
        iam_principal(cast.writer): ["write"],
    }
    for principal, actions in wanted.items():
        body = {"grants": [{"actions": actions, "namespaces": ["storm.*"]}]}
        _retry_surely(partial(api.send, "PUT", "/v1/grants", cast.admin, body, query={"principal": principal}))
    for namespace in NAMESPACES:
        _retry_surely(partial(api.send, "PUT", f"/v1/namespaces/{namespace}", cast.admin, {}))


def _retry_surely(ask: Callable[[], Reply]) -> dict[str, Any]:
    """Repeats a safe request until it succeeds, because a machine that runs other tests may be slow."""
    for _ in range(_TRIES):
        reply = ask()
        if reply.status < HTTPStatus.MULTIPLE_CHOICES:
            return reply.json()
        time.sleep(0.1)
    raise AssertionError(f"{_TRIES} times no answer but {reply}")


def _rage_on(made: Stand, seed: int, size: Size) -> Came:
    room, began = Semaphore(size.environments), Began()
    made.rules(*plan_faults(seed))
    with ExitStack() as opened:
        wires = [opened.enter_context(Wire(made.url, room)) for _ in range(size.writers + size.readers - CONSUMERS)]
        writers = [
            Writer(wire, made.cast.writer, seed, number) for number, wire in enumerate(wires[: size.writers])
        ]  # fmt: skip
        polling = [Reader(wire, made.cast.reader, seed, number) for number, wire in enumerate(wires[size.writers :])]
        consumers = [Consumer(made.url, made.cast.reader, room, seed, number) for number in range(CONSUMERS)]
        for each in consumers:
            opened.callback(each.close)
        acts = [(each.act, size.writes) for each in writers] + [(each.act, size.reads) for each in polling]
        acts += [(each.act, size.reads) for each in consumers]
        with _start_killing(made, plan_kills(seed, size), began) as killed:
            _run_together(acts, began)
        made.rules()
        logs = {namespace: _read_log(made, namespace) for namespace in NAMESPACES}
    taken = [each.taken for each in polling] + [each.taken for each in consumers]
    return _collect(seed, [each.told for each in writers], taken, began.count)._replace(killed=len(killed), logs=logs)


def _collect(seed: int, told: Sequence[Told], taken: list[list[Taken]], began: int) -> Came:
    efforts = [each for one in told for each in one.efforts]
    refused = [each for one in told for each in one.refused]
    looked = [each for one in told for each in one.looked]
    return Came(seed, efforts, refused, looked, taken, {}, {}, began, 0)


def _run_together(acts: Sequence[tuple[Callable[[int], None], int]], began: Began) -> None:
    """Runs all concurrently, each as often as given. Raises the first error once all have ended."""

    def run(act: Callable[[int], None], times: int) -> None:
        for number in range(times):
            began.one()
            act(number)

    with ThreadPoolExecutor(len(acts)) as pool:
        for each in [pool.submit(run, *each) for each in acts]:
            each.result()


@contextmanager
def _start_killing(made: Stand, planned: Sequence[Kill], began: Began) -> Iterator[list[int]]:
    """Kills as planned until the block ends; yields the killed processes."""
    killed, ended = list[int](), Event()

    def run() -> None:
        for each in planned:
            while began.count < each.after:
                if ended.wait(0.002):
                    return
            time.sleep(each.pause)
            killed.extend(_kill(made.pids, each.place, ended))

    thread = Thread(target=run)
    thread.start()
    try:
        yield killed
    finally:
        ended.set()
        thread.join()


def _kill(living: Callable[[], list[int]], place: int, ended: Event) -> list[int]:
    """Kills one process as soon as one is alive. Killed ones are replaced on the next request."""
    while not ended.is_set():
        pids = sorted(living())
        with suppress(ProcessLookupError, IndexError):
            pid = pids[place % max(len(pids), 1)]
            os.kill(pid, signal.SIGKILL)
            return [pid]
        ended.wait(0.01)
    return []
