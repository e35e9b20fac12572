"""A lost race, step by step, with the service's answers written out."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from configsvc.model import names
from configsvc.model.change_set import Activate, Put
from configsvc.model.errors import Conflict, InvalidEnvelope, PreconditionFailed, VersionClaimed
from configsvc.model.names import Key, Namespace
from configsvc_client._transport.response import Response
from configsvc_client.admin import Draft, KeyInfo, Known, make_draft
from configsvc_client.admin.sealing import sealer as sealing
from configsvc_client.admin.writing import SEALS, TRIES, Writer
from tests.support.admin.fakes import FakeChance, FakeTransport, answer, api
from tests.support.client.fakes import FakeClock

NAMESPACE = names.parse_namespace("payments.prod")
DRAFT = make_draft("db.url", "value")
STORED = answer(201, {"namespace": "payments.prod", "key": "db.url", "version": 8, "revision": 12, "active": 8})


class Desk:
    """A writer over answers, whose seal only says for which version it was made."""

    def __init__(self, *answers: Response) -> None:
        self.transport, self.clock = FakeTransport(*answers), FakeClock()
        self.asked = 0
        self.forgotten: list[Namespace] = []
        self.writer = Writer(
            api(self.transport, clock=self.clock), self._seal, self._known, self.clock, FakeChance(),
            forget=self.forgotten.append,
        )  # fmt: skip

    def _seal(self, namespace: Namespace, draft: Draft, version: int) -> Put:
        return sealing.make_put(draft, f"{namespace}/{draft.key}/{version}")

    def _known(self, namespace: Namespace, keys: Sequence[Key]) -> Known:
        del namespace
        self.asked += 1
        version = 3 + self.asked
        return Known(
            {
                key: KeyInfo(key, version, version, version + 1, "envelope", "text/plain", version, None, "served")
                for key in keys
            }
        )

    @property
    def values(self) -> list[str]:
        return [json.loads(sent.body)["value"] for sent in self.transport.sent]


def _claimed(**members: object) -> Response:
    return answer(409, {"code": "version_claimed", "detail": "Seal it again.", **members})


def test_a_lost_race_is_resealed_for_the_version_the_service_names() -> None:
    desk = Desk(_claimed(next_version=7), _claimed(next_version=8), STORED)
    assert desk.writer.put(NAMESPACE, DRAFT, "why").version == 8
    assert desk.values == [f"payments.prod/db.url/{version}" for version in (5, 7, 8)]
    assert desk.asked == 1
    assert len(desk.clock.pauses) == 2


def test_each_sealing_is_a_write_of_its_own() -> None:
    desk = Desk(_claimed(next_version=8), STORED)
    desk.writer.put(NAMESPACE, DRAFT, "")
    assert len({sent.headers["idempotency-key"] for sent in desk.transport.sent}) == 2


def test_where_the_service_names_none_the_next_version_is_asked_for() -> None:
    desk = Desk(_claimed(), STORED)
    desk.writer.put(NAMESPACE, DRAFT, "")
    assert desk.values[1] == "payments.prod/db.url/6"


def test_races_that_are_always_lost_end() -> None:
    desk = Desk(*[_claimed(next_version=9)] * (2 * TRIES))
    with pytest.raises(VersionClaimed):
        desk.writer.put(NAMESPACE, DRAFT, "")
    assert len(desk.transport.sent) == TRIES


@pytest.mark.parametrize("asked", [DRAFT._replace(if_match=3), DRAFT._replace(create_only=True)])
def test_with_a_precondition_a_lost_race_is_the_caller_s_to_decide(asked: Draft) -> None:
    desk = Desk(_claimed(next_version=8), STORED)
    with pytest.raises(VersionClaimed):
        desk.writer.put(NAMESPACE, asked, "")
    assert len(desk.transport.sent) == 1


@pytest.mark.parametrize(
    ("asked", "header", "value"),
    [
        (DRAFT._replace(if_match=3), "if-match", '"3"'),
        (DRAFT._replace(create_only=True), "if-none-match", "*"),
    ],
)
def test_a_precondition_is_sent_and_its_failure_is_told(asked: Draft, header: str, value: str) -> None:
    desk = Desk(answer(412, {"code": "precondition_failed", "detail": "Read it again."}))
    with pytest.raises(PreconditionFailed):
        desk.writer.put(NAMESPACE, asked, "")
    assert desk.transport.sent[0].headers[header] == value


def test_a_body_says_what_differs_from_the_default_and_no_more() -> None:
    desk = Desk(STORED, STORED)
    desk.writer.put(NAMESPACE, DRAFT, "")
    desk.writer.put(NAMESPACE, DRAFT._replace(activate=False, declassify=True, rotate_by="2030-01-31"), "why")
    plain, full = (set(json.loads(sent.body)) for sent in desk.transport.sent)
    assert plain == {"form", "content_type", "value"}
    assert full - plain == {"activate", "declassify", "rotate_by", "message"}


@pytest.mark.parametrize(
    "refusal",
    [
        answer(422, {"code": "invalid_envelope", "detail": "Not a live data key.", "key": "db.url", "kid": "k"}),
        answer(409, {"code": "conflict", "detail": "It has sealed as many values as it may.", "kid": "k"}),
    ],
    ids=["rotated", "used up"],
)
@pytest.mark.parametrize("times", range(1, SEALS))
def test_a_refused_data_key_is_forgotten_and_the_value_sealed_again(refusal: Response, times: int) -> None:
    desk = Desk(*[refusal] * times, STORED)
    assert desk.writer.put(NAMESPACE, DRAFT, "").version == 8
    assert desk.forgotten == [NAMESPACE] * times


def test_repeated_data_key_refusals_are_raised_and_the_cache_dropped() -> None:
    refusal = answer(422, {"code": "invalid_envelope", "detail": "Not a live data key.", "key": "db.url", "kid": "k"})
    hopeless = Desk(*[refusal] * SEALS)
    with pytest.raises(InvalidEnvelope):
        hopeless.writer.put(NAMESPACE, DRAFT, "")
    assert (len(hopeless.transport.sent), len(hopeless.forgotten)) == (SEALS, SEALS)


def test_a_conflict_that_no_other_data_key_cures_is_not_tried_again() -> None:
    retired = answer(409, {"code": "conflict", "detail": "retired", "key": "db.url", "version": 3, "kid": "k"})
    desk = Desk(retired)
    with pytest.raises(Conflict):
        desk.writer.change(NAMESPACE, [Activate(DRAFT.key, 3)], "")
    assert desk.forgotten == []
