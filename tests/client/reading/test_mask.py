"""How secrets are found in a text: the same as by searching for each of them, and with hardly any searched for."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configsvc_client._reading.mask import MASK, SHORTEST, Mask, Needles
from configsvc_client.testing import FakeService

if TYPE_CHECKING:
    from configsvc_client import Snapshot

LINE = (
    "2026-11-30T10:22:43Z INFO payments.checkout order 8f14e45f-ceea-467a accepted for customer 120934, 19.90 EUR in "
    "34 ms by https://api.example.com/v1/orders, trace 4bf92f3577b34da6a3ce929d0e0e47361a2b3c"
)


def masked_one_by_one(texts: set[str], text: str) -> str:
    """Masks by definition: searches for every text, the longest first."""
    for each in sorted(texts, key=lambda each: (-len(each), each)):
        text = text.replace(each, MASK)
    return text


def masked(texts: set[str], text: str) -> str:
    for each in Needles(texts).perhaps(text):
        text = text.replace(each, MASK)
    return text


FEW = st.text("ab*", min_size=SHORTEST, max_size=14)
"""Texts of so few characters overlap, hold one another, and look like a mask."""


@st.composite
def texts_and_a_line(draw: st.DrawFn) -> tuple[set[str], str]:
    texts = draw(st.sets(st.one_of(FEW, st.text(min_size=SHORTEST)), max_size=12))
    parts = st.one_of(FEW, st.text(max_size=9), st.sampled_from(sorted(texts)) if texts else FEW)
    cut = st.tuples(parts, st.integers(0, 3), st.integers(0, 3)).map(lambda it: it[0][it[1] : len(it[0]) - it[2]])
    return texts, "".join(draw(st.lists(st.one_of(parts, cut), max_size=8)))


@given(texts_and_a_line())
def test_a_text_is_masked_as_if_each_secret_were_searched_for(case: tuple[set[str], str]) -> None:
    texts, line = case
    assert masked(texts, line) == masked_one_by_one(texts, line)


@given(st.text("abc", min_size=SHORTEST, max_size=40), st.integers(0, 12), st.text("abc", max_size=12))
def test_a_secret_is_found_wherever_it_is(secret: str, before: int, after: str) -> None:
    assert secret in [*Needles({secret, "x" * 8}).perhaps("." * before + secret + after)]


def many(kind: str) -> list[str]:
    chance = random.Random(7)  # noqa: S311  # of a test
    token = [f"{chance.randrange(16**12):012x}" for _ in range(1000)]
    return {
        "random": token,
        "urls": [f"https://user:{each}@api.example.com/v1/orders" for each in token],
        "one beginning": [f"https://api.example.com/v1/{each}" for each in token],
        "one beginning and end": [f"https://api.example.com/v1/{each}/accepted for customer" for each in token],
        "connection strings": [f"Server=tcp:db.example.com,1433;User={each};{'Encrypt=true;' * 9}" for each in token],
        "numbered words": [f"customer{number:03}" for number in range(1000)],
        "runs": ["a" * (SHORTEST + number) for number in range(1000)],
    }[kind]


KINDS = ("random", "urls", "one beginning", "one beginning and end", "connection strings", "numbered words", "runs")


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_without_secrets_searches_for_none_of_a_thousand(kind: str) -> None:
    assert len(LINE) == 200
    assert [*Needles(many(kind)).perhaps(LINE)] == []
    assert [*Needles(many(kind)).perhaps("a" * 7 + "b" + LINE * 500)] == []


@pytest.mark.parametrize("kind", KINDS[:-1])
def test_in_a_line_with_a_secret_that_one_is_searched_for(kind: str) -> None:
    secret = many(kind)[567]
    assert [*Needles(many(kind)).perhaps(LINE[:101] + secret + LINE[101:])] == [secret]


def test_a_line_with_parts_of_many_secrets_searches_for_few() -> None:
    secret = many("connection strings")[567]
    assert len(Needles(many("connection strings")).perhaps(f"{secret[:30]} {LINE} {secret[-100:]}")) <= 4


def test_none_is_searched_for_twice_however_often_it_is_there() -> None:
    found = [*Needles(many("runs")).perhaps("a" * 100_000)]
    assert found == many("runs")[::-1]


def test_a_value_that_was_made_to_hold_itself_is_masked_and_ends(configsvc_fake: FakeService) -> None:
    configsvc_fake.put("json", ["canary-in-json"])
    snapshot = configsvc_fake.config().snapshot()
    value: Any = snapshot["json"]
    list.append(value, value)
    mask = Mask()
    mask.follow(snapshot)
    assert mask.mask_text("a canary-in-json.") == "a ***."


def test_what_is_replaced_stays_masked_where_two_threads_meet_the_new_snapshot(configsvc_fake: FakeService) -> None:
    mask, config = Mask(), configsvc_fake.config()
    for value in ("the first secret", "the second one"):
        configsvc_fake.put("password", value)
        config.refresh()
        mask.follow(config.snapshot())
    configsvc_fake.put("password", "the third of them")
    config.refresh()
    mask.follow(cast("Snapshot", Overtaken(config.snapshot(), mask)))
    assert mask.mask_text("the second one, the third of them") == "***, ***"


class Overtaken:
    """A snapshot of which another thread takes in the values, while this one begins to."""

    def __init__(self, snapshot: Snapshot, mask: Mask) -> None:
        self.snapshot, self.mask = snapshot, mask

    def __getitem__(self, key: str) -> object:
        return self.snapshot[key]

    @property
    def sealed(self) -> frozenset[str]:
        self.mask.follow(self.snapshot)
        return self.snapshot.sealed
