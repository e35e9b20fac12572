"""Preconditions and Idempotency-Keys: a write happens on what its author saw, and once."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.support.journeys.sealing import new_data_key, plain
from tests.support.journeys.story import Story


def test_if_match_lets_the_write_through_on_what_was_seen(story: Story) -> None:
    story.put("k", plain("one"))
    seen = story.get("k").headers["etag"]
    assert story.put("k", plain("two"), {"If-Match": seen}).status == 201


def test_if_match_refuses_once_someone_else_has_written(story: Story) -> None:
    story.put("k", plain("one"))
    seen = story.get("k").headers["etag"]
    story.put("k", plain("two"))
    before = story.revision
    assert story.put("k", plain("three"), {"If-Match": seen}).code == "precondition_failed"
    assert story.revision == before
    assert story.get("k").json()["value"] == "two"


def test_another_keys_write_does_not_break_if_match(story: Story) -> None:
    story.put("k", plain("one"))
    seen = story.get("k").headers["etag"]
    story.put("other", plain("x"))
    assert story.put("k", plain("two"), {"If-Match": seen}).status == 201


def test_create_only_refuses_what_is_served(story: Story) -> None:
    assert story.put("k", plain("one"), {"If-None-Match": "*"}).status == 201
    assert story.put("k", plain("two"), {"If-None-Match": "*"}).code == "precondition_failed"
    story.change([{"op": "delete", "key": "k"}]).json()
    assert story.put("k", plain("three"), {"If-None-Match": "*"}).status == 201


def test_a_change_set_can_ask_for_the_namespaces_revision(story: Story) -> None:
    revision = story.revision
    operations: list[dict[str, object]] = [{"op": "put", "key": "k", **plain("1")}]
    assert story.change(operations, {"If-Match": f'"{revision}"'}).status == 200
    assert story.change(operations, {"If-Match": f'"{revision}"'}).code == "precondition_failed"


def test_an_operation_can_ask_for_its_keys_revision(story: Story) -> None:
    revision = story.put("k", plain("one")).json()["revision"]
    wrong: dict[str, object] = {"op": "put", "key": "k", **plain("two"), "if_match": revision + 1}
    assert story.change([{"op": "put", "key": "x", **plain("1")}, wrong]).code == "precondition_failed"
    assert story.change([{**wrong, "if_match": revision}]).status == 200


def test_an_operation_can_ask_that_nothing_is_served_under_its_key(story: Story) -> None:
    operation: dict[str, object] = {"op": "put", "key": "k", **plain("one"), "create_only": True}
    assert story.change([{**operation, "if_match": 1}]).code == "unprocessable"
    assert story.change([operation]).status == 200
    assert story.change([{"op": "put", "key": "x", **plain("1")}, operation]).code == "precondition_failed"
    assert story.get("x").status == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"If-Match": "*"},
        {"If-Match": "41"},
        {"If-Match": 'W/"41"'},
        {"If-Match": '"41", "42"'},
        {"If-Match": '"0"'},
        {"If-Match": ""},
        {"If-None-Match": '"41"'},
        {"If-Match": '"41"', "If-None-Match": "*"},
        {"If-Unmodified-Since": "Sat, 21 Nov 2026 20:00:00 GMT"},
        {"If-Modified-Since": "Sat, 21 Nov 2026 20:00:00 GMT"},
    ],
    ids=str,
)
def test_a_malformed_precondition_is_never_ignored(story: Story, headers: dict[str, str]) -> None:
    before = story.revision
    refused = story.put("k", plain("x"), headers)
    assert (refused.status, refused.code) == (400, "invalid_request")
    assert story.revision == before


def test_an_envelope_for_another_version_is_refused_naming_the_next(story: Story) -> None:
    data_key = story.add_data_key()
    story.seal(data_key, "k", 1, "one").json()
    before = story.revision
    refused = story.seal(data_key, "k", 1, "another")
    assert refused.code == "version_claimed"
    assert refused.status == 409
    assert refused.problem()["next_version"] == 2
    assert story.seal(data_key, "k", 3, "three").code == "version_claimed"
    assert story.revision == before


def test_a_repeated_request_is_answered_as_the_first_and_done_once(story: Story) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    first = story.put("k", plain("one"), headers)
    again = story.put("k", plain("one"), headers)
    assert (first.status, first.json(), first.headers["etag"]) == (again.status, again.json(), again.headers["etag"])
    assert story.get("k").json()["version"] == 1


def test_another_body_under_the_same_idempotency_key_is_refused(story: Story) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    story.put("k", plain("one"), headers).json()
    refused = story.put("k", plain("two"), headers)
    assert (refused.status, refused.code) == (422, "idempotency_mismatch")
    assert story.get("k").json()["value"] == "one"


def test_an_idempotency_key_is_of_one_path(story: Story) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    assert story.put("a", plain("one"), headers).status == 201
    assert story.put("b", plain("one"), headers).status == 201


def test_a_repeat_comes_before_its_precondition(story: Story) -> None:
    headers = {"Idempotency-Key": uuid4().hex, "If-None-Match": "*"}
    first = story.put("k", plain("one"), headers)
    assert story.put("k", plain("one"), headers).json() == first.json()


def test_a_refused_write_is_not_remembered(story: Story) -> None:
    headers = {"Idempotency-Key": uuid4().hex, "If-Match": '"999"'}
    assert story.put("k", plain("one"), headers).code == "precondition_failed"
    del headers["If-Match"]
    assert story.put("k", plain("one"), headers).status == 201


@pytest.mark.parametrize("key", ["x" * 256, "caf\u00e9", ""])
def test_an_idempotency_key_is_printable_and_short(story: Story, key: str) -> None:
    assert story.put("k", plain("x"), {"Idempotency-Key": key}).code == "invalid_request"


def test_every_kind_of_write_can_be_repeated(story: Story) -> None:
    data_key = new_data_key().body
    for method, path, who, body in (
        (
            "POST",
            f"{story.path}/changes",
            story.stage.writer,
            {"operations": [{"op": "put", "key": "z", **plain("1")}]},
        ),
        ("POST", f"{story.path}/data-keys", story.stage.admin, data_key),
        ("PUT", story.path, story.stage.admin, {"description": "another"}),
    ):
        headers = {"Idempotency-Key": uuid4().hex}
        first = story.api.send(method, path, who, body, headers).json()
        revision = story.revision
        assert story.api.send(method, path, who, body, headers).json() == first
        assert story.revision == revision
