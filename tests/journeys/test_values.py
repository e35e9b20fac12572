"""A value goes in, in each of the three forms, and comes out as it went in."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.support.journeys.sealing import kms, open_envelope, plain, seal_body
from tests.support.journeys.story import Story


def test_what_is_put_is_served_in_the_next_snapshot(story: Story) -> None:
    made = story.put("db.url", plain("postgres://db-1"))
    assert made.status == 201
    answer = made.json()
    assert answer == {
        "namespace": story.namespace, "key": "db.url", "version": 1, "revision": answer["revision"], "active": 1,
    }  # fmt: skip
    assert made.headers["etag"] == f'"{answer["revision"]}"'
    snapshot = story.snapshot().json()
    assert snapshot["revision"] == answer["revision"]
    assert snapshot["entries"] == [{"key": "db.url", "version": 1, **plain("postgres://db-1")}]


@pytest.mark.parametrize("value", ["", " ", "ünï\u2028\U0001f511", "-----BEGIN\nline\n-----END\n", "x" * 100_000])
def test_a_plain_text_comes_back_as_it_was_sent(story: Story, value: str) -> None:
    story.put("k", plain(value)).json()
    assert story.get("k").json()["value"] == value
    assert story.entries()["k"]["value"] == value


def test_json_is_kept_as_the_text_it_was(story: Story) -> None:
    text = '{"b": 1,  "a": [1.50, null]}'
    story.put("k", plain(text, "application/json")).json()
    assert story.get("k").json()["value"] == text


def test_a_kms_blob_is_kept_as_it_is(story: Story) -> None:
    blob = kms()
    story.put("token", blob).json()
    assert story.entries()["token"]["value"] == blob["value"]


def test_an_envelope_is_served_with_the_data_key_that_opens_it(story: Story) -> None:
    used, _unused = story.add_data_key(), story.add_data_key()
    assert story.seal(used, "db.password", 1, "hunter2").status == 201
    snapshot = story.snapshot().json()
    assert [each["kid"] for each in snapshot["data_keys"]] == [used.kid]
    assert open_envelope(used, snapshot["entries"][0]["value"]) == b"hunter2"


def test_the_same_envelope_again_is_answered_as_the_first_time(story: Story) -> None:
    data_key = story.add_data_key()
    body = seal_body(data_key, story.namespace, "k", 1, b"one")
    first, again = story.put("k", body), story.put("k", body)
    assert (first.status, again.status) == (201, 200)
    assert again.json()["version"] == 1
    assert again.json()["revision"] == first.json()["revision"]


def test_each_put_takes_the_next_version_and_the_last_is_served(story: Story) -> None:
    versions = [story.put("k", plain(str(number))).json()["version"] for number in range(3)]
    assert versions == [1, 2, 3]
    found = story.get("k").json()
    assert (found["version"], found["value"], found["next_version"]) == (3, "2", 4)


def test_a_staged_put_moves_the_revision_and_not_what_readers_get(story: Story) -> None:
    story.put("k", plain("one"))
    before = story.snapshot()
    staged = story.put("k", {**plain("two"), "activate": False}).json()
    assert (staged["version"], staged["active"]) == (2, 1)
    assert story.snapshot(before.headers["etag"]).status == 304
    assert story.revision == staged["revision"]


def test_an_unchanged_snapshot_is_304_and_a_changed_one_is_not(story: Story) -> None:
    story.put("k", plain("one"))
    first = story.snapshot()
    etag = first.headers["etag"]
    assert not etag.startswith("W/")
    unchanged = story.snapshot(etag)
    assert (unchanged.status, unchanged.body, unchanged.headers["etag"]) == (304, b"", etag)
    assert story.snapshot(f'"other", {etag}').status == 304
    assert story.snapshot('"other"').status == 200
    story.put("k", plain("two"))
    changed = story.snapshot(etag)
    assert changed.status == 200
    assert changed.headers["etag"] != etag
    assert changed.json()["revision"] > first.json()["revision"]


def test_a_new_namespace_serves_an_empty_snapshot(story: Story) -> None:
    found = story.snapshot().json()
    assert (found["entries"], found["data_keys"]) == ([], [])


def test_keys_are_listed_with_their_next_version_and_without_values(story: Story) -> None:
    for key in ("db.url", "db.pool", "http.port"):
        story.put(key, plain("canary-value"))
    listed = story.api.send("GET", f"{story.path}/keys", story.stage.reader, query={"prefix": "db."})
    found = listed.json()
    assert [(each["key"], each["active"], each["next_version"]) for each in found["keys"]] == [
        ("db.pool", 1, 2),
        ("db.url", 1, 2),
    ]
    assert b"canary-value" not in listed.body


def test_a_listing_goes_on_where_its_cursor_says(story: Story) -> None:
    story.change([{"op": "put", "key": f"k{number}", **plain("v")} for number in range(5)]).json()
    seen: list[str] = []
    cursor = ""
    while True:
        query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = story.api.send("GET", f"{story.path}/keys", story.stage.reader, query=query).json()
        seen += [each["key"] for each in page["keys"]]
        cursor = page["cursor"]
        if not cursor:
            break
    assert seen == [f"k{number}" for number in range(5)]


def test_data_keys_are_listed_with_what_they_sealed(story: Story) -> None:
    old, new = story.add_data_key(), story.add_data_key()
    story.seal(old, "a", 1, "one")
    story.seal(old, "a", 2, "two")
    found = story.api.send("GET", f"{story.path}/data-keys", story.stage.reader).json()["data_keys"]
    assert {each["kid"]: (each["seals"], each["served"]) for each in found} == {old.kid: (2, 1), new.kid: (0, 0)}


def test_a_compressed_large_snapshot_is_the_same(story: Story) -> None:
    story.put("k", plain("x" * 50_000))
    raw = story.api.send("GET", f"{story.path}/snapshot", story.stage.reader, headers={"Accept-Encoding": "gzip"})
    body = gzip.decompress(raw.body) if raw.headers.get("content-encoding") == "gzip" else raw.body
    assert json.loads(body)["entries"][0]["value"] == "x" * 50_000
