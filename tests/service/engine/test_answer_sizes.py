"""No answer exceeds what Lambda takes, on the runtime in use and on any that the stage may change to."""

from __future__ import annotations

import json

import pytest

from configsvc.model import limits, names
from configsvc.model.change_set import Delete
from configsvc.model.errors import TooLarge
from configsvc.model.names import Namespace
from configsvc.model.snapshot import Charset, compute_cost
from configsvc.service.engine.ports import Write
from configsvc.service.engine.records import DataKeyRecord
from configsvc.service.verbs.data_keys import list_data_keys
from configsvc.service.verbs.keys import put_key
from configsvc.service.verbs.lift import lift_namespace
from configsvc.service.verbs.namespaces import NamespaceWanted, create_namespace, get_namespace, list_namespaces
from configsvc.service.verbs.snapshots import fetch_snapshots
from local.runtime.runtime_api import ANSWER_BYTES
from tests.support.service.sealed import data_key, kid
from tests.support.service.world import ADMIN, DEVELOPER, NS, READER, World, make_world, text

LETTERS = {
    "ascii": "x", "latin": "\u00e9", "cjk": "\u6f22", "emoji": "\U0001f511", "quote": '"', "backslash": "\\",
    "newline": "\n", "control": "\x01", "delete": "\x7f", "separator": "\u2028",
}  # fmt: skip
CHARSETS: tuple[Charset, ...] = ("ascii", "utf8")


def make_world_with(charset: Charset) -> World:
    world = make_world()
    world.ports = world.ports._replace(charset=charset)
    return world


def measure_answer(body: str, charset: Charset) -> int:
    """Returns the bytes of the whole answer as that runtime encodes it, with more headers than any answer has."""
    answer = {"statusCode": 200, "headers": {"X-Correlation-Id": "c" * 128, "ETag": "e" * 1100}, "body": body}
    return len(json.dumps(answer, ensure_ascii=charset == "ascii").encode())


def read_size(world: World) -> int:
    found = get_namespace(world.ports, READER, NS)["bytes"]
    assert isinstance(found, int)
    return found


