from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from configsvc.model.errors import ConfigsvcError, NotFound, NotTaken
from configsvc.model.names import Namespace
from configsvc_client._ports import FetchedSnapshot
from configsvc_client.admin.admin import Following
from tests.support.admin.loopback import Loopback
from tests.support.client.fakes import FakeClock
from tests.support.client.sealing import seal_values


def test_a_look_brings_what_changed_and_nothing_else(service: Loopback, namespace: str) -> None:
    other, admin = service.namespace(f"{namespace}.other"), service.admin()
    following = service.admin().follow(namespace, other)
    assert set(following.look()) == {namespace, other}
    assert following.look() == {}
    admin.values.put(other, "k", "v")
    service.requests.clear()
    service.kms.calls.clear()
    changed = following.look()
    assert {each: [entry.key for entry in found.entries] for each, found in changed.items()} == {other: ["k"]}
    assert list(following.held) == [namespace, other]
    assert (len(service.requests), service.kms.calls) == (1, [])


def test_what_is_held_stays_when_a_look_fails(service: Loopback, namespace: str) -> None:
    following = service.admin().follow(namespace)
    following.look()
    service.admin("admin").namespaces.delete(namespace)
    with pytest.raises(NotFound):
        following.look()
    assert list(following.held) == [namespace]


class Answers:
    """A gateway that answers what it is given."""

    def __init__(self) -> None:
        self.given: dict[Namespace, FetchedSnapshot | ConfigsvcError] = {}

    def fetch(
        self, known: Mapping[Namespace, str | None], deadline: float, while_waiting: Callable[[], None] | None = None
    ) -> dict[Namespace, FetchedSnapshot | ConfigsvcError]:
        del deadline, while_waiting
        return {each: self.given[each] for each in known if each in self.given}


ONE, TWO = Namespace("one.prod"), Namespace("two.prod")


def at(namespace: Namespace, revision: int, value: str = "1") -> FetchedSnapshot:
    return seal_values({"a": value}, revision=revision, namespace=namespace)


@pytest.mark.parametrize(
    "answer",
    [at(ONE, 4), at(ONE, 10**15), at(ONE, 5, "other"), NotFound("gone")],
    ids=["back", "jump", "other", "gone"],
)
def test_a_namespace_that_is_refused_stops_no_other(answer: FetchedSnapshot | ConfigsvcError) -> None:
    answers = Answers()
    following = Following(answers, [ONE, TWO], FakeClock())
    answers.given = {ONE: at(ONE, 5), TWO: at(TWO, 7)}
    held = following.look()
    answers.given = {ONE: answer, TWO: at(TWO, 8)}
    assert set(following.look()) == {TWO}
    assert set(following.refused) == {ONE}
    assert following.held[ONE] == held[ONE]
    answers.given = {ONE: at(ONE, 6)}
    assert set(following.look()) == {ONE}
    assert following.refused == {}


def test_a_first_look_begins_with_nothing_that_a_lift_could_not_reach() -> None:
    answers = Answers()
    answers.given = {ONE: at(ONE, 10**15), TWO: at(TWO, 7)}
    following = Following(answers, [ONE, TWO], FakeClock())
    with pytest.raises(NotTaken):
        following.look()
    assert following.held == {}
