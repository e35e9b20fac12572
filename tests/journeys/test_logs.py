"""The request log: who did what, and never a value. It is read only if the service runs in process."""

from __future__ import annotations

import json

import pytest

from tests.support.journeys.sealing import plain
from tests.support.journeys.story import Story
from tests.support.journeys.texts import Texts

CANARY = "canary-91c4"


@pytest.fixture
def lines(log: Texts, story: Story) -> Texts:
    if not log.getvalue():
        pytest.skip("the service runs elsewhere")
    assert story
    return log


def test_values_are_never_logged(story: Story, lines: Texts) -> None:
    story.put("k", plain(CANARY)).json()
    story.put("k", plain(f'{{"{CANARY}', "application/json")).problem()
    story.put("k", f'{{"{CANARY}": "{CANARY}').problem()
    story.put("k", {**plain(CANARY), CANARY: CANARY}).problem()
    assert story.get("k").json()["value"] == CANARY
    assert CANARY in json.dumps(story.snapshot().json())
    assert CANARY not in lines.getvalue()


def test_each_request_is_one_line_found_by_its_correlation_id(story: Story, lines: Texts) -> None:
    made = story.put("k", plain("x"), {"X-Correlation-Id": f"of-{story.namespace}"})
    assert made.headers["x-correlation-id"] == f"of-{story.namespace}"
    (line,) = [json.loads(each) for each in lines.lines if f'"of-{story.namespace}"' in each]
    assert (line["method"], line["status"], line["namespace"]) == ("PUT", 201, story.namespace)
    assert line["route"] == "/v1/namespaces/{namespace}/keys/{key}"
    assert line["revision"] == made.json()["revision"]
    assert line["principal"] == story.stage.writer.arn


def test_refusals_are_logged_and_unchanged_polls_only_for_debugging(story: Story, lines: Texts) -> None:
    story.snapshot(story.snapshot().headers["etag"])
    story.put("k", "{}").problem()
    found = [json.loads(each) for each in lines.lines if story.namespace in each]
    assert {line["level"] for line in found if line["status"] == 304} == {"debug"}
    assert {line["level"] for line in found if line["status"] == 400} == {"warning"}


def test_what_is_asked_of_several_namespaces_names_them(story: Story, lines: Texts) -> None:
    query = f"namespace={story.namespace}&namespace={story.namespace}.x&namespace=UPPER"
    story.api.send("GET", f"/v1/snapshots?{query}", story.stage.reader).problem()
    found = json.loads(lines.lines[-1])
    assert (found["route"], found["namespace"]) == ("/v1/snapshots", f"{story.namespace},{story.namespace}.x")