def fill(world: World, letter: str, most: int) -> TooLarge:
    """Puts values of that letter until one is refused, then ASCII to the last byte; returns the refusal of one more.

    The revision has three digits from the start, so that each write costs what its value does.
    """
    world.set(snapshot_bytes=most)
    lift_namespace(world.ports, ADMIN, NS, 100, None)
    value = letter * (200_000 // len(letter.encode()))
    for number in range(100):
        try:
            world.put(text(f"k{number:03}", value))
        except TooLarge:
            return _fill_to_the_byte(world, most)
    raise AssertionError("every value was accepted")


def _fill_to_the_byte(world: World, most: int) -> TooLarge:
    for number in range(100):
        world.put(text(f"pad{number}", ""))
        left = measure_room(world, most)
        world.put(text(f"pad{number}", "x" * min(left, 200_000)))
        if left <= 200_000:
            with pytest.raises(TooLarge) as more:
                world.put(text(f"pad{number}", "x" * (left + 1)))
            return more.value
    raise AssertionError("every value was accepted")


def measure_room(world: World, most: int) -> int:
    body = world.fetch().body or ""
    return min(most - compute_cost(body, world.ports.charset), limits.ANSWERABLE - compute_cost(body, "ascii"))


@pytest.mark.parametrize("most", [limits.SNAPSHOT_BYTES, limits.SNAPSHOT_BYTES_MOST], ids=["default", "most"])
@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("letter", LETTERS)
def test_s49_a_namespace_full_to_the_byte_is_answered_on_every_runtime(
    letter: str, charset: Charset, most: int
) -> None:
    world = make_world_with(charset)
    refused = fill(world, LETTERS[letter], most)
    body = world.fetch().body or ""

    assert read_size(world) == compute_cost(body, charset) <= most
    assert refused.members["size"] == refused.members["limit"] + 1  # type: ignore[operator]  # both are numbers
    assert refused.members["limit"] in {most, limits.ANSWERABLE}
    assert all(measure_answer(body, each) <= ANSWER_BYTES for each in CHARSETS)


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("letter", LETTERS)
def test_s49_full_namespaces_that_exceed_one_answer_are_deferred(letter: str, charset: Charset) -> None:
    world = make_world_with(charset)
    wanted = [names.parse_namespace(f"payments.n{number}") for number in range(5)]
    value = LETTERS[letter] * (
        limits.SNAPSHOT_BYTES // compute_cost(json.dumps(LETTERS[letter])[1:-1], charset) // 5 - 200
    )
    for namespace in wanted:
        create_namespace(world.ports, ADMIN, namespace, NamespaceWanted(), None)
        for number in range(4):
            put_key(world.ports, DEVELOPER, namespace, text(f"k{number}", value), "", None)

    body = fetch_snapshots(world.ports, READER, wanted, None).body or ""

    assert len(json.loads(body)["snapshots"]) >= 4
    assert compute_cost(body, charset) <= limits.SNAPSHOTS_BYTES
    assert measure_answer(body, charset) <= ANSWER_BYTES


def test_s49_a_stage_that_changes_its_runtime_still_serves_and_counts() -> None:
    world = make_world_with("utf8")
    fill(world, LETTERS["cjk"], limits.SNAPSHOT_BYTES)
    world.ports = world.ports._replace(charset="ascii")
    body = world.fetch().body or ""

    assert read_size(world) == compute_cost(body, "ascii") > limits.SNAPSHOT_BYTES
    with pytest.raises(TooLarge):
        world.put(text("k001", "x" + LETTERS["cjk"] * 66_666))
    world.change(Delete(names.parse_key("k000")))
    assert lift_namespace(world.ports, ADMIN, NS, 1, None).body["check"] == {"right": True, "differences": []}

    world.ports = world.ports._replace(charset="utf8")
    assert read_size(world) == compute_cost(world.fetch().body or "", "utf8") < limits.SNAPSHOT_BYTES
    world.put(text("k000", LETTERS["cjk"] * 60_000))
    assert lift_namespace(world.ports, ADMIN, NS, 1, None).body["check"] == {"right": True, "differences": []}


@pytest.mark.parametrize("charset", CHARSETS)
def test_namespaces_are_listed_in_pages_that_fit(charset: Charset) -> None:
    world = make_world_with(charset)
    for number in range(700):
        wanted = NamespaceWanted(description=LETTERS["emoji"] * limits.DESCRIPTION)
        create_namespace(world.ports, ADMIN, Namespace(f"payments.n{number:03}"), wanted, None)
    pages, cursor = list[str](), ""
    while not pages or cursor != "None":
        page = list_namespaces(world.ports, READER, "payments.n", limits.PAGE, cursor or None)
        pages.append(json.dumps(page, ensure_ascii=False))
        cursor = str(page["cursor"])

    assert sum(page.count('"namespace"') for page in pages) == 700
    assert len(pages) == (3 if charset == "ascii" else 1)
    assert all(measure_answer(page, charset) <= ANSWER_BYTES for page in pages)


def test_a_keyring_lists_live_keys_and_the_newest_retired_that_fit() -> None:
    world = make_world_with("ascii")
    old = [
        DataKeyRecord(
            names.parse_namespace(NS),
            number,
            number,
            data_key()._replace(kid=kid(number), wrapped="A" * 1024),
            "retired",
            "t",
            "p" * 600,
        )
        for number in range(10, 4010)
    ]
    for start in range(0, len(old), 100):
        world.repository.commit([Write(each, None) for each in old[start : start + 100]])

    body = list_data_keys(world.ports, READER, NS)

    listed = body["data_keys"]
    assert isinstance(listed, list)
    assert 1000 < len(listed) < 4001
    assert listed[0]["revision"] == 4009
    assert [each["kid"] for each in listed if each["state"] == "live"] == [kid(0)]
    assert measure_answer(json.dumps(body), "ascii") <= ANSWER_BYTES
