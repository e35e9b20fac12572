"""Settings of a namespace, and that they hold."""

from __future__ import annotations

import pytest

from tests.support.journeys.sealing import kms, plain
from tests.support.journeys.story import Story

POOL = {"type": "integer", "minimum": 1, "maximum": 100}


def set_to(story: Story, **settings: object) -> None:
    story.administer("PUT", "", settings).json()


def test_settings_are_answered_as_set_and_omitted_ones_are_kept(story: Story) -> None:
    wanted = {
        "forms": ["plain", "kms"],
        "snapshot_bytes": 5000,
        "require_preconditions": False,
        "retention": {"versions": 5, "log_days": None, "deleted_days": None},
        "schemas": [{"keys": "pool.*", "schema": POOL}],
    }
    set_to(story, **wanted)
    set_to(story, description="other")
    found = story.read("").json()
    assert {name: found[name] for name in wanted} == wanted
    assert found["description"] == "other"


def test_preconditions_can_be_required(story: Story) -> None:
    set_to(story, require_preconditions=True)
    assert story.put("k", plain("x")).code == "precondition_required"
    assert story.put("k", plain("x"), {"If-None-Match": "*"}).status == 201
    assert story.activate("k", 1).code == "precondition_required"
    assert story.delete("k").code == "precondition_required"
    assert story.delete("k", {"If-Match": story.get("k").headers["etag"]}).status == 200


def test_a_read_only_namespace_takes_settings_only(story: Story) -> None:
    story.put("k", plain("x")).json()
    set_to(story, read_only=True)
    assert story.put("k", plain("y")).code == "conflict"
    assert story.delete("k").code == "conflict"
    set_to(story, read_only=False)
    assert story.put("k", plain("y")).status == 201


def test_only_the_allowed_forms_are_taken(story: Story) -> None:
    set_to(story, forms=["kms"])
    assert story.put("k", plain("x")).status in {409, 422}
    assert story.put("k", kms()).status == 201


def test_a_snapshot_does_not_grow_past_its_limit(story: Story) -> None:
    set_to(story, snapshot_bytes=2000)
    refused = story.put("k", plain("x" * 3000))
    assert (refused.status, refused.code) == (413, "too_large")
    assert story.put("k", plain("x" * 1000)).status == 201


def test_a_plain_value_must_match_its_schema_or_the_place_is_named(story: Story) -> None:
    schema = {"type": "object", "properties": {"size": POOL}, "additionalProperties": False}
    set_to(story, schemas=[{"keys": "pool.*", "schema": schema}])
    refused = story.put("pool.a", plain('{"size": 123456}', "application/json"))
    assert (refused.status, refused.code, refused.problem()["pointer"]) == (422, "invalid_value", "/size")
    assert b"123456" not in refused.body
    assert story.put("pool.a", plain('{"size": 12}', "application/json")).status == 201
    assert story.put("other", plain('{"size": 123456}', "application/json")).status == 201


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({"snapshot_bytes": 0}, 400),
        ({"snapshot_bytes": 5 * 1024 * 1024}, 400),
        ({"retention": {"versions": 0}}, 400),
        ({"retention": {"days": 1}}, 400),
        ({"read_only": "yes"}, 400),
        ({"schemas": [{"keys": "a/b", "schema": {}}]}, 400),
        ({"schemas": [{"keys": "a", "schema": {"$ref": "https://example.com/s"}}]}, 422),
        ({"schemas": [{"keys": "a", "schema": {"type": "no such"}}]}, 422),
        ({"schemas": [{"keys": "a", "schema": {"pattern": "(?=x)"}}]}, 422),
        ({"schemas": [{"keys": "a", "schema": {}}] * 2}, 422),
    ],
    ids=str,
)
def test_a_setting_is_what_it_may_be(story: Story, settings: dict[str, object], status: int) -> None:
    before = story.revision
    assert story.administer("PUT", "", settings).status == status
    assert story.revision == before


def test_upkeep_takes_away_what_retention_lets_go_and_nothing_that_is_served(story: Story) -> None:
    set_to(story, retention={"versions": 1, "log_days": 1})
    for text in ("one", "two", "three"):
        story.put("k", plain(text)).json()
    before = story.revision
    done = story.administer("POST", "/upkeep").json()
    assert done["done"] is True
    assert story.revision == before
    assert story.entries()["k"]["value"] == "three"
    assert story.read("/snapshot", {"revision": before - 1}).json()["entries"][0]["value"] == "two"
    refused = story.api.send("POST", f"{story.path}/upkeep", story.stage.admin, query={"cursor": "!"})
    assert refused.code == "invalid_request"
