"""Versions: history, staged puts, rollback, soft delete and bringing back, destroy."""

from __future__ import annotations

from functools import partial
from uuid import uuid4

import pytest

from tests.support.journeys.sealing import open_envelope, plain
from tests.support.journeys.story import Story


def put_three(story: Story) -> None:
    for text in ("one", "two", "three"):
        story.put("k", plain(text)).json()


def test_every_version_can_be_read_and_is_listed_newest_first(story: Story) -> None:
    put_three(story)
    found = story.read("/keys/k/versions").json()
    assert [each["version"] for each in found["versions"]] == [3, 2, 1]
    assert [each["active"] for each in found["versions"]] == [True, False, False]
    assert (found["latest"], found["next_version"]) == (3, 4)
    values = [story.read("/keys/k", {"version": number}).json()["value"] for number in (1, 2, 3)]
    assert values == ["one", "two", "three"]


def test_versions_are_listed_by_pages(story: Story) -> None:
    put_three(story)
    first = story.read("/keys/k/versions", {"limit": 2}).json()
    rest = story.read("/keys/k/versions", {"limit": 2, "cursor": first["cursor"]}).json()
    assert [each["version"] for each in first["versions"] + rest["versions"]] == [3, 2, 1]
    assert rest["cursor"] is None


def test_rollback_serves_earlier_versions_and_seals_nothing(story: Story) -> None:
    data_key = story.add_data_key()
    story.seal(data_key, "k", 1, "one").json()
    first = story.entries()["k"]
    story.seal(data_key, "k", 2, "two").json()
    back = story.activate("k", 1)
    assert (back.status, back.json()["version"], back.json()["active"]) == (200, 1, 1)
    assert back.headers["etag"] == f'"{back.json()["revision"]}"'
    assert story.entries()["k"] == first
    assert open_envelope(data_key, first["value"]) == b"one"
    assert story.get("k").json()["next_version"] == 3


def test_a_staged_put_is_served_once_it_is_activated(story: Story) -> None:
    story.put("k", plain("one")).json()
    held = story.snapshot().headers["etag"]
    staged = story.put("k", {**plain("two"), "activate": False}).json()
    assert (staged["version"], staged["active"]) == (2, 1)
    assert story.snapshot(held).status == 304
    assert story.read("/keys/k", {"version": 2}).json()["active"] == 1
    story.activate("k", 2).json()
    assert story.entries()["k"]["value"] == "two"


def test_what_is_deleted_is_gone_from_readers_and_comes_back(story: Story) -> None:
    story.put("k", plain("one")).json()
    gone = story.delete("k").json()
    assert (gone["version"], gone["active"]) == (None, None)
    assert story.entries() == {}
    assert story.get("k").code == "not_found"
    assert story.delete("k").code == "not_found"
    story.activate("k", 1).json()
    assert story.entries()["k"]["value"] == "one"


def test_activate_and_delete_hold_to_preconditions_and_are_done_once(story: Story) -> None:
    put_three(story)
    for number, act in enumerate((partial(story.activate, "k", 1), partial(story.delete, "k"))):
        assert act({"If-Match": '"999"'}).code == "precondition_failed"
        assert act({"If-None-Match": "*"}).code == "invalid_request"
        headers = {"If-Match": story.get("k").headers["etag"], "Idempotency-Key": uuid4().hex}
        first = act(headers).json()
        assert act(headers).json() == first, number


def test_an_absent_version_is_not_found(story: Story) -> None:
    story.put("k", plain("one")).json()
    assert story.activate("k", 2).code == "not_found"
    assert story.read("/keys/k", {"version": 2}).code == "not_found"
    assert story.read("/keys/other/versions").code == "not_found"


def test_a_destroyed_version_has_no_value_and_keeps_its_place(story: Story) -> None:
    put_three(story)
    held = story.snapshot().headers["etag"]
    assert story.administer("DELETE", "/keys/k/versions/3").code == "conflict"
    destroyed = story.administer("DELETE", "/keys/k/versions/2").json()
    assert story.administer("DELETE", "/keys/k/versions/2").json() == destroyed
    assert story.read("/keys/k", {"version": 2}).code == "gone"
    assert story.activate("k", 2).code == "gone"
    listed = story.read("/keys/k/versions").json()["versions"]
    assert [each["destroyed"] for each in listed] == [False, True, False]
    assert story.snapshot(held).status == 304
    assert story.put("k", plain("four")).json()["version"] == 4


def test_a_writer_destroys_nothing(story: Story) -> None:
    put_three(story)
    refused = story.api.send("DELETE", f"{story.path}/keys/k/versions/1", story.stage.writer)
    assert refused.code == "forbidden"
    assert story.read("/keys/k", {"version": 1}).json()["value"] == "one"


def test_a_key_that_is_held_is_answered_304(story: Story) -> None:
    story.put("k", plain("one")).json()
    path, held = f"{story.path}/keys/k", story.get("k").headers["etag"]
    again = story.api.send("GET", path, story.stage.reader, headers={"If-None-Match": held})
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", held)
    story.put("k", plain("two")).json()
    assert story.api.send("GET", path, story.stage.reader, headers={"If-None-Match": held}).json()["value"] == "two"


@pytest.mark.parametrize("version", ["0", "-1", "01", "1.0", "x", "", "99999999999", "\u0661"])
def test_a_version_is_a_number(story: Story, version: str) -> None:
    story.put("k", plain("one")).json()
    assert story.read("/keys/k", {"version": version}).code == "invalid_request"
    if version and version.isascii():
        assert story.administer("DELETE", f"/keys/k/versions/{version}").code == "invalid_request"


@pytest.mark.parametrize("body", [None, {}, {"version": 0}, {"version": "1"}, {"version": 1, "key": "k"}], ids=str)
def test_activate_is_asked_for_properly(story: Story, body: object) -> None:
    story.put("k", plain("one")).json()
    path = f"{story.path}/keys/k/activate"
    assert story.api.send("POST", path, story.stage.writer, body).code == "invalid_request"
