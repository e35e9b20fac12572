"""Kills writers at random moments, and starts new ones where the killed ones stopped.

A separate program, single-threaded and warm, so that a writer is one fork. Run `python -m
tests.support.faults.killing URL TABLE KILLS SEED [two-commits]`. It prints, as JSON, how many were killed and how many
change sets each slot's writers had acknowledged.
"""

import json
import os
import random
import select
import signal
import sys
import time
from typing import TYPE_CHECKING, NamedTuple, NoReturn, cast

import botocore.session
from botocore.config import Config

from configsvc.adapters.dynamo import DynamoRepository
from configsvc.model import names
from configsvc.model.change_set import ChangeSet, Put
from configsvc.model.errors import Contended, Unavailable
from configsvc.service.engine.ports import Idempotency, Repository
from configsvc.service.verbs.change_sets import commit_change_set
from tests.support.contracts.tables import REGION
from tests.support.machines.planted import TwoCommits
from tests.support.races.writers import NS, make_service
from tests.support.service.world import DEVELOPER

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEYS = tuple(names.parse_key(f"k{number}") for number in range(5))
SLOTS = 2
LONGEST = 0.04
"""The longest life of a ready writer, in seconds: about two change sets."""


class Place(NamedTuple):
    """The table, and the planted bug, if any, that it is reached through."""

    url: str
    table: str
    bug: str = ""


class Writer(NamedTuple):
    """A child, and the pipe on which it reports that it is ready, and then each acknowledged number."""

    slot: int
    pid: int
    reports: int


def main(place: Place, kills: int, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # moments, not secrets
    session = warm_up(place)
    following = [0] * SLOTS
    writers = [spawn(session, place, slot, 0) for slot in range(SLOTS)]
    for _ in range(kills):
        time.sleep(chance.uniform(0, LONGEST))
        slot = chance.randrange(SLOTS)
        following[slot] = end_writer(writers[slot], following[slot])
        writers[slot] = spawn(session, place, slot, following[slot])
    following = [end_writer(writer, following[writer.slot]) for writer in writers]
    print(json.dumps({"kills": kills + SLOTS, "following": following}))  # noqa: T201  # its answer


def warm_up(place: Place) -> botocore.session.Session:
    """Imports everything and loads DynamoDB's model, by means of a client that is thrown away."""
    session = botocore.session.Session()
    make_repository(session, place)
    return session


def make_repository(session: botocore.session.Session, place: Place) -> Repository:
    client = session.create_client(
        "dynamodb", region_name=REGION, endpoint_url=place.url, aws_access_key_id="test", aws_secret_access_key="test",
        config=Config(proxies={}),
    )  # fmt: skip
    table = DynamoRepository(cast("DynamoDBClient", client), place.table)
    return TwoCommits(table) if place.bug == "two-commits" else table


def spawn(session: botocore.session.Session, place: Place, slot: int, first: int) -> Writer:
    """Starts a writer with change set `first`, which its predecessor may have committed."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        write_for_ever(make_repository(session, place), slot, first, writing)
    os.close(writing)
    os.read(reading, 1)
    return Writer(slot, pid, reading)


def write_for_ever(table: Repository, slot: int, first: int, reports: int) -> NoReturn:
    ports = make_service(table)
    os.write(reports, b".")
    number = first
    while True:
        name = f"{slot}-{number}"
        wanted = ChangeSet(tuple(Put(key, "plain", "text/plain", name) for key in KEYS), name)
        try:
            commit_change_set(ports, DEVELOPER, NS, wanted, Idempotency(name, "POST", "/changes", name))
        except (Contended, Unavailable):
            continue
        os.write(reports, b".")
        number += 1


def end_writer(writer: Writer, first: int) -> int:
    """Kills a writer, and returns the number of the change set that its successor begins with."""
    os.kill(writer.pid, signal.SIGKILL)
    _, status = os.waitpid(writer.pid, 0)
    assert os.WIFSIGNALED(status), "a writer ended by itself"
    acknowledged = 0
    while select.select([writer.reports], [], [], 0)[0]:
        read = len(os.read(writer.reports, 1024))
        if not read:
            break
        acknowledged += read
    os.close(writer.reports)
    return first + acknowledged


if __name__ == "__main__":
    url, table, kills, seed, *bug = sys.argv[1:]
    main(Place(url, table, *bug), int(kills), int(seed))
