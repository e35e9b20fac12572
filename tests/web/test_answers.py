"""Each response has exactly the documented members; one more or one less changes the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Union

import pytest
from pydantic import TypeAdapter, ValidationError

from configsvc.bootstrap import app
from configsvc.web.bodies import catalogue
from configsvc.web.description import Route
from tests.fuzz.seeds import sow
from tests.support.journeys.api import Api, Reply
from tests.support.journeys.local_stage import local_stage
from tests.support.journeys.stage import Stage
from tests.support.journeys.texts import Texts
from tests.support.journeys.visits import KEY, NAMESPACE, VISITS, Visit, before

ROUTES = {(route.method, route.path): route for route in app.described}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with local_stage(Texts()) as stage:
        sow(Api(stage.url, stage.region), stage)
        yield stage


def find_model(route: Route, status: int) -> TypeAdapter[Any]:
    name = route.description.answers[status] or ""
    return TypeAdapter(Union[catalogue.ANSWERS[name]])  # noqa: UP007  # of as many as there are


def put_paid(stage: Stage, visit: Visit, number: int) -> Reply:
    api = Api(stage.url, stage.region)
    for each in before(visit):
        each.pay(api, f"answers.{number}", stage.admin)
    key = None if visit.role == "nobody" else stage.admin
    return visit.pay(api, f"answers.{number}", key)


FURTHER = [
    Visit("GET", KEY, "reader", query={"version": "1"}),
    Visit("GET", f"{NAMESPACE}/diff", "reader", query={"against": "shared.prod"}),
    Visit("GET", "/v1/grants", "admin"),
    Visit("GET", f"{NAMESPACE}/snapshot", "reader", query={"revision": "1"}),
]


@pytest.mark.parametrize("visit", VISITS, ids=lambda visit: f"{visit.method} {visit.resource} {visit.status}")
def test_every_response_has_the_members_of_its_model(stage: Stage, visit: Visit) -> None:
    answer = put_paid(stage, visit, VISITS.index(visit))
    assert answer.status == visit.status
    if answer.body:
        find_model(ROUTES[visit.route], answer.status).validate_json(answer.body)


@pytest.mark.parametrize("visit", FURTHER, ids=lambda visit: f"{visit.resource} {visit.query}")
def test_every_further_response_has_the_members_of_its_model(stage: Stage, visit: Visit) -> None:
    api = Api(stage.url, stage.region)
    for each in VISITS[:-2]:
        each.pay(api, "answers.further", stage.admin)
    answer = visit.pay(api, "answers.further", stage.admin)
    assert answer.status == 200
    find_model(ROUTES[visit.route], 200).validate_json(answer.body)


def test_an_undocumented_member_is_noticed() -> None:
    with pytest.raises(ValidationError):
        find_model(ROUTES["GET", "/v1/health"], 200).validate_json('{"status": "ok", "more": 1}')
