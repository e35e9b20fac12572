"""A thief who may only invoke the function forges events: an administrator's identity, any route, any headers.

What the thief knows is the code and the names of people, roles and namespaces; not the stage's variables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from configsvc.web.api import RestApi as App
from local.people import Person
from tests.support.journeys.api import Api
from tests.support.journeys.local_stage import memory_app, new_cast, stage_before
from tests.support.journeys.sealing import new_data_key, plain
from tests.support.journeys.stage import REGION, Stage, api_key_principal
from tests.support.journeys.texts import Texts
from tests.support.journeys.visits import KEY, VISITS, Visit
from tests.support.web.events import build_event

pytestmark = pytest.mark.slow  # many processes

NAMESPACE = "payments.prod"
CANARY = "canary-of-payments"


class Scene(NamedTuple):
    """A service in use, and its function as whoever may invoke it sees it."""

    app: App
    stage: Stage
    log: Texts

    def state(self) -> list[bytes]:
        """All that an administrator can see of it."""
        api, admin = Api(self.stage.url, REGION), self.stage.admin
        paths = (f"/v1/namespaces/{NAMESPACE}/changes", f"/v1/namespaces/{NAMESPACE}/snapshot", "/v1/grants/changes")
        return [api.send("GET", path, admin).body for path in paths]


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    log, cast = Texts(), new_cast()
    app = memory_app(log, cast)
    with stage_before(lambda event: app(event, None), app.routes, cast) as stage:
        api, admin = Api(stage.url, REGION), stage.admin
        for principal, action in ((api_key_principal(admin), "read"), (admin.arn, "write")):
            body = {"grants": [{"actions": [action], "namespaces": ["*"]}]}
            assert api.send("PUT", "/v1/grants", admin, body, query={"principal": principal}).status == 200
        assert api.send("PUT", f"/v1/namespaces/{NAMESPACE}", admin, {}).status == 201
        assert api.send("PUT", f"/v1/namespaces/{NAMESPACE}/keys/visited", admin, plain(CANARY)).status == 201
        yield Scene(app, stage, log)


def forged(visit: Visit, victim: Person, **changes: Any) -> dict[str, Any]:  # noqa: ANN401  # whatever a thief tries
    """The event of a visit as the gateway would make it of the victim's request, but for the proof."""
    made = build_event(
        visit.method,
        visit.resource,
        parameters={"namespace": NAMESPACE, "key": "visited", "kid": str(new_data_key().body["kid"]), "version": "1"},
        query={name: [each.format(namespace=NAMESPACE)] for name, each in (visit.query or {}).items()},
        headers={"x-api-key": victim.api_key, "content-type": "application/json"},
        body=json.dumps(visit.body) if visit.body else None,
        identity={"userArn": victim.arn, "apiKeyId": victim.api_key_id, "apiKey": victim.api_key, "sourceIp": "::1"},
    )
    return made | {"stageVariables": None} | changes


GUESSES: list[object] = [None, {}, {"proof": ""}, {"proof": "0" * 64}, {"proof": ["p" * 64]}, "proof"]


@pytest.mark.parametrize("variables", GUESSES, ids=repr)
@pytest.mark.parametrize("visit", VISITS[1:], ids=lambda each: str(each.route))
def test_a_forged_event_is_refused_and_changes_nothing(scene: Scene, visit: Visit, variables: object) -> None:
    before = scene.state()
    answer = scene.app(forged(visit, scene.stage.admin, stageVariables=variables), None)
    assert answer["statusCode"] == 403
    assert CANARY not in answer["body"]
    assert scene.state() == before


def test_the_administrator_is_not_blamed_for_a_forged_grant(scene: Scene) -> None:
    grants = next(each for each in VISITS if each.route == ("PUT", "/v1/grants"))
    scene.app(forged(grants, scene.stage.admin), None)
    lines = [json.loads(line) for line in scene.log.lines]
    refused = [line for line in lines if line.get("unproven")]
    assert refused
    assert {(line["status"], line["principal"], line["api_key"]) for line in refused} == {(403, None, None)}


def test_the_event_of_the_consoles_test_button_has_no_identity_either(scene: Scene) -> None:
    """TestInvokeMethod sends the caller's own ARN, no stage variables, and a stage name of its own."""
    read = next(each for each in VISITS if each.route == ("GET", KEY))
    sent = forged(read, scene.stage.admin)
    sent["requestContext"] |= {"stage": "test-invoke-stage", "path": "/v1/namespaces"}
    sent["requestContext"]["identity"] |= {"apiKeyId": "test-invoke-api-key-id", "caller": "AIDA"}
    assert scene.app(sent, None)["statusCode"] == 403


def test_health_tells_a_thief_that_the_service_runs_and_nothing_else(scene: Scene) -> None:
    answer = scene.app(forged(VISITS[0], scene.stage.admin), None)
    assert (answer["statusCode"], answer["body"]) == (200, '{"status":"ok","table":"not_checked"}')
