"""Namespaces and their keyrings: several at once, deleted and made again, lifted, rewrapped."""

from __future__ import annotations

from tests.support.journeys.sealing import KMS_KEY, new_data_key, open_envelope, plain
from tests.support.journeys.story import Story


def several(story: Story, *namespaces: str, held: str | None = None) -> tuple[int, dict[str, object], str]:
    query = "&".join(f"namespace={each}" for each in namespaces)
    headers = {"If-None-Match": held} if held else None
    found = story.api.send("GET", f"/v1/snapshots?{query}", story.stage.reader, headers=headers)
    return found.status, found.json() if found.status == 200 else {}, found.headers.get("etag", "")


def test_several_namespaces_are_fetched_with_one_etag(story: Story) -> None:
    other = Story(story.api, story.stage, f"{story.namespace}.b")
    other.create()
    story.put("k", plain("x")).json()
    status, found, etag = several(story, story.namespace, other.namespace)
    assert status == 200
    assert found == {"snapshots": [story.snapshot().json(), other.snapshot().json()], "deferred": []}
    assert several(story, story.namespace, other.namespace, held=etag)[0] == 304
    other.put("k", plain("y")).json()
    assert several(story, story.namespace, other.namespace, held=etag)[0] == 200


def test_several_namespaces_are_asked_for_properly(story: Story) -> None:
    for query, code in (
        ("", "invalid_request"),
        (f"?namespace={story.namespace}&namespace={story.namespace}", "invalid_request"),
        ("?" + "&".join(f"namespace=n{number}" for number in range(11)), "invalid_request"),
        (f"?namespace={story.namespace}&revision=1", "invalid_request"),
        ("?namespace=UPPER", "invalid_name"),
        (f"?namespace={story.namespace}&namespace={story.namespace}.absent", "not_found"),
    ):
        assert story.api.send("GET", f"/v1/snapshots{query}", story.stage.reader).code == code, query


def test_a_namespace_that_serves_is_not_deleted(story: Story) -> None:
    story.put("k", plain("x")).json()
    assert story.administer("DELETE", "").code == "conflict"
    assert story.entries()["k"]["value"] == "x"


def test_a_recreated_namespace_continues_its_numbers(story: Story) -> None:
    story.put("k", plain("x")).json()
    story.delete("k").json()
    held, deleted = story.snapshot().headers["etag"], story.administer("DELETE", "").json()
    assert story.snapshot().code == "not_found"
    assert story.put("k", plain("y")).code == "not_found"
    made = story.administer("PUT", "", {})
    assert (made.status, made.json()["revision"]) == (201, deleted["revision"] + 1)
    assert story.snapshot(held).status == 200
    assert story.put("k", plain("y")).json()["version"] == 2


def test_a_lift_goes_above_lost_revisions_and_finds_counts_right(story: Story) -> None:
    story.put("k", plain("x")).json()
    held = story.snapshot().headers["etag"]
    lifted = story.administer("POST", "/lift", {"revision": 500}).json()
    assert lifted["revision"] > 500
    assert lifted["floor"] == 500
    assert lifted["check"] == {"right": True, "differences": []}
    assert story.snapshot(held).status == 200
    assert story.put("k", plain("y")).json()["version"] == 501
    for body in ({}, {"revision": 0}, {"revision": 10**12}, {"revision": "5"}):
        assert story.administer("POST", "/lift", body).code == "invalid_request"


def test_a_rewrapped_data_key_reaches_readers(story: Story) -> None:
    data_key = story.add_data_key()
    story.seal(data_key, "k", 1, "one").json()
    held = story.snapshot().headers["etag"]
    rewrapped = {"kms_key": KMS_KEY, "wrapped": new_data_key().wrapped}
    story.administer("PUT", f"/data-keys/{data_key.kid}", rewrapped).json()
    found = story.snapshot(held)
    assert found.json()["data_keys"] == [{"kid": data_key.kid, **rewrapped}]
    assert open_envelope(data_key, found.json()["entries"][0]["value"]) == b"one"


def test_a_data_key_is_retired_when_nothing_served_needs_it(story: Story) -> None:
    data_key = story.add_data_key()
    story.seal(data_key, "k", 1, "one").json()
    retire = f"/data-keys/{data_key.kid}/retire"
    assert story.administer("POST", retire).code == "conflict"
    story.delete("k").json()
    assert story.administer("POST", retire).json()["state"] == "retired"
    assert story.administer("POST", retire).json()["state"] == "retired"
    assert story.seal(data_key, "k", 2, "two").status in {409, 422}
    assert story.activate("k", 1).code == "conflict"
    listed = story.read("/data-keys").json()["data_keys"]
    assert [(each["kid"], each["state"], each["seals"]) for each in listed] == [(data_key.kid, "retired", None)]


def test_an_unknown_or_misspelt_data_key_is_refused(story: Story) -> None:
    body = {"kms_key": KMS_KEY, "wrapped": new_data_key().wrapped}
    unknown = new_data_key().kid
    assert story.administer("PUT", f"/data-keys/{unknown}", body).code == "not_found"
    assert story.administer("POST", f"/data-keys/{unknown}/retire").code == "not_found"
    assert story.administer("PUT", "/data-keys/short", body).code == "invalid_name"
    assert story.administer("POST", f"/data-keys/{unknown}/retire", {"x": 1}).code == "invalid_request"
